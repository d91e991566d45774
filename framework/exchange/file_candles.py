"""One file read as raw candles: format, columns, times and pairs put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import UserError
from framework.exchange.file_columns import CANDLES, plain, recognise_columns, symbol_column
from framework.exchange.file_formats import read_table, stem_of
from framework.exchange.file_times import times_ns
from framework.exchange.pair_names import pair_from_name, pair_of
from framework.market.arrow_columns import column_values
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, FloatArray, IntArray, Interval

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FileLayout:
    """How to read a file where it does not speak for itself; fields as in `Files`."""

    columns: Mapping[str, str]
    time_unit: str | None
    time_is: str
    interval: Interval | None


def read_candles(path: Path, pair: str | None, layout: FileLayout) -> dict[str, CandleRows]:
    """Return the file's rows by pair, in the file's order.

    Parameters
    ----------
    path : Path
    pair : str, optional
        Of a file that holds one pair; else the symbol column or the name of the file tells.
    layout : FileLayout

    Raises
    ------
    UserError
        The file is no candles, or names no pair.
    OutsideFault
        The disk does not hand it over.
    """
    table, named = read_table(path)
    names = list(table.column_names)
    if not table.num_rows:
        raise UserError(f"exchange.path: {path.name} has a header but no rows.")
    by_symbol = pairs_by_symbol(table, names, path) if named else {}
    if len(by_symbol) > 1:
        told: str | None = None
    else:
        told = pair or next(iter(by_symbol.values()), None) or pair_from_name(stem_of(path))
    found = recognise_columns(names, named, told, layout.columns, layout.time_is, path.name)
    time = _times(table, found["time"], path, layout)
    prices = [numbers(table.column(found[name]), name, found[name], path) for name in _VALUES]

    if len(by_symbol) <= 1:
        if told is None:
            raise UserError(
                f"exchange.pair: cannot tell the pair from the name '{path.name}'; name it, such "
                "as exchange.pair=BTC-USDT."
            )
        return {told: _shifted(CandleRows(told, time, *prices), path, layout)}
    whole = CandleRows("", time, *prices)
    symbols = table.column(symbol_column(names)).combine_chunks().dictionary_encode()
    codes = column_values(symbols.indices)
    made = {}
    for code, symbol in enumerate(symbols.dictionary.to_pylist()):
        rows = whole.take(np.flatnonzero(codes == code))
        own = CandleRows(by_symbol[symbol], rows.time, *(getattr(rows, v) for v in _VALUES))
        made[own.pair] = _shifted(own, path, layout)
    return made


_VALUES = ("open", "high", "low", "close", "volume")


def pairs_by_symbol(
    table: pa.Table, names: list[str], path: Path, key: str = CANDLES.key
) -> dict[str, str]:
    """Return the pairs that a symbol column names; none where there is no such column."""
    column = symbol_column(names)
    if column is None:
        return {}
    symbols = [symbol for symbol in table.column(column).unique().to_pylist() if symbol]
    pairs = {str(symbol): pair_of(str(symbol)) for symbol in symbols}
    known = {symbol: pair for symbol, pair in pairs.items() if pair}
    if len(pairs) > 1 and len(known) < len(pairs):
        strange = next(symbol for symbol, pair in pairs.items() if not pair)
        raise UserError(
            f"{key}: {path.name} holds several pairs, and '{strange}' in its column "
            f"'{column}' is none; write BTC-USDT or BTCUSDT."
        )
    if len(set(known.values())) < len(known):
        raise UserError(
            f"{key}: {path.name} names one pair in two ways in its column '{column}': "
            f"{', '.join(sorted(known))}."
        )
    return known


def _times(table: pa.Table, name: str, path: Path, layout: FileLayout) -> IntArray:
    column = table.column(name)
    clock = next((n for n in table.column_names if plain(n) == "time" and n != name), None)
    try:
        if clock is not None and plain(name) == "date":  # MetaTrader: date and time stand apart
            return times_ns(_joined(column, table.column(clock)), None)
        if plain(name) == "time" and "date" in map(plain, table.column_names):
            date = next(n for n in table.column_names if plain(n) == "date")
            if _is_clock(column):
                return times_ns(_joined(table.column(date), column), None)
        return times_ns(column, layout.time_unit)
    except ValueError as fault:
        raise UserError(f"exchange.path: {path.name}: column '{name}', {fault}.") from None


def _is_clock(column: pa.ChunkedArray) -> bool:
    first = str(column[0].as_py())
    return len(first) <= 12 and first.count(":") in (1, 2)


def _joined(date: pa.ChunkedArray, clock: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    days = (str(value)[:10] for value in date.to_pylist())
    texts = [f"{day} {hour}" for day, hour in zip(days, clock.to_pylist(), strict=True)]
    return pa.chunked_array([pa.array(texts, pa.string())])


def numbers(
    column: pa.ChunkedArray, canonical: str, name: str, path: Path, key: str = CANDLES.key
) -> FloatArray:
    """Return a column of prices or amounts; missing values are NaN."""
    import pyarrow as pa

    if pa.types.is_null(column.type) or not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
        or pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
    ):
        raise UserError(
            f"{key}: {path.name}: column '{name}' for {canonical} holds {column.type}, not numbers."
        )
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _numbers_of_text(column.to_pylist(), canonical, name, path, key)
    return column_values(column.cast(pa.float64()))


def _numbers_of_text(
    texts: list[Any], canonical: str, name: str, path: Path, key: str
) -> FloatArray:
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        if text is None or text.strip().lower() in ("", "null", "none", "nan", "na", "n/a", "-"):
            continue
        try:
            values[row] = float(text.replace(",", "").strip(" $€£"))
        except ValueError:
            raise UserError(
                f"{key}: {path.name}: column '{name}' for {canonical} holds no number in "
                f"row {row + 1}: '{text[:40]}'."
            ) from None
    return values


def _shifted(rows: CandleRows, path: Path, layout: FileLayout) -> CandleRows:
    """Return `rows` named by their open times."""
    if layout.time_is == "open":
        return rows
    interval = layout.interval or interval_of(rows, path)
    # Binance's close times lie a millisecond before the next open.
    closes = -(-rows.time // SECOND_NS) * SECOND_NS
    return CandleRows(rows.pair, closes - interval.ns, *(getattr(rows, v) for v in _VALUES))


def interval_of(rows: CandleRows, path: Path) -> Interval:
    """Return the interval that the times of `rows` keep.

    Raises
    ------
    UserError
        There are too few rows to tell.
    """
    from framework.market.regularise import find_interval

    if len(rows) < 2:
        raise UserError(
            f"exchange.interval: {path.name} has {len(rows)} row of {rows.pair}, too few to tell "
            "its interval; name it, such as exchange.interval=15m."
        )
    return find_interval(rows.time)
