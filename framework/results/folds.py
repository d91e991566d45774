"""The figures of single parts of a run, which was traded once over all of them: `folds.csv`.

A part begins with the equity at the close before it, positions and all.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from framework.records import Part
from framework.results.metrics import Number, drawdown, sharpe, simple_returns
from framework.results.outcome import Outcome
from framework.types import YEAR_NS, format_time


@dataclass(frozen=True, slots=True)
class FoldRow:
    """One part of a run, a row of `folds.csv`."""

    fold: int
    part: str
    start: str
    end: str
    bars: int
    total_return: Number
    sharpe: Number
    max_drawdown: Number
    trades: int


def fold_rows(outcome: Outcome) -> list[FoldRow]:
    """Return the figures of each part, in the order of `Outcome.parts`.

    ``total_return`` is the equity at the part's last close over that at the close before the part,
    less one; ``sharpe`` is of the returns into its bars; ``max_drawdown`` begins with the equity
    before the part as its first peak; ``trades`` are the round trips entered in it.
    """
    with np.errstate(all="ignore"):
        return [_row(outcome, part) for part in outcome.parts]


def _row(outcome: Outcome, part: Part) -> FoldRow:
    first = max(part.start - 1, 0)
    before = float(outcome.equity[first]) if part.start else outcome.initial_cash
    inside = outcome.equity[part.start : part.end]
    start_ns = int(outcome.time[part.start])
    end_ns = int(outcome.time[part.end - 1]) + outcome.interval.ns
    entered = outcome.trades["entry_time"]
    ratio = sharpe(simple_returns(outcome.equity[first : part.end]), YEAR_NS / outcome.interval.ns)
    return FoldRow(
        part.fold,
        part.name,
        format_time(start_ns),
        format_time(end_ns),
        len(inside),
        float(inside[-1]) / before - 1.0 if before > 0.0 else None,
        ratio,
        drawdown(inside, before)[0],
        int(np.count_nonzero((entered >= start_ns) & (entered < end_ns))),
    )


def folds_csv(outcome: Outcome) -> str:
    """Return the rows as CSV; a figure that is not defined is an empty cell."""
    lines = [[field.name for field in fields(FoldRow)]]
    lines += [
        ["" if value is None else str(value) for value in astuple(row)]
        for row in fold_rows(outcome)
    ]
    return "".join(f"{','.join(line)}\n" for line in lines)
