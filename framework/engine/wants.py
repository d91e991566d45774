"""What the signals of one bar ask for."""

from __future__ import annotations

import math

from framework.engine.compiled import compiled, inlined
from framework.engine.state import Book, Wants
from framework.types import BoolArray


@compiled
def confidence(wants: Wants, n: int, t: int) -> float:
    """Return the strategy's confidence in 0..1: 1 when it names none, 0 when it is NaN."""
    if wants.confidence_NT.size == 0:
        return 1.0
    value = wants.confidence_NT[n, t]
    if math.isnan(value):
        return 0.0
    return float(min(max(value, 0.0), 1.0))


@compiled
def side_wanted(wants: Wants, n: int, t: int) -> int:
    """Return +1 to enter a long, -1 a short, 0 neither: both at once, or what is left at once."""
    long, short = _given(wants.enter_NT, n, t), _given(wants.enter_short_NT, n, t)
    if long and not short and not _given(wants.exit_NT, n, t):
        return 1
    if short and not long and not _given(wants.exit_short_NT, n, t):
        return -1
    return 0


@compiled
def _given(flags_NT: BoolArray, n: int, t: int) -> bool:
    """Tell whether a signal is given; one that the strategy does not name is not."""
    return bool(flags_NT.size > 0 and flags_NT[n, t])


@compiled
def anomalous(wants: Wants, most: float, n: int, t: int) -> bool:
    """Tell whether the strategy's anomaly score is above `most`, or not known."""
    return bool(wants.anomaly_NT.size == 0 or not wants.anomaly_NT[n, t] <= most)


@inlined
def wants_something(book: Book, wants: Wants, t: int) -> bool:
    """Tell whether a signal of bar `t` asks for what is not already so."""
    acts = False
    for n in range(wants.enter_NT.shape[0]):
        if wants.enter_NT[n, t] and book.positions_N[n].units <= 0.0:
            acts = True
    for n in range(wants.enter_short_NT.shape[0]):
        if wants.enter_short_NT[n, t] and book.positions_N[n].units >= 0.0:
            acts = True
    if book.wallet_1[0].held > 0 or book.wallet_1[0].waiting > 0:
        for n in range(wants.exit_NT.shape[0]):
            acts |= wants.exit_NT[n, t]
        for n in range(wants.exit_short_NT.shape[0]):
            acts |= wants.exit_short_NT[n, t]
        for n in range(wants.withdraw_NT.shape[0]):
            acts |= wants.withdraw_NT[n, t]
    for n in range(wants.target_NT.shape[0]):
        if not math.isnan(wants.target_NT[n, t]):
            acts = True
    return acts
