"""The table that a sweep prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from framework.sweep.trial import TrialTable
from framework.types import FloatArray

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = {
    "sharpe": ("Sharpe ratio", "{:,.2f}"),
    "total_return": ("Return", "{:,.2%}"),
    "max_drawdown": ("Largest drawdown", "{:,.2%}"),
    "trades": ("Trades", "{:,.0f}"),
}


_NAMED = 20


def front_line(objectives: Sequence[str], front: Sequence[int]) -> str:
    """Return the trials that no other dominates as a line, those beyond the 20th as their number.

    Examples
    --------
    >>> front_line(["sharpe", "-max_drawdown"], [4, 0])
    'Pareto front of sharpe and -max_drawdown: trials 4, 0'
    """
    more = len(front) - _NAMED
    named = ", ".join(map(str, front[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")
    *others, last = objectives
    return f"Pareto front of {', '.join(others)} and {last}: trials {named}"


def summary_table(table: TrialTable, objective: FloatArray, named: str, top: int) -> Table:
    """Return the best trials of a sweep as a table for the console.

    Parameters
    ----------
    table : TrialTable
        P trials.
    objective : (P,) float64
        NaN for a trial that is not judged.
    named : str
        What the objective is.
    top : int
        Trials shown at most.
    """
    from rich.table import Table

    judged = int(np.isfinite(objective).sum())
    shown = Table()
    columns = {name: text for name, text in _SHOWN.items() if name in table.metrics}
    for name in ("Trial", *(key.rpartition(".")[2] for key in table.params)):
        shown.add_column(name, justify="right")
    if named not in columns:
        shown.add_column(named, justify="right")
    for label, _ in columns.values():
        shown.add_column(label, justify="right")
    for row in np.argsort(-objective, kind="stable")[: min(top, judged)]:
        cells = [str(table.index[row]), *(str(values[row]) for values in table.params.values())]
        if named not in columns:
            cells.append(f"{objective[row]:,.4g}")
        cells += [text.format(table.metrics[name][row]) for name, (_, text) in columns.items()]
        shown.add_row(*cells)
    return shown
