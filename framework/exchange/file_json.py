"""JSON read as a table of columns: rows as lists or objects, columns as lists, one row a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.exchange.file_columns import Wanted

if TYPE_CHECKING:
    import pyarrow as pa


def read_json(raw: bytes, at: str, wanted: Wanted) -> tuple[pa.Table, bool]:
    """Return the columns of a JSON text, and whether it names them.

    Parameters
    ----------
    raw : bytes
    at : str
        What the message of a fault begins with: key and file.
    wanted : Wanted
        For messages.

    Raises
    ------
    UserError
        The text is cut short or damaged, or holds no rows of equal length.
    """
    import pyarrow as pa

    rows = _json_rows(raw, at, wanted)
    if isinstance(rows, dict):
        columns, named = rows, True
    elif isinstance(rows[0], dict):
        names = dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row)
        columns = {
            key: [_field(row, key, i, at, wanted) for i, row in enumerate(rows)] for key in names
        }
        named = True
    else:
        width = len(rows[0]) if isinstance(rows[0], list) else 0
        for i, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != width or not width:
                raise UserError(
                    f"{at} is not {wanted.rows}: element {i + 1} is "
                    f"'{json.dumps(row)[:40]}', not a row of {width or 6} values."
                )
        columns = {str(i + 1): column for i, column in enumerate(zip(*rows, strict=True))}
        named = False
    return pa.table({key: _json_column(column) for key, column in columns.items()}), named


def _field(row: Any, key: str, index: int, at: str, wanted: Wanted) -> Any:
    if not isinstance(row, dict):
        raise UserError(f"{at} is not {wanted.rows}: element {index + 1} is no object.")
    return row.get(key)


def _json_column(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values])


def _json_rows(raw: bytes, at: str, wanted: Wanted) -> list[Any] | dict[str, Any]:
    """Return the rows of a JSON text, wherever in it they are, or its columns."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        raise UserError(f"{at} is no JSON: {fault.reason}.") from None
    try:
        found = json.loads(text)
        rows = _find_rows([found] if _is_row(found) else found)
    except json.JSONDecodeError as whole:
        rows = _json_lines(text, at, whole)
    except RecursionError:
        raise UserError(f"{at} is not {wanted.rows}: JSON nested too deep.") from None
    if not rows:
        raise UserError(f"{at} holds no rows of {wanted.rows}.")
    return rows


def _json_lines(text: str, at: str, whole: json.JSONDecodeError) -> list[Any]:
    rows: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as fault:
            fault = fault if rows else whole
            raise UserError(
                f"{at} is cut short or damaged: {fault.msg}, line "
                f"{number if rows else fault.lineno}, column {fault.colno}."
            ) from None
    return rows


def _is_row(value: Any) -> bool:
    return (
        bool(value)
        and isinstance(value, dict)
        and not any(isinstance(v, list | dict) for v in value.values())
    )


def _find_rows(value: Any) -> list[Any] | dict[str, Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        lists = {k: v for k, v in value.items() if isinstance(v, list) and v}
        flat = {k: v for k, v in lists.items() if not isinstance(v[0], list | dict)}
        if len(flat) >= 5 and len({len(v) for v in flat.values()}) == 1:
            return flat
        for inner in value.values():
            if isinstance(inner, list | dict):
                found = _find_rows(inner)
                if found:
                    return found
    return []
