"""Whether a session is well: candles come when they should."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from framework.types import format_time


class Health:
    """When a session heard, acted and failed last, by a clock that only goes forward.

    Written to by the session, read by whoever asks; the ages before the first candle are counted
    from the beginning.

    Parameters
    ----------
    candle_limit_s : float
        Seconds since the close of the last candle from which on the session is not well.
    decision_limit_s : float
        The same since the last decision, for those who want to be warned of it.
    now : callable
        Returns seconds.
    """

    def __init__(
        self,
        candle_limit_s: float,
        decision_limit_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.candle_limit_s = candle_limit_s
        self.decision_limit_s = decision_limit_s
        self.feed = "connecting"
        """State of the feed."""
        self.paused = False
        """Whether nothing is opened."""
        self.bars = 0
        """Bars acted on."""
        self._now = now
        self._closed_s = self._decided_s = self._heard_s = now()
        self._candle: str | None = None
        self._error: tuple[str, float] | None = None

    def heard(self) -> None:
        """Note that the feed told something."""
        self._heard_s = self._now()

    def acted(self, time_ns: int, late_s: float, decided: bool) -> None:
        """Note that a bar was acted on.

        Parameters
        ----------
        time_ns : int
            Of its open, UTC.
        late_s : float
            Seconds from its close until now.
        decided : bool
            Whether the strategy decided at its close.
        """
        now_s = self._now()
        self._closed_s = now_s - late_s
        self._candle = format_time(time_ns)
        if decided:
            self._decided_s = now_s

    def erred(self, line: str) -> None:
        """Note a fault."""
        self._error = line, self._now()

    @property
    def feed_age_s(self) -> float:
        """Seconds since the feed told something."""
        return self._now() - self._heard_s

    @property
    def candle_age_s(self) -> float:
        """Seconds since the close of the last candle acted on."""
        return self._now() - self._closed_s

    @property
    def decision_age_s(self) -> float:
        """Seconds since the last decision."""
        return self._now() - self._decided_s

    @property
    def well(self) -> bool:
        """Whether the last candle is no older than it may be."""
        return self.candle_age_s <= self.candle_limit_s

    def told(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        error = self._error
        return {
            "well": self.well,
            "candle": self._candle,
            "candle_age_seconds": round(self.candle_age_s, 3),
            "candle_age_limit_seconds": self.candle_limit_s,
            "decision_age_seconds": round(self.decision_age_s, 3),
            "feed": self.feed,
            "feed_age_seconds": round(self.feed_age_s, 3),
            "paused": self.paused,
            "bars": self.bars,
            "last_error": error
            and {"line": error[0], "age_seconds": round(self._now() - error[1], 3)},
        }
