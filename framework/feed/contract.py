"""What every feed offers, whatever it is fed by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from framework.feed.events import FeedEvent


class Feed(Protocol):
    """Events of several pairs, for one consumer."""

    def now_ns(self) -> int:
        """Return the exchange's time, UTC ns."""

    def events(self) -> AsyncIterator[FeedEvent]:
        """Yield what happens, until there is no more of it.

        Raises
        ------
        UserError, OutsideFault
            It cannot go on: a market does not exist, the exchange declines.
        """
