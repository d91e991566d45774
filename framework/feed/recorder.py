"""What a feed tells, kept in the store: buffered, then stored and only then counted as recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from framework.feed.events import BookSeen, CandleClosed, CandleRevised, FeedEvent, Traded
from framework.feed.trade_check import TradeCheck
from framework.market.book_store import BookStore
from framework.market.candles import COLUMNS, Standing
from framework.market.live import BookState, Candle, Trade
from framework.market.ranges import Range, difference
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.market.trade_store import TradeStore
from framework.types import Interval

CANDLES, TRADES, BOOKS = "candles", "trades", "books"


@dataclass
class Batch:
    """What waits to be stored, of one pair."""

    candles: list[Candle] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    books: list[BookState] = field(default_factory=list)
    known_candles: list[Range] = field(default_factory=list)
    known_trades: list[Range] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.candles) + len(self.trades) + len(self.books)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store at all."""
        return not (len(self) or self.known_candles or self.known_trades)

    def before(self, later: Batch) -> Batch:
        """Return this and what came later as one."""
        return Batch(
            self.candles + later.candles,
            self.trades + later.trades,
            self.books + later.books,
            self.known_candles + later.known_candles,
            self.known_trades + later.known_trades,
        )


@dataclass(slots=True)
class Stored:
    """What of one pair is in the store for certain, since the recording began.

    Parameters
    ----------
    candles, trades, books : int
        New ones.
    until_ns : int or None
        Close of the newest candle whose span counts as recorded.
    """

    candles: int = 0
    trades: int = 0
    books: int = 0
    until_ns: int | None = None


class Recorder:
    """Keeps candles, trades and books of one exchange.

    A flush stores what was heard and then notes the spans that it completes, each commit on the
    disk before the next: a process killed at any instant has noted nothing that is not stored, and
    the next one hears the rest again.

    Parameters
    ----------
    url : str
        Of the store.
    options : mapping
        For the object store.
    exchange : str
        Its name.
    pairs : sequence of str
    interval : Interval
        Of the candles.
    what : collection of str
        Of candles, trades and books, those that are kept.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, str],
        exchange: str,
        pairs: Sequence[str],
        interval: Interval,
        what: frozenset[str],
    ) -> None:
        self.stored = {pair: Stored() for pair in pairs}
        """What is in the store for certain, by pair."""
        self._exchange = exchange
        self._interval = interval
        self._what = what
        self._candles = CandleStore(url, options)
        self._trades = TradeStore(url, options)
        self._books = BookStore(url, options)
        self._checks = {pair: TradeCheck(interval) for pair in pairs}
        self._waiting = {pair: Batch() for pair in pairs}

    @property
    def waiting(self) -> int:
        """Candles, trades and books that were heard and are not stored yet."""
        return sum(map(len, self._waiting.values()))

    def first_wanted(self, now_ns: int, reach_ns: int) -> dict[str, int]:
        """Return, by pair, the open time of the first candle that is not wholly recorded.

        Pairs of which nothing is stored yet are left out.

        Parameters
        ----------
        now_ns : int
            Exchange time.
        reach_ns : int
            Holes that lie further back are left to ``mode=download``.
        """
        wanted = {}
        for pair in self._waiting:
            holes = [
                difference(max(now_ns - reach_ns, begun), now_ns, known)
                for begun, known in self._begun(pair)
            ]
            if holes:
                first = min((parts[0][0] for parts in holes if parts), default=now_ns)
                wanted[pair] = self._interval.floor(first)
        return wanted

    def hear(self, event: FeedEvent) -> None:
        """Take in what a feed tells."""
        match event:
            case CandleClosed(candle, standing):
                self._hear_candle(candle, standing)
            case CandleRevised(candle, _):
                self._hear_candle(candle, Standing.CONFIRMED)
            case Traded(trade, _):
                batch = self._waiting[trade.pair]
                if TRADES in self._what:
                    batch.trades.append(trade)
                    batch.known_trades += self._checks[trade.pair].trade(trade)
            case BookSeen(state, age_ns):
                if BOOKS in self._what:
                    valid = replace(state, time=state.time + age_ns)
                    self._waiting[state.pair].books.append(valid)

    def take(self) -> dict[str, Batch]:
        """Return what waits, for `store`; what is heard from now on waits for the next flush."""
        taken = {pair: batch for pair, batch in self._waiting.items() if not batch.empty}
        self._waiting |= {pair: Batch() for pair in taken}
        return taken

    def store(self, taken: dict[str, Batch]) -> None:
        """Store what was taken, pair by pair; what cannot be stored waits again.

        Raises
        ------
        OutsideFault
            The store cannot be written.
        """
        try:
            for pair in list(taken):
                self._store(pair, taken[pair])
                del taken[pair]
        finally:
            for pair, batch in taken.items():
                self._waiting[pair] = batch.before(self._waiting[pair])

    def vacuum(self, keep_hours: int) -> None:
        """Delete files of trades and books that joined ones have replaced for so long."""
        if TRADES in self._what:
            self._trades.vacuum(self._exchange, keep_hours)
        if BOOKS in self._what:
            self._books.vacuum(self._exchange, keep_hours)

    def _hear_candle(self, candle: Candle, standing: Standing) -> None:
        batch = self._waiting[candle.pair]
        if CANDLES in self._what:
            # one that nobody traded in is no row, as downloads have none; one that its exchange
            # has not confirmed is a row, and a hole for a download to look at
            if standing is not Standing.FLAT:
                batch.candles.append(candle)
            if standing is not Standing.PROVISIONAL:
                batch.known_candles.append((candle.time, candle.time + self._interval.ns))
        if TRADES in self._what:
            batch.known_trades += self._checks[candle.pair].candle(candle)

    def _store(self, pair: str, batch: Batch) -> None:
        exchange, stored = self._exchange, self.stored[pair]
        rows = _rows(pair, batch.candles)
        stored.candles += self._candles.upsert(exchange, self._interval, rows).inserted
        stored.trades += self._trades.add(exchange, pair, batch.trades)
        stored.books += self._books.add(exchange, pair, batch.books)
        self._candles.mark_ranges(exchange, pair, self._interval, batch.known_candles)
        self._trades.mark_covered(exchange, pair, batch.known_trades)
        known = batch.known_candles or batch.known_trades
        if known:
            stored.until_ns = max(stored.until_ns or 0, *(end for _, end in known))

    def _begun(self, pair: str) -> list[tuple[int, list[Range]]]:
        """Return when each kind that can be asked for again begins, and the ranges recorded."""
        found = []
        if CANDLES in self._what:
            known = self._candles.covered(self._exchange, pair, self._interval)
            found.append((known, self._candles.bounds(self._exchange, pair, self._interval)))
        if TRADES in self._what:
            known = self._trades.covered(self._exchange, pair)
            found.append((known, self._trades.bounds(self._exchange, pair)))
        return [
            (min(start for start, _ in (*known, *([bounds] if bounds else []))), known)
            for known, bounds in found
            if known or bounds
        ]


def _rows(pair: str, candles: Sequence[Candle]) -> CandleRows:
    columns = (
        np.array([getattr(candle, name) for candle in candles], np.float64) for name in COLUMNS
    )
    return CandleRows(pair, np.array([candle.time for candle in candles], np.int64), *columns)
