"""Recorded order books from files: one row for each level of each snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.errors import UserError, did_you_mean
from framework.exchange.file_candles import numbers, pairs_by_symbol
from framework.exchange.file_columns import Wanted, plain, symbol_column
from framework.exchange.file_formats import data_files, read_table, stem_of
from framework.exchange.file_times import times_ns
from framework.exchange.pair_names import pair_from_name
from framework.market.books import ASKS, BIDS, BookRows, Books, books_of, side_by_side
from framework.types import IntArray

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("time", "side", "level", "price", "units")

_BOOKS = Wanted("exchange.books", "order books", ", ".join(COLUMNS))
_SIDES = {"bid": BIDS, "bids": BIDS, "ask": ASKS, "asks": ASKS}


def read_books(
    named: str,
    pairs: Sequence[str],
    pair: str | None,
    time_unit: str | None,
    start_ns: int,
    end_ns: int,
) -> Books:
    """Return the snapshots of `pairs` with times in [start_ns, end_ns).

    Parameters
    ----------
    named : str
        File, folder of files named by pair, or pattern.
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    pair : str, optional
        Of a file that holds one pair and is not named by it.
    time_unit : str, optional
        Of numeric times.
    start_ns, end_ns : int
        UTC.

    Raises
    ------
    UserError
        A file holds no order books or wrong ones, or none holds a pair.
    OutsideFault
        The disk does not hand them over.
    """
    paths = data_files(named, _BOOKS.key)
    parts: dict[str, tuple[Path, BookRows]] = {}
    for path in paths:
        own = pair_from_name(stem_of(path))
        if len(paths) == 1 or own is None or own in pairs:
            for rows in _read(path, pair if len(paths) == 1 else None, time_unit):
                if rows.pair in parts:
                    raise UserError(
                        f"{_BOOKS.key}: {parts[rows.pair][0].name} and {path.name} both hold "
                        f"{rows.pair}; keep one of them, or give a pattern."
                    )
                parts[rows.pair] = path, rows
    faults = [
        f"{_BOOKS.key}: {named} has no order books of '{wanted}'.{did_you_mean(wanted, parts)}"
        for wanted in pairs
        if wanted not in parts
    ]
    if faults:
        raise UserError(*faults)
    books = []
    for wanted in pairs:
        path, rows = parts[wanted]
        inside = rows.take((rows.time >= start_ns) & (rows.time < end_ns))
        books.append(books_of(inside, f"{_BOOKS.key}: {path.name}"))
    return side_by_side(books)


def _read(path: Path, pair: str | None, time_unit: str | None) -> list[BookRows]:
    """Return the rows of a file, pair by pair."""
    table, named = read_table(path, _BOOKS)
    by_plain = {plain(name): name for name in table.column_names} if named else {}
    missing = [name for name in COLUMNS if name not in by_plain]
    if missing:
        raise UserError(
            f"{_BOOKS.key}: {path.name} is not order books: no column for {', '.join(missing)} "
            f"(its columns: {', '.join(table.column_names[:8])})."
        )
    columns = {name: table.column(by_plain[name]) for name in COLUMNS}
    try:
        time = times_ns(columns["time"], time_unit)
    except ValueError as fault:
        column = by_plain["time"]
        raise UserError(f"{_BOOKS.key}: {path.name}: column '{column}', {fault}.") from None
    level, price, units = (
        numbers(columns[name], name, by_plain[name], path, _BOOKS.key) for name in COLUMNS[2:]
    )
    odd = np.flatnonzero(~((level == np.floor(level)) & (level >= 0)))
    if len(odd):
        raise UserError(
            f"{_BOOKS.key}: {path.name}: column '{by_plain['level']}' holds no level, a whole "
            f"number from 0, in row {odd[0] + 1}: {level[odd[0]]:g}."
        )
    whole = BookRows(
        "", time, _sides(columns["side"], by_plain["side"], path), level.astype(int), price, units
    )
    by_symbol = pairs_by_symbol(table, table.column_names, path, _BOOKS.key)
    if len(by_symbol) > 1:
        symbols = np.array(table.column(symbol_column(table.column_names)).to_pylist(), str)
        return [whole.take(symbols == symbol, own) for symbol, own in by_symbol.items()]
    told = pair or next(iter(by_symbol.values()), None) or pair_from_name(stem_of(path))
    if told is None:
        raise UserError(
            f"{_BOOKS.key}: cannot tell the pair from the name '{path.name}'; name the file by "
            "its pair, such as BTC-USDT.parquet."
        )
    return [whole.take(slice(None), told)]


def _sides(column: pa.ChunkedArray, name: str, path: Path) -> IntArray:
    """Return the side of each row."""
    encoded = column.combine_chunks().dictionary_encode()
    codes = []
    for text in encoded.dictionary.to_pylist():
        if str(text).strip().lower() not in _SIDES:
            raise UserError(
                f"{_BOOKS.key}: {path.name}: column '{name}' must hold bid or ask (was '{text}')."
            )
        codes.append(_SIDES[str(text).strip().lower()])
    if encoded.indices.null_count:
        raise UserError(f"{_BOOKS.key}: {path.name}: column '{name}' has a row without a side.")
    sides: IntArray = np.array(codes, np.int64)[np.asarray(encoded.indices)]
    return sides
