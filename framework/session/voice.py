"""Who is told of what a session does: console, database, notices, monitoring."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from framework.feed.events import FeedEvent
from framework.session.model_age import ModelAge
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

    def aged(self, age: ModelAge) -> None:
        """Hear how old the model is, after each bar of a session that predicts."""

    def said(self, line: str) -> None:
        """Hear of what a person should know, in one line."""


class Voices(Voice):
    """Passes everything on to several; one that raises is left out from then on, and that is said.

    Parameters
    ----------
    voices : sequence of Voice
        In the order in which they hear of it.
    """

    def __init__(self, voices: Sequence[Voice]) -> None:
        self._voices = list(voices)

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Pass on a bar."""
        self._each(lambda voice: voice.acted(acted, late_ns))

    def heard(self, event: FeedEvent) -> None:
        """Pass on what the feed tells."""
        self._each(lambda voice: voice.heard(event))

    def aged(self, age: ModelAge) -> None:
        """Pass on how old the model is."""
        self._each(lambda voice: voice.aged(age))

    def said(self, line: str) -> None:
        """Pass on a line."""
        self._each(lambda voice: voice.said(line))

    def _each(self, tell: Callable[[Voice], None]) -> None:
        for voice in tuple(self._voices):
            try:
                tell(voice)
            except Exception as fault:  # its trouble is not the session's
                self._voices.remove(voice)
                self.said(f"{type(voice).__name__} failed and hears no more: {fault!r}")
