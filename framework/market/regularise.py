"""Clean rows of several pairs onto one regular grid, holes filled with flat or missing candles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.errors import UserError
from framework.market.candles import COLUMNS, Candles, Standing
from framework.market.rows import CandleRows
from framework.types import BoolArray, IntArray, Interval, format_time


def find_interval(time: IntArray) -> Interval:
    """Return the most common spacing of `time` (R,), UTC ns in any order.

    Of several equally common ones the shortest counts.

    Raises
    ------
    UserError
        There are fewer than two different times.

    Examples
    --------
    >>> str(find_interval(np.array([0, 60, 120, 240]) * 1_000_000_000))
    '1m'
    """
    steps = np.diff(time)
    if len(steps) and steps.min() <= 0:
        steps = np.diff(np.unique(time))
    if not len(steps):
        raise UserError(
            "interval: cannot be found from fewer than two different times "
            f"(was {len(np.unique(time))}); name it with exchange.interval."
        )
    lengths, counts = np.unique(steps, return_counts=True)
    return Interval(int(lengths[np.argmax(counts)]))


def regularise(
    rows: Sequence[CandleRows],
    interval: Interval,
    start_ns: int | None,
    end_ns: int | None,
    max_gap_ns: int,
) -> Candles:
    """Lay clean rows of N pairs on one grid of open times.

    A hole up to `max_gap_ns` long becomes flat candles (previous close, zero volume); a longer one
    missing candles with the same values. Before a pair's first row candles are missing and NaN,
    after its last row missing. A row without volume is flat, with the prices its source gave.
    The standing of a candle in a hole therefore depends on how long the hole will be; its prices
    and its volume do not.

    Parameters
    ----------
    rows : sequence of CandleRows
        One per pair; sorted, unique, on the grid.
    interval : Interval
        Length of the candles.
    start_ns, end_ns : int or None
        Range of open times, end exclusive; None is the first or last row of all pairs.
    max_gap_ns : int
        Longest hole that is flat.

    Returns
    -------
    Candles
        (T, N), T the candles from start to end.

    Raises
    ------
    UserError
        There are no rows, or none between start and end.
    """
    first = _grid_start(rows, interval, start_ns)
    last = _grid_end(rows, interval, end_ns)
    bars = (last - first) // interval.ns
    names = ",".join(pair.pair for pair in rows)
    if bars <= 0 or not any(np.any((pair.time >= first) & (pair.time < last)) for pair in rows):
        raise UserError(
            f"market {names} {interval}: no candles from {format_time(first)} "
            f"to {format_time(last)}."
        )
    values = {name: np.empty((len(rows), bars)) for name in COLUMNS}
    standing = np.empty((len(rows), bars), np.uint8)
    for index, pair in enumerate(rows):
        _check_clean(pair, interval)
        columns = {name: column[index] for name, column in values.items()}
        _lay(
            pair, (pair.time - first) // interval.ns, columns, standing[index], interval, max_gap_ns
        )
    return Candles(
        tuple(pair.pair for pair in rows),
        interval,
        first + interval.ns * np.arange(bars, dtype=np.int64),
        values["open"].T,
        values["high"].T,
        values["low"].T,
        values["close"].T,
        values["volume"].T,
        standing.T,
    )


def _grid_start(rows: Sequence[CandleRows], interval: Interval, start_ns: int | None) -> int:
    if start_ns is not None:
        return interval.ceil(start_ns)
    firsts = [int(pair.time[0]) for pair in rows if len(pair)]
    return min(firsts, default=0)


def _grid_end(rows: Sequence[CandleRows], interval: Interval, end_ns: int | None) -> int:
    if end_ns is not None:
        return interval.ceil(end_ns)
    lasts = [int(pair.time[-1]) + interval.ns for pair in rows if len(pair)]
    return max(lasts, default=0)


def _check_clean(pair: CandleRows, interval: Interval) -> None:
    """Raise ValueError for rows that are not sorted, unique and on the grid."""
    if np.any(np.diff(pair.time) <= 0):
        raise ValueError(f"{pair.pair}: times must increase; clean the rows first")
    if np.any((pair.time - interval.offset_ns) % interval.ns):
        raise ValueError(
            f"{pair.pair}: times must lie on the {interval} grid; clean the rows first"
        )


def _lay(
    pair: CandleRows,
    slot: IntArray,
    columns: dict[str, np.ndarray],
    standing: np.ndarray,
    interval: Interval,
    max_gap_ns: int,
) -> None:
    """Write one pair's candles; `slot` (R,) is each row's place on the grid or beyond its ends."""
    bars = len(standing)
    inside = slice(*np.searchsorted(slot, [0, bars]).tolist())
    slot_in = slot[inside]
    if len(slot_in) == bars:
        for name, column in columns.items():
            column[:] = getattr(pair, name)[inside]
        standing[:] = np.where(columns["volume"] == 0, Standing.FLAT, Standing.CONFIRMED)
        return
    # Row that holds at each slot: the last at or before it, -1 before the first.
    holds = np.searchsorted(slot, np.arange(bars), side="right") - 1
    known = holds >= 0
    real = np.zeros(bars, np.bool_)
    real[slot_in] = True
    close = np.where(known, pair.close[holds], np.nan) if len(pair) else np.full(bars, np.nan)
    for name, column in columns.items():
        column[:] = 0.0 if name == "volume" else close
        column[slot_in] = getattr(pair, name)[inside]
    flat = _in_short_hole(slot, holds, known, interval, max_gap_ns) if len(pair) else known
    standing[:] = Standing.MISSING
    standing[(real & (columns["volume"] == 0)) | (~real & flat)] = Standing.FLAT
    standing[real & (columns["volume"] != 0)] = Standing.CONFIRMED


def _in_short_hole(
    slot: IntArray, holds: IntArray, known: BoolArray, interval: Interval, max_gap_ns: int
) -> BoolArray:
    """Mark the slots that lie between two rows at most `max_gap_ns` of missing candles apart."""
    hole_ns = np.append((np.diff(slot) - 1) * interval.ns, np.iinfo(np.int64).max)
    short: BoolArray = known & (hole_ns[holds] <= max_gap_ns)
    return short
