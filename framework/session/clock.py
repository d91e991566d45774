"""The clocks that sessions live by."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Any

from framework.types import SECOND_NS


class WallClock:
    """The computer's own time."""

    def now_ns(self) -> int:
        """Return the time, UTC ns."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds."""
        return asyncio.timeout(seconds)


class PlayedClock:
    """A clock that moves while it is waited for, and stands still while somebody works.

    So what a session does by it does not depend on how fast the computer is.

    Parameters
    ----------
    start_ns : int
        What it shows first, UTC ns.
    speed : float
        Of waiting against the wall's; 0: waiting takes no time.
    """

    def __init__(self, start_ns: int, speed: float) -> None:
        self._now_ns = start_ns
        self._speed = speed

    def now_ns(self) -> int:
        """Return the time, UTC ns."""
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        until_ns = self._now_ns + round(seconds * SECOND_NS)
        await asyncio.sleep(seconds / self._speed if self._speed else 0.0)
        self._now_ns = max(self._now_ns, until_ns)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds of this clock."""
        return asyncio.timeout(seconds / self._speed if self._speed else None)


class LoopClock:
    """The running event loop's own time, counted from a moment; a test may move it.

    Parameters
    ----------
    start_ns : int
        What it shows when the loop's time is 0, UTC ns.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns

    def now_ns(self) -> int:
        """Return the time, UTC ns."""
        return self._start_ns + round(asyncio.get_running_loop().time() * SECOND_NS)

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of the loop."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds of the loop."""
        return asyncio.timeout(seconds)
