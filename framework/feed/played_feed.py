"""What is stored or made of an exchange, told as if it happened now."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from framework.exchange.contract import Exchange
from framework.exchange.load import load_candles
from framework.feed.events import (
    BookSeen,
    CandleClosed,
    FeedEvent,
    State,
    StateChanged,
    Traded,
)
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.market.candles import Candles, Standing
from framework.market.live import BookState, Candle, Trade
from framework.market.recorded import Recorded
from framework.market.trades import Trades
from framework.types import SECOND_NS, Interval

_FRESH = Interval.parse("1m")


class PlayedFeed(Feed):
    """Tells each candle when it closes by the clock; those of one bar come together.

    They are those that a backtest of the same range trades on: checked, with holes up to
    ``exchange.max_gap`` flat and longer ones missing. Recorded trades and books are told before the
    candle in whose time they lie. There are no revisions.

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
    told : collection of str
        What is told beside candles: books, trades.
    book_max_age : Interval
        How old a book may be at the first candle's close to be told.
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
        told: Collection[str] = (),
        book_max_age: Interval = _FRESH,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._pairs = tuple(pairs)
        self._interval = interval
        self._watermark = watermark
        self._end_ns = end_ns
        self._paced = paced
        self._store_url = store_url
        self._told_beside = told
        self._book_max_age = book_max_age
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
        before = self._exchange.max_gap.ns // self._interval.ns + 1  # a flat candle has its close
        loaded = load_candles(
            self._exchange,
            self._pairs,
            self._interval,
            min(self._watermark[pair] for pair in self._pairs),
            self._end_ns,
            before,
            self._store_url,
            seen=self._told_beside,
            seen_max_age=self._book_max_age,
        )
        self._events = self._told(loaded.candles[loaded.first :])

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
        beside = _beside(candles.recorded, candles.pairs)
        for bar, time in enumerate(candles.time.tolist()):
            closes_ns = time + self._interval.ns
            while beside and beside[0][0] <= closes_ns:
                yield beside.popleft()
            for n, pair in enumerate(self._pairs):
                if time >= self._watermark[pair]:
                    yield closes_ns, _closed(candles, bar, n)
        yield closes_ns, StateChanged(State.STOPPED, "the candles end")


def _beside(recorded: Recorded | None, pairs: Sequence[str]) -> deque[tuple[int, FeedEvent]]:
    """Return recorded books and trades with their moments, in that order."""
    events: list[tuple[int, FeedEvent]] = []
    books = None if recorded is None else recorded.books
    trades = None if recorded is None else recorded.trades
    for n, pair in enumerate(pairs):
        if books is not None:
            for s in range(*books.of(n).indices(len(books))):
                moment = int(books.time[s])
                events.append((moment, BookSeen(BookState(pair, moment, books.levels[s]), 0)))
        if trades is not None:
            for r in range(*trades.of(n).indices(len(trades))):
                events.append((int(trades.time[r]), Traded(_trade(trades, pair, r), False)))
    return deque(sorted(events, key=lambda event: event[0]))


def _trade(trades: Trades, pair: str, r: int) -> Trade:
    return Trade(
        pair,
        str(r),
        int(trades.time[r]),
        float(trades.price[r]),
        float(trades.units[r]),
        int(trades.side[r]),
    )


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
