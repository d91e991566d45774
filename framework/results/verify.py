"""A run's ledger recomputed by another program: does its account come out the same?"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from framework.errors import CheckFailed, UserError
from framework.records import Kind
from framework.results.outcome import Check, Outcome
from framework.types import FloatArray, format_time

TOLERANCE = 1e-9
"""Largest difference that is rounding, as a fraction of the equity."""

_BORROWING = " and the cost of borrowing from the closes"


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
    handed over; vectorbt keeps its own account of them. It knows no cost of borrowing: what shorts
    come to owe and pay is worked out from the same fills and closes, and the ledger's charges must
    come to the same. Neither may spend more than there is.

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
        At the first bar whose equity, cash or charges differ by more than 1e-9 of the equity, or
        whose cash was spent below zero.
    UserError
        When vectorbt is not installed.
    """
    from framework.results.portfolio import portfolio_of_outcome

    reserve = outcome.initial_cash + _debt(outcome)
    portfolio = portfolio_of_outcome(outcome, reserve)
    # a bar with several fills of one pair has several rows; the last one is its close
    rows = portfolio.wrapper.index.as_unit("ns").asi8
    closing = np.searchsorted(rows, outcome.time + outcome.interval.ns) - 1
    equity, cash = (
        series.to_numpy()[closing] - reserve for series in (portfolio.value(), portfolio.cash())
    )
    shorts = outcome.shorts
    equity = equity - shorts.paid - shorts.owed
    cash = cash - shorts.paid
    differences = (
        _compare(outcome, "equity", outcome.equity, equity),
        _compare(outcome, "cash", outcome.cash, cash),
        _compare(outcome, "borrowing paid", _charged(outcome), shorts.paid, "from the closes"),
    )
    _require_paid(outcome, cash)
    return Check(
        "vectorbt",
        True,
        f"equity and cash at all {len(outcome.time):,} bars, recomputed by vectorbt from the "
        f"{portfolio.orders.count():,} fills{_BORROWING if shorts.any else ''}, differ by "
        f"{max(differences):.1g} of the equity at most",
    )


def _compare(
    outcome: Outcome, name: str, ours: FloatArray, theirs: FloatArray, judge: str = "by vectorbt"
) -> float:
    """Return the largest difference as a fraction of the equity; refuse one beyond rounding."""
    difference = np.abs(ours - theirs) / _scale(outcome)
    wrong = np.flatnonzero(~(difference <= TOLERANCE))  # NaN is wrong too
    if len(wrong):
        bar = int(wrong[0])
        raise CheckFailed(
            f"vectorbt: {name} {_at(outcome, bar)}: {float(ours[bar])!r} in this run, "
            f"{float(theirs[bar])!r} {judge}."
        )
    return float(difference.max(initial=0.0))


def _require_paid(outcome: Outcome, cash: FloatArray) -> None:
    """Refuse an account that spent more cash than it had.

    To cover a short it must, whatever that costs: the debt is no mistake of the ledger's.
    """
    left = cash / _scale(outcome) < -TOLERANCE
    spent = np.diff(cash, prepend=outcome.initial_cash) < 0.0
    unpaid = np.flatnonzero(left & spent & ~outcome.shorts.covered)
    if len(unpaid):
        bar = int(unpaid[0])
        raise CheckFailed(
            f"vectorbt: cash {_at(outcome, bar)}: more was spent than there was, "
            f"{float(outcome.cash[bar])!r} in this run, {float(cash[bar])!r} by vectorbt."
        )


def _charged(outcome: Outcome) -> FloatArray:
    """Return what the ledger says was paid for borrowing up to each bar's close, (T,)."""
    charges = outcome.events[outcome.events["kind"] == Kind.CHARGED]
    sums = np.cumsum(np.append(0.0, charges["quote"]))
    ends = outcome.time + outcome.interval.ns
    charged: FloatArray = sums[np.searchsorted(charges["time"], ends)]
    return charged


def _debt(outcome: Outcome) -> float:
    """Return how far below zero the fills take cash, 0 or above; vectorbt would not go there."""
    fills = outcome.fills
    flows = -fills["side"] * fills["quote"] - fills["fee"]
    return max(0.0, -outcome.initial_cash - float(np.cumsum(flows).min(initial=0.0)))


def _scale(outcome: Outcome) -> FloatArray:
    """Return what differences are a fraction of, never 0."""
    scale: FloatArray = np.maximum(np.abs(outcome.equity), np.finfo(np.float64).tiny)
    return scale


def _at(outcome: Outcome, bar: int) -> str:
    return f"at the close of bar {bar}, {format_time(int(outcome.time[bar]))}"
