"""What the signals of one bar ask for."""

from __future__ import annotations

import math

from framework.engine.compiled import compiled, inlined
from framework.engine.state import Book, Wants


@compiled
def confidence(wants: Wants, n: int, t: int) -> float:
    """Return the strategy's confidence in 0..1: 1 when it names none, 0 when it is NaN."""
    if wants.confidence_NT.size == 0:
        return 1.0
    value = wants.confidence_NT[n, t]
    if math.isnan(value):
        return 0.0
    return float(min(max(value, 0.0), 1.0))


@inlined
def wants_something(book: Book, wants: Wants, t: int) -> bool:
    """Tell whether a signal of bar `t` asks for what is not already so."""
    acts = False
    for n in range(wants.enter_NT.shape[0]):
        if wants.enter_NT[n, t] and book.positions_N[n].units == 0.0:
            acts = True
    for n in range(wants.exit_NT.shape[0]):
        if wants.exit_NT[n, t] and (
            book.positions_N[n].units != 0.0 or book.orders_NK[n, 0].id != 0
        ):
            acts = True
    for n in range(wants.target_NT.shape[0]):
        if not math.isnan(wants.target_NT[n, t]):
            acts = True
    return acts
