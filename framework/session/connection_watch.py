"""A lost connection, told calmly: once it has lasted, and once it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from framework.feed.events import State, StateChanged

_PATIENCE_S = 60.0


class ConnectionWatch:
    """Hears of changes of the connection, in the loop of the session.

    Parameters
    ----------
    tell : callable
        Takes a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._since_s: float | None = None
        self._due: asyncio.TimerHandle | None = None
        self._told = False

    def heard(self, event: StateChanged) -> None:
        """Take a change."""
        loop = asyncio.get_running_loop()
        if event.state in (State.LIVE, State.STOPPED):
            if self._told and event.state is State.LIVE and self._since_s is not None:
                minutes = (loop.time() - self._since_s) / 60.0
                self._tell(f"connected again after {minutes:.0f} min")
            self.close()
        elif self._since_s is None:
            self._since_s = loop.time()
            self._due = loop.call_later(_PATIENCE_S, self._tell_lost, event.reason)

    def close(self) -> None:
        """Wait for nothing more."""
        if self._due is not None:
            self._due.cancel()
        self._since_s, self._due, self._told = None, None, False

    def _tell_lost(self, reason: str) -> None:
        self._told = True
        self._tell(f"no connection for a minute{': ' if reason else ''}{reason}")
