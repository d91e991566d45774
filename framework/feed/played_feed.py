"""Candles that an exchange has already, told as if they closed now."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from framework.exchange.contract import Exchange
from framework.feed.events import CandleClosed, FeedEvent, State, StateChanged
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.market.candles import COLUMNS, Candles, Standing
from framework.market.live import Candle
from framework.market.quality import clean
from framework.market.regularise import regularise
from framework.types import SECOND_NS, Interval


class PlayedFeed(Feed):
    """Tells the candles of all pairs at each close.

    Parameters
    ----------
    exchange : Exchange
    clock : Clock
        For waiting.
    pairs : sequence of str
    interval : Interval
    start_ns : int
        Open time of the first candle.
    end_ns : int, optional
        Open time at which they end; None: where the exchange's do.
    speed : float
        Against real time; 0: without waiting.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        pairs: Sequence[str],
        interval: Interval,
        start_ns: int,
        end_ns: int | None,
        speed: float,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._pairs = tuple(pairs)
        self._interval = interval
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._speed = speed
        self._now_ns = start_ns
        self._candles: Candles | None = None
        self._bar = 0
        self._waiting: deque[FeedEvent] = deque()

    @property
    def now_ns(self) -> int:
        """The close of the candles told last."""
        return self._now_ns

    async def start(self) -> None:
        """Read the candles."""
        ends = [self._exchange.default_span(pair, self._interval)[1] for pair in self._pairs]
        end_ns = max(ends) if self._end_ns is None else self._end_ns
        end_ns = self._interval.floor(max(end_ns, self._start_ns))
        rows = []
        for pair in self._pairs:
            raw = self._exchange.rows(pair, self._interval, self._start_ns, end_ns)
            rows.append(clean(raw, self._interval, self._exchange.faults)[0])
        self._candles = regularise(
            rows, self._interval, self._start_ns, end_ns, self._exchange.max_gap.ns
        )
        self._waiting.append(StateChanged(State.LIVE, ""))

    async def stop(self) -> None:
        """End."""
        self._waiting.clear()

    async def next(self) -> FeedEvent | None:
        """Return the next event, waiting for it; None after the last candle."""
        assert self._candles is not None  # noqa: S101 - start was called
        if not self._waiting:
            if self._bar == len(self._candles):
                return None
            if self._speed:
                await self._clock.sleep(self._interval.ns / SECOND_NS / self._speed)
            self._tell(self._candles[self._bar : self._bar + 1])
            self._bar += 1
        return self._waiting.popleft()

    def _tell(self, candles: Candles) -> None:
        time_ns = int(candles.time[0])
        self._now_ns = time_ns + self._interval.ns
        for n, pair in enumerate(self._pairs):
            values = [float(getattr(candles, name)[0, n]) for name in COLUMNS]
            standing = Standing(int(candles.standing[0, n]))
            self._waiting.append(CandleClosed(Candle(pair, time_ns, *values), standing))
