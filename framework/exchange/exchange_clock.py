"""Time as an exchange told it once, and as it has passed since."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Any


class ExchangeClock:
    """The clock of requests that are made from outside of a session.

    Parameters
    ----------
    told_ns : int
        What the exchange said just now, UTC ns; 0: it was not asked yet.
    """

    def __init__(self, told_ns: int = 0) -> None:
        self._told_ns = told_ns
        self._heard_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Return the exchange's time, UTC ns."""
        return self._told_ns + time.monotonic_ns() - self._heard_ns

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds."""
        return asyncio.timeout(seconds)
