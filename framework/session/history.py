"""All candles of a session since its anchor, one bar longer at each close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from framework.market.candles import Candles
from framework.market.growing_candles import GrowingCandles
from framework.market.recorded import Recorded
from framework.session.bar_records import BarRecord
from framework.session.record_history import RecordHistory
from framework.types import ByteArray, FloatArray


class History:
    """Candles that grow.

    What was before the first live bar is the warm-up; the first of it is the anchor, which never
    moves: a feature that remembers, such as an exponential average, depends on where it began.

    Parameters
    ----------
    candles : Candles
        (T, N) of the warm-up, and of live bars where there are some already.
    first : int, optional
        Index of the first live bar; None: all are warm-up.
    """

    def __init__(self, candles: Candles, first: int | None = None) -> None:
        self.pairs, self.interval = candles.pairs, candles.interval
        self.first = len(candles) if first is None else first
        """Index of the first live bar."""
        recorded = candles.recorded
        self._records = None if recorded is None else RecordHistory(recorded, self.interval)
        self.growing = GrowingCandles(candles, self.recorded)
        """All of them, as they grow."""

    def __len__(self) -> int:
        return len(self.growing)

    def add(self, bars: Candles, records: Mapping[str, BarRecord] | None = None) -> None:
        """Append bars of the same pairs; the first opens where the last one closed.

        Parameters
        ----------
        bars : Candles
            (K, N).
        records : mapping of str to BarRecord, optional
            What was recorded of each pair in the one bar that is added.
        """
        self.growing.add(bars)
        if self._records is not None and records:
            self._records.add(int(bars.time[0]), records)

    @property
    def first_ns(self) -> int:
        """Open time of the first live bar, UTC ns, whether it has come or not."""
        return int(self.growing.time[0]) + self.first * self.interval.ns

    @property
    def end_ns(self) -> int:
        """Open time of the bar that comes next, UTC ns."""
        return int(self.growing.time[-1]) + self.interval.ns

    @property
    def closes(self) -> FloatArray:
        """Last close of each pair, (N,), NaN where there was none."""
        closes: FloatArray = self.growing.close[-1]
        return closes

    @property
    def standing(self) -> ByteArray:
        """Standing of each pair's last candle, (N,)."""
        standing: ByteArray = self.growing.standing[-1]
        return standing

    def recorded(self, since_ns: int) -> Recorded | None:
        """Return what was recorded beside the bars that open then, UTC ns, and later."""
        return None if self._records is None else self._records.recorded(since_ns)

    @property
    def candles(self) -> Candles:
        """A copy of all of them, (T, N), as they are now."""
        return replace(self.growing.since(0), recorded=self.recorded(0))
