"""Asking an exchange again where that may help: bounded, with growing, jittered waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import numpy as np

from framework.exchange.backoff import Backoff
from framework.exchange.faults import TooOften, Unreachable
from framework.interfaces import Clock

T = TypeVar("T")

_LIMIT_FACTOR = 4.0  # a limit that does not say how long it lasts passes more slowly than a fault
_LONGEST_PAUSE_S = 120.0


class Budget(Protocol):
    """Whose turn it is, among all who ask the same exchange."""

    async def take(self, clock: Clock, cost: float = 1.0) -> None:
        """Wait until `cost` may be spent."""

    def pause(self, seconds: float) -> None:
        """Hand out nothing for so long."""


async def insist(
    ask: Callable[[], Awaitable[T]],
    clock: Clock,
    budget: Budget,
    rng: np.random.Generator,
    retries: int,
    cost: float = 1.0,
) -> T:
    """Return the answer to `ask`, asked again up to `retries` times while Unreachable.

    Each attempt waits its turn in `budget`. A limit that was hit holds back all who share it.

    Raises
    ------
    Unreachable
        The last one; at once where the exchange asks for a long pause.
    Refused
        At once.
    """
    backoff = Backoff(rng)
    attempt = 0
    while True:
        await budget.take(clock, cost)
        try:
            return await ask()
        except Unreachable as fault:
            attempt += 1
            wait_s = backoff.next_s()
            if isinstance(fault, TooOften):
                wait_s = max(_LIMIT_FACTOR * wait_s, fault.retry_after_s or 0.0)
                budget.pause(wait_s)
            if attempt > retries or wait_s > _LONGEST_PAUSE_S:
                raise _in_vain(fault, attempt) from fault
        await clock.sleep(wait_s)


def _in_vain(fault: Unreachable, times: int) -> Unreachable:
    """Return the fault, saying how often was asked."""
    what = f"{fault.what}; asked {'once' if times == 1 else f'{times} times'}"
    if isinstance(fault, TooOften):
        return TooOften(fault.exchange, what, fault.retry_after_s)
    return Unreachable(fault.exchange, what)
