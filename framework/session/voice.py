"""Who is told of what a session does: console, database, notices, monitoring."""

from __future__ import annotations

from framework.feed.events import FeedEvent
from framework.session.trader import Acted


class Voice:
    """Hears of a session; does nothing with it until a method is overridden.

    None of its methods may block or raise: what it does with its news is its own trouble. One that
    has a thread or a connection is a context manager besides, open while the session runs.
    """

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Hear of a bar.

        Parameters
        ----------
        acted : Acted
            What it led to.
        late_ns : int
            From the bar's close to the decision, in exchange time.
        """

    def heard(self, event: FeedEvent) -> None:
        """Hear of anything that the feed tells."""

    def said(self, line: str) -> None:
        """Hear of what a person should know, in one line."""
