"""Time that runs faster than that of another clock."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from framework.interfaces import Clock


class FasterClock:
    """A clock that shows what another one shows at a moment, and gains on it from then on.

    Parameters
    ----------
    clock : Clock
        The other one.
    since_ns : int
        When both show the same, UTC ns.
    speed : float
        Seconds of this clock in one of the other.

    Examples
    --------
    >>> class Stopped:
    ...     def now_ns(self):
    ...         return 1_010
    >>> FasterClock(Stopped(), 1_000, 60.0).now_ns()
    1600
    """

    def __init__(self, clock: Clock, since_ns: int, speed: float) -> None:
        self._clock = clock
        self._since_ns = since_ns
        self._speed = speed

    def now_ns(self) -> int:
        """Return the time, UTC ns."""
        return self._since_ns + round((self._clock.now_ns() - self._since_ns) * self._speed)

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        await self._clock.sleep(seconds / self._speed)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds of this clock."""
        return self._clock.timeout(seconds / self._speed)
