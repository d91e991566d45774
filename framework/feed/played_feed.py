"""The candles of an exchange that is not live, told as if they closed now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from framework.exchange.contract import Exchange
from framework.exchange.load import load_candles
from framework.feed.events import CandleClosed, FeedEvent, State, StateChanged
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.market.candles import Candles, Standing
from framework.market.live import Candle
from framework.types import SECOND_NS, Interval


class PlayedFeed(Feed):
    """Tells each candle when it closes by the clock; those of one bar come together.

    They are those that a backtest of the same range trades on: checked, with holes up to
    ``exchange.max_gap`` flat and longer ones missing. There are no trades, books or revisions.

    Parameters
    ----------
    exchange : Exchange
    clock : Clock
    pairs : sequence of str
    interval : Interval
    watermark : mapping
        By pair, the open time of the first candle to tell; UTC ns.
    end_ns : int, optional
        Of open times, exclusive; None: where the exchange's end.
    paced : bool
        Wait for each close; else each is told as soon as the one before was taken.
    store_url : str, optional
        Read from there when ``exchange.from_store``.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        pairs: Sequence[str],
        interval: Interval,
        watermark: Mapping[str, int],
        end_ns: int | None = None,
        paced: bool = True,
        store_url: str | None = None,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._pairs = tuple(pairs)
        self._interval = interval
        self._watermark = watermark
        self._end_ns = end_ns
        self._paced = paced
        self._store_url = store_url
        self._events: Iterator[tuple[int, FeedEvent]] = iter(())
        self._now_ns = 0

    @property
    def now_ns(self) -> int:
        """The clock's time; where it is not waited for, the close of the last candle told."""
        return self._clock.now_ns() if self._paced else self._now_ns

    async def start(self) -> None:
        """Read the candles.

        Raises
        ------
        UserError
            A pair or the interval is not known, or there are no candles.
        """
        candles = load_candles(
            self._exchange,
            self._pairs,
            self._interval,
            min(self._watermark[pair] for pair in self._pairs),
            self._end_ns,
            0,
            self._store_url,
        ).candles
        self._events = self._told(candles)

    async def next(self) -> FeedEvent | None:
        """Return the next event, waiting for its time; None: there are no more candles."""
        moment_ns, event = next(self._events, (0, None))
        if self._paced:
            while (wait_ns := moment_ns - self._clock.now_ns()) > 0:
                await self._clock.sleep(wait_ns / SECOND_NS)
        self._now_ns = max(self._now_ns, moment_ns)
        return event

    async def stop(self) -> None:
        """Tell no more candles."""
        self._events = iter(())

    def _told(self, candles: Candles) -> Iterator[tuple[int, FeedEvent]]:
        """Yield events, each with the moment it is told at."""
        yield 0, StateChanged(State.LIVE, "")
        closes_ns = 0
        for bar, time in enumerate(candles.time.tolist()):
            closes_ns = time + self._interval.ns
            for n, pair in enumerate(self._pairs):
                if time >= self._watermark[pair]:
                    yield closes_ns, _closed(candles, bar, n)
        yield closes_ns, StateChanged(State.STOPPED, "the candles end")


def _closed(candles: Candles, bar: int, n: int) -> CandleClosed:
    candle = Candle(
        candles.pairs[n],
        int(candles.time[bar]),
        float(candles.open[bar, n]),
        float(candles.high[bar, n]),
        float(candles.low[bar, n]),
        float(candles.close[bar, n]),
        float(candles.volume[bar, n]),
    )
    return CandleClosed(candle, Standing(int(candles.standing[bar, n])))
