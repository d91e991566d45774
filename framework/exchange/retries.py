"""Asking an exchange again where that may help: bounded, with growing, jittered waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np

from framework.exchange.faults import TooOften, Unreachable
from framework.exchange.rate_budget import RateBudget
from framework.interfaces import Clock

T = TypeVar("T")

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_LONGEST_PAUSE_S = 120.0


async def insist(
    ask: Callable[[], Awaitable[T]],
    clock: Clock,
    budget: RateBudget,
    rng: np.random.Generator,
    retries: int,
    cost: float = 1.0,
) -> T:
    """Return the answer to `ask`, asked again up to `retries` times while Unreachable.

    Raises
    ------
    Unreachable
        The last one; at once where the exchange asks for a long pause.
    Refused
        At once.
    """
    for attempt in range(retries + 1):
        await budget.take(clock, cost)
        try:
            return await ask()
        except Unreachable as fault:
            wait_s = min(_FIRST_WAIT_S * 2.0**attempt, _LONGEST_WAIT_S) * rng.uniform(0.5, 1.5)
            if isinstance(fault, TooOften):
                wait_s = max(wait_s, fault.retry_after_s or 0.0)
                budget.pause(wait_s)
            if attempt == retries or wait_s > _LONGEST_PAUSE_S:
                raise
        await clock.sleep(wait_s)
    raise AssertionError("retries are 0 or more")
