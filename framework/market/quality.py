"""Faults of raw candle rows: find them, report them, and refuse, repair or keep each by policy.

Nothing here looks forward: whether a row is kept depends on that row and rows before it alone,
conflicting duplicates excepted, where the row that the source handed over last counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from framework.errors import UserError
from framework.market.fault_policy import KINDS, FaultPolicy
from framework.market.quality_report import Fault, Quality
from framework.market.rows import CandleRows
from framework.types import BoolArray, FloatArray, IntArray, Interval, format_time

__all__ = ["KINDS", "Fault", "FaultPolicy", "Quality", "clean", "inspect"]

_SHOWN = 5


def inspect(rows: CandleRows, interval: Interval, policy: FaultPolicy | None = None) -> Quality:
    """Find every fault of `rows` and say what `policy` would do about it, refusing nothing.

    Parameters
    ----------
    rows : CandleRows
        Raw rows of one pair.
    interval : Interval
        Length of the candles.
    policy : FaultPolicy, optional
        The default one when left out.
    """
    return _examine(rows, interval, policy or FaultPolicy())[1]


def clean(
    rows: CandleRows, interval: Interval, policy: FaultPolicy | None = None
) -> tuple[CandleRows, Quality]:
    """Return `rows` sorted, unique and on the grid, with faults repaired or kept by `policy`.

    Raises
    ------
    UserError
        A fault is found whose policy is to refuse; one line for each kind.
    """
    kept, quality = _examine(rows, interval, policy or FaultPolicy())
    complaints = quality.complaints()
    if complaints:
        raise UserError(*complaints)
    return kept, quality


def _examine(
    rows: CandleRows, interval: Interval, policy: FaultPolicy
) -> tuple[CandleRows, Quality]:
    """Return the rows as repaired and what was found; a fault to be refused is repaired as well."""
    faults: list[Fault] = []
    rows_in = len(rows)
    backward = np.zeros(rows_in, np.bool_)
    np.less(rows.time[1:], rows.time[:-1], out=backward[1:])
    _note(faults, policy, "unordered", rows, backward, "sorted")
    rows = _drop_bad_values(rows, interval, policy, faults)
    if np.any(rows.time[1:] <= rows.time[:-1]):
        rows = _sort_and_merge(rows, policy, faults)
    rows = _judge_jumps(rows, policy, faults)
    gaps = _gaps(rows, interval, policy, faults)
    empty = not len(rows)
    return rows, Quality(
        rows.pair,
        interval,
        rows_in,
        len(rows),
        None if empty else int(rows.time[0]),
        None if empty else int(rows.time[-1]),
        tuple(sorted(faults, key=lambda fault: KINDS.index(fault.kind))),
        *gaps,
        int(np.count_nonzero(rows.volume == 0)),
        _longest_run(rows.close[1:] == rows.close[:-1]),
    )


def _drop_bad_values(
    rows: CandleRows, interval: Interval, policy: FaultPolicy, faults: list[Fault]
) -> CandleRows:
    """Return `rows` without those that no policy or the given one lets pass, ranges widened."""
    prices = (rows.open, rows.high, rows.low, rows.close)
    not_finite = ~np.isfinite(rows.volume)
    non_positive = rows.volume < 0
    for price in prices:
        not_finite |= ~np.isfinite(price)
        non_positive |= price <= 0
    valued = ~(not_finite | non_positive)
    high_below_low = valued & (rows.high < rows.low)
    low, high = np.minimum(rows.open, rows.close), np.maximum(rows.open, rows.close)
    outside = valued & ~high_below_low & ((low < rows.low) | (high > rows.high))
    off_grid = (rows.time - interval.offset_ns) % interval.ns != 0
    _note(faults, policy, "not_finite", rows, not_finite, "dropped")
    _note(faults, policy, "non_positive", rows, non_positive, "dropped")
    _note(faults, policy, "high_below_low", rows, high_below_low, "dropped")
    _note(faults, policy, "outside_range", rows, outside, "range widened")
    _note(faults, policy, "spacing", rows, off_grid, "dropped")
    if policy.outside_range != "keep" and outside.any():
        rows = replace(
            rows,
            high=np.where(outside, np.maximum(rows.high, high), rows.high),
            low=np.where(outside, np.minimum(rows.low, low), rows.low),
        )
    drop = ~valued | off_grid
    if policy.high_below_low != "keep":
        drop |= high_below_low
    return rows.take(np.flatnonzero(~drop)) if drop.any() else rows


def _sort_and_merge(rows: CandleRows, policy: FaultPolicy, faults: list[Fault]) -> CandleRows:
    """Return `rows` by time, the last row handed over for each time."""
    rows = rows.take(np.argsort(rows.time, kind="stable"))
    again = np.zeros(len(rows), np.bool_)
    np.equal(rows.time[1:], rows.time[:-1], out=again[1:])
    differs = np.zeros(len(rows), np.bool_)
    for column in (rows.open, rows.high, rows.low, rows.close, rows.volume):
        differs[1:] |= column[1:] != column[:-1]
    _note(faults, policy, "duplicates", rows, again & ~differs, "dropped")
    _note(faults, policy, "conflicts", rows, again & differs, "last row kept")
    last = np.append(~again[1:], True)
    return rows.take(np.flatnonzero(last))


def _judge_jumps(rows: CandleRows, policy: FaultPolicy, faults: list[Fault]) -> CandleRows:
    """Note absurd jumps of the close and, where the policy is to repair, drop them."""
    factor = float(np.exp(policy.jump_limit))
    before, after = rows.close[:-1], rows.close[1:]
    jumped = np.zeros(len(rows), np.bool_)
    jumped[1:] = (after > before * factor) | (before > after * factor)
    if policy.jump != "repair":
        _note(faults, policy, "jump", rows, jumped, "dropped")
        return rows
    dropped = _jumps_to_drop(rows.close, np.flatnonzero(jumped), factor)
    _note(faults, policy, "jump", rows, dropped, "dropped")
    return rows.take(np.flatnonzero(~dropped)) if dropped.any() else rows


def _jumps_to_drop(close: FloatArray, jumps: IntArray, factor: float) -> BoolArray:
    """Mark rows that jump from the last row kept, never two in a row: a new level is believed."""
    dropped = np.zeros(len(close), np.bool_)
    for row in jumps:
        # Right after a dropped row this one is compared with the row kept before it; whether it
        # went back there or stayed, it is kept.
        dropped[row] = not dropped[row - 1]
    return dropped


def _gaps(
    rows: CandleRows, interval: Interval, policy: FaultPolicy, faults: list[Fault]
) -> tuple[int, int, int, int | None]:
    """Return number of gaps, candles missing, longest gap, and the candle before that one."""
    holes = np.diff(rows.time) // interval.ns - 1
    where = np.flatnonzero(holes > 0)
    if not len(where):
        return 0, 0, 0, None
    longest = int(np.argmax(holes))
    faults.append(
        Fault(
            "gap",
            len(where),
            tuple(rows.time[where[:_SHOWN]].tolist()),
            f"{int(holes[where[0]])} candles missing",
            "refused" if policy.gap == "refuse" else "kept",
        )
    )
    return len(where), int(holes[where].sum()), int(holes[longest]), int(rows.time[longest])


def _longest_run(same: BoolArray) -> int:
    """Return the length of the longest run of True."""
    ends = np.flatnonzero(np.concatenate(([True], ~same, [True])))
    return int(np.diff(ends).max()) - 1


def _note(
    faults: list[Fault],
    policy: FaultPolicy,
    kind: str,
    rows: CandleRows,
    at_fault: BoolArray,
    repair: str,
) -> None:
    """Append the fault `kind` if any row has it."""
    count = int(np.count_nonzero(at_fault))
    if not count:
        return
    where = np.flatnonzero(at_fault)[:_SHOWN]
    action = getattr(policy, kind)
    done = {"refuse": "refused", "keep": "kept", "repair": repair}[action]
    times = tuple(rows.time[where].tolist())
    faults.append(Fault(kind, count, times, _example(kind, rows, int(where[0])), done))


def _example(kind: str, rows: CandleRows, row: int) -> str:
    """Return the values that make `row` a fault of `kind`."""
    if kind == "unordered":
        return f"after {format_time(int(rows.time[row - 1]))}"
    if kind in ("jump", "conflicts"):
        before, after = float(rows.close[row - 1]), float(rows.close[row])
        if kind == "jump" or before != after:
            return f"close {before!r}, then {after!r}"
    names = ("open", "high", "low", "close", "volume")
    return ", ".join(f"{name} {float(getattr(rows, name)[row])!r}" for name in names)
