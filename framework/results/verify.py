"""A run's ledger recomputed by another program: does its account come out the same?"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from framework.errors import CheckFailed, UserError
from framework.results.outcome import Check, Outcome
from framework.types import FloatArray, format_time

TOLERANCE = 1e-9
"""Largest difference that is rounding, as a fraction of the equity."""


def require_vectorbt() -> None:
    """Raise UserError when vectorbt is not installed, without the seconds that importing it takes.

    Raises
    ------
    UserError
        With the command that installs it.
    """
    missing = [name for name in ("vectorbt", "pandas") if find_spec(name) is None]
    if missing:
        raise UserError(f"verify: {missing[0]} is not installed; pip install -e '.[vectorbt]'.")


def verify_with_vectorbt(outcome: Outcome) -> Check:
    """Trade the fills of `outcome` again with vectorbt; compare equity and cash at every bar.

    Only pairs, sides, units, prices and fees of the fills, the closes and the cash at the start are
    handed over; vectorbt keeps its own account of them. Neither may spend more than there is.

    Parameters
    ----------
    outcome : Outcome
        What was traded.

    Returns
    -------
    Check
        Passed, with the largest difference found.

    Raises
    ------
    CheckFailed
        At the first bar whose equity or cash differs by more than 1e-9 of the equity, or whose cash
        is below zero.
    UserError
        When vectorbt is not installed.
    """
    from framework.results.portfolio import portfolio_of_outcome

    reserve = outcome.initial_cash
    portfolio = portfolio_of_outcome(outcome, reserve)
    # a bar with several fills of one pair has several rows; the last one is its close
    rows = portfolio.wrapper.index.as_unit("ns").asi8
    closing = np.searchsorted(rows, outcome.time + outcome.interval.ns) - 1
    equity, cash = (
        series.to_numpy()[closing] - reserve for series in (portfolio.value(), portfolio.cash())
    )
    differences = (
        _compare(outcome, "equity", outcome.equity, equity),
        _compare(outcome, "cash", outcome.cash, cash),
    )
    _require_paid(outcome, cash)
    return Check(
        "vectorbt",
        True,
        f"equity and cash at all {len(outcome.time):,} bars, recomputed by vectorbt from the "
        f"{portfolio.orders.count():,} fills, differ by {max(differences):.1g} of the equity at "
        "most",
    )


def _compare(outcome: Outcome, name: str, ours: FloatArray, theirs: FloatArray) -> float:
    """Return the largest difference as a fraction of the equity; refuse one beyond rounding."""
    difference = np.abs(ours - theirs) / _scale(outcome)
    wrong = np.flatnonzero(~(difference <= TOLERANCE))  # NaN is wrong too
    if len(wrong):
        bar = int(wrong[0])
        raise CheckFailed(
            f"vectorbt: {name} {_at(outcome, bar)}: {float(ours[bar])!r} in this run, "
            f"{float(theirs[bar])!r} by vectorbt."
        )
    return float(difference.max(initial=0.0))


def _require_paid(outcome: Outcome, cash: FloatArray) -> None:
    """Refuse an account that spent more cash than it had."""
    unpaid = np.flatnonzero(cash / _scale(outcome) < -TOLERANCE)
    if len(unpaid):
        bar = int(unpaid[0])
        raise CheckFailed(
            f"vectorbt: cash {_at(outcome, bar)}: more was spent than there was, "
            f"{float(outcome.cash[bar])!r} in this run, {float(cash[bar])!r} by vectorbt."
        )


def _scale(outcome: Outcome) -> FloatArray:
    """Return what differences are a fraction of, never 0."""
    scale: FloatArray = np.maximum(np.abs(outcome.equity), np.finfo(np.float64).tiny)
    return scale


def _at(outcome: Outcome, bar: int) -> str:
    return f"at the close of bar {bar}, {format_time(int(outcome.time[bar]))}"
