"""Who hears of a session: the log, for now."""

from __future__ import annotations

from collections.abc import Sequence

from framework.feed.events import CandleRevised, FeedEvent, StateChanged
from framework.modes.context import Context
from framework.session.state import SessionState
from framework.session.voice import Voice


class _Log(Voice):
    """Writes what a person should know into the log."""

    def __init__(self, context: Context) -> None:
        self._log = context.logger

    def heard(self, event: FeedEvent) -> None:
        """Log changes of the connection, and revisions."""
        if isinstance(event, StateChanged):
            self._log.info(f"feed: {event.state.value} {event.reason}".rstrip())
        elif isinstance(event, CandleRevised):
            self._log.debug(f"revised: {event.before} is now {event.candle}")

    def said(self, line: str) -> None:
        """Log a line."""
        self._log.info(line)


def voices_of(context: Context, state: SessionState) -> Sequence[Voice]:
    """Return who hears of the session of a run."""
    return [_Log(context)]
