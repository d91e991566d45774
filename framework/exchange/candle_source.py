"""Where a run's rows come from: the exchange itself, or what was stored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.market.books import Books
from framework.market.ranges import Range
from framework.market.rows import CandleRows
from framework.market.trades import Trades
from framework.types import SECOND_NS, Interval, format_time

_USUAL = tuple(map(Interval.parse, "1m 5m 15m 30m 1h 4h 1d 1w".split()))


_FOREVER_NS = 2**62


def candle_source(
    exchange: Exchange, store_url: str | None, store_options: Mapping[str, str] | None
) -> CandleSource:
    """Return the source that ``exchange.from_store`` chooses.

    Raises
    ------
    UserError
        The store is wanted and no store is named.
    """
    if not exchange.from_store:
        return CandleSource(exchange)
    if store_url is None:
        raise UserError("store: must name a store when exchange.from_store is true (was null).")
    return StoredCandles(exchange, store_url, store_options)


class CandleSource:
    """Rows straight from the exchange.

    Parameters
    ----------
    exchange : Exchange
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    @property
    def name(self) -> str:
        """Of the source, for the certificate."""
        return self.exchange.origin

    def version(self, natives: Sequence[Interval]) -> int | None:
        """Return the version of the store that was read, None without one."""
        return None

    def base_interval(self, pair: str, wanted: Interval, interval: Interval) -> Interval:
        """Return the interval of the rows to read for candles of `wanted`.

        Raises
        ------
        UserError
            They cannot make `wanted`, or not even `interval`, the strategy's, a multiple of it.
        """
        native = self.exchange.native_interval(pair) or wanted
        if native.divides(wanted):
            return native
        choices = [usual for usual in _USUAL if native.divides(usual)]
        key, short = "strategy.interval", interval
        if native.divides(interval):
            key, short = "execution.interval", wanted
            choices = [usual for usual in choices if usual.divides(interval)]
        named = ", ".join(map(str, choices[:4] or [native]))
        raise UserError(
            f"{key}: {native} candles of {pair} do not make up whole candles of {short}. "
            f"Choices: {named}."
        )

    def span(self, pair: str, native: Interval, interval: Interval) -> Range:
        """Return the range of open times used when none is asked for."""
        return self.exchange.default_span(pair, interval)

    def limits(self, pair: str, native: Interval, interval: Interval) -> Range:
        """Return the range of open times that can be asked for."""
        return self.exchange.available_span(pair, interval)

    def check(
        self,
        pairs: Sequence[str],
        natives: Sequence[Interval],
        interval: Interval,
        start_ns: int,
        end_ns: int,
        limits: Sequence[Range],
    ) -> None:
        """Refuse a start before the earliest candle of all, and pairs without any in the range.

        The first candle may come up to ``exchange.max_gap`` late: a quiet market has none at once.
        """
        late = start_ns + self.exchange.max_gap.ns
        all_late = min(first for first, _ in limits) > late
        faults = [
            f"market {pair} {interval}: asked from {day(start_ns)}"
            f"{f' to {day(end_ns)}' if start_ns < end_ns else ''}, "
            f"available from {day(first)} to {day(last)}."
            for pair, (first, last) in zip(pairs, limits, strict=True)
            if first >= end_ns or last <= start_ns or all_late
        ]
        if faults:
            raise UserError(*faults)

    def revisions(self, pair: str, native: Interval, start_ns: int, end_ns: int) -> int:
        """Return how often candles in the range changed after they were first stored."""
        return 0

    def books(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Books:
        """Return the order books of `pairs` recorded in [start_ns, end_ns)."""
        return self.exchange.recorded_books(pairs, start_ns, end_ns)

    def trades(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Trades:
        """Return the trades of `pairs` recorded in [start_ns, end_ns)."""
        raise ValueError(f"{self.exchange.name} has no recorded trades")

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return raw rows of `interval` with open times in [start_ns, end_ns)."""
        return self.exchange.rows(pair, interval, start_ns, end_ns)


class StoredCandles(CandleSource):
    """What ``mode=download`` and ``mode=collect`` stored of an exchange.

    Parameters
    ----------
    exchange : Exchange
    url : str
        Of the store.
    options : mapping, optional
        For the object store.
    """

    def __init__(self, exchange: Exchange, url: str, options: Mapping[str, str] | None) -> None:
        from threading import Lock

        from framework.market.book_store import BookStore
        from framework.market.store import CandleStore
        from framework.market.trade_store import TradeStore

        super().__init__(exchange)
        self._store = CandleStore(url, options)
        self._book_store = BookStore(url, options)
        self._trade_store = TradeStore(url, options)
        self._one_at_a_time = Lock()  # a store serves one thread

    @property
    def name(self) -> str:
        """Of exchange and store, without what a URL may hold of secrets."""
        return f"{self.exchange.origin} from store"

    def version(self, natives: Sequence[Interval]) -> int | None:
        """Return the newest version of the candles read; None when of several intervals."""
        intervals = set(natives)
        if len(intervals) != 1:
            return None
        return self._store.version(self.exchange.name, intervals.pop())

    def base_interval(self, pair: str, wanted: Interval, interval: Interval) -> Interval:
        """Return `wanted` if it is stored, else the longest stored one that makes it up."""
        finer = [usual for usual in _USUAL if usual < wanted and usual.divides(wanted)]
        for stored in (wanted, *reversed(finer)):
            if self._store.bounds(self.exchange.name, pair, stored):
                return stored
        return wanted

    def span(self, pair: str, native: Interval, interval: Interval) -> Range:
        """Return the stored range; without one what the exchange would use."""
        bounds = self._bounds(pair, native, interval)
        return bounds or self.exchange.default_span(pair, interval)

    def limits(self, pair: str, native: Interval, interval: Interval) -> Range:
        """Return the stored start, and no end: a missing end is to be downloaded, not cut."""
        bounds = self._bounds(pair, native, interval)
        return (bounds[0] if bounds else 0), _FOREVER_NS

    def check(
        self,
        pairs: Sequence[str],
        natives: Sequence[Interval],
        interval: Interval,
        start_ns: int,
        end_ns: int,
        limits: Sequence[Range],
    ) -> None:
        """Refuse a range that was not downloaded as a whole."""
        faults: list[str] = []
        for pair, native in zip(pairs, natives, strict=True):
            try:
                self._store.read(self.exchange.name, pair, native, start_ns, end_ns, strict=True)
            except UserError as fault:
                faults += fault.faults
        if faults:
            raise UserError(*faults)

    def revisions(self, pair: str, native: Interval, start_ns: int, end_ns: int) -> int:
        """Return how often stored candles in the range were revised."""
        return self._store.revisions(self.exchange.name, pair, native, start_ns, end_ns)

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return the stored rows of `interval` with open times in [start_ns, end_ns)."""
        with self._one_at_a_time:
            return self._store.read(self.exchange.name, pair, interval, start_ns, end_ns)

    def books(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Books:
        """Return the stored snapshots, unless the exchange itself has some."""
        if self.exchange.has_books:
            return super().books(pairs, start_ns, end_ns)
        found = self._book_store.read(self.exchange.name, pairs, start_ns, end_ns)
        counts = np.diff(found.first).tolist()
        self._require("order books", pairs, counts, start_ns, end_ns)
        return found

    def trades(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Trades:
        """Return the stored trades."""
        found = self._trade_store.read(self.exchange.name, pairs, start_ns, end_ns)
        self._require("trades", pairs, list(map(len, found.spans)), start_ns, end_ns)
        return found

    def _require(
        self, what: str, pairs: Sequence[str], counts: Sequence[int], start_ns: int, end_ns: int
    ) -> None:
        """Refuse pairs of which nothing was recorded."""
        named = "books" if what == "order books" else what
        end_ns -= end_ns % SECOND_NS  # which a book of that very moment lies behind
        faults = [
            f"market {pair}: no {what} were recorded from {day(start_ns)} to {day(end_ns)}; run "
            f"mode=collect exchange={self.exchange.name} pairs={pair.replace('-', '_').lower()} "
            f"'mode.what=[candles,{named}]'."
            for pair, count in zip(pairs, counts, strict=True)
            if not count
        ]
        if faults:
            raise UserError(*faults)

    def _bounds(self, pair: str, native: Interval, interval: Interval) -> Range | None:
        ranges = self._store.covered(self.exchange.name, pair, native)
        bounds = self._store.bounds(self.exchange.name, pair, native)
        ranges = [*ranges, bounds] if bounds else ranges
        if not ranges:
            return None
        first, last = min(start for start, _ in ranges), max(end for _, end in ranges)
        return interval.ceil(first), interval.floor(last)


def day(time_ns: int) -> str:
    """Return a date, or a time where it is not midnight."""
    return format_time(time_ns).replace("T00:00:00Z", "")
