"""What the exchange serves now: the truth up to this moment, with the faults of its data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from framework.interfaces import Clock
from framework.loopback.order_book import TrueBook
from framework.loopback.script import Fault, Kind, Script
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade, TrueTrades
from framework.loopback.truth import Truth
from framework.types import SECOND_NS, Interval


class Venue:
    """The markets as clients are told of them.

    Parameters
    ----------
    truth : Truth
    script : tuple of Fault
    clock : Clock
        The exchange's own time is this one's and the script's skew.
    quiet_candles : bool
        Whether intervals without trades have a candle.
    book_per_second : float
        Changes of each book.
    """

    def __init__(
        self,
        truth: Truth,
        script: Script,
        clock: Clock,
        quiet_candles: bool = False,
        book_per_second: float = 2.0,
    ) -> None:
        self.truth = truth
        self._script = script
        self._clock = clock
        self._quiet_candles = quiet_candles
        self._skew_ns = sum(
            round(fault.value * SECOND_NS) for fault in script if fault.kind is Kind.SKEW
        )
        self._began_ns = clock.now_ns()
        self.start_ns = self._began_ns + self._skew_ns
        """When the server started, in the exchange's time."""
        self.book_start_ns = self.start_ns // 1_000_000 * 1_000_000
        self._books = {
            pair: TrueBook(truth, pair, self.book_start_ns, book_per_second)
            for pair in truth.markets
        }

    def now_ns(self) -> int:
        """Return the exchange's time, UTC ns."""
        return self._clock.now_ns() + self._skew_ns

    def fault(self, kind: Kind, pair: str | None = None) -> Fault | None:
        """Return the fault of this kind that is on now, if one is."""
        passed_s = (self._clock.now_ns() - self._began_ns) / SECOND_NS
        for fault in self._script:
            if fault.kind is kind and fault.on(passed_s, pair):
                return fault
        return None

    def market(self, pair: str) -> TrueMarket | None:
        """Return a market that is known now, or None."""
        if self.fault(Kind.UNKNOWN_MARKET, pair):
            return None
        return self.truth.markets.get(pair)

    def markets(self) -> list[TrueMarket]:
        """Return the markets that are known now."""
        return [market for pair in self.truth.markets if (market := self.market(pair))]

    def book(self, pair: str) -> TrueBook:
        """Return the book as it is now, or was after the change that is being told."""
        return self._books[pair]

    def trades(self, pair: str, start_ns: int, end_ns: int) -> TrueTrades:
        """Return the trades in [start_ns, end_ns) that have happened, ascending."""
        return self.truth.trades(pair, start_ns, min(end_ns, self.now_ns()))

    def newest_trades(self, pair: str, count: int, end_ns: int | None = None) -> TrueTrades:
        """Return the last `count` trades before `end_ns`, or before now, ascending."""
        now_ns = self.now_ns()
        return self.truth.newest(pair, now_ns if end_ns is None else min(now_ns, end_ns), count)

    def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> list[TrueCandle]:
        """Return the candles with open times in [start_ns, end_ns) as served now, ascending.

        The running one is among them; quiet intervals are where the exchange has them.
        """
        now_ns = self.now_ns()
        found = self.truth.candles(pair, interval, start_ns, end_ns, now_ns)
        if self._serves_quiet():
            found = self._filled(pair, interval, start_ns, min(end_ns, now_ns), found)
        while found and (late := self.fault(Kind.LATE_CANDLES, pair)):
            if found[-1].time + interval.ns <= now_ns - _ns(late, 4.0):
                break
            found.pop()
        for index in range(max(0, len(found) - 3), len(found)):
            found[index] = self._aged(pair, interval, found[index], now_ns)
        return found

    def newest_candles(
        self, pair: str, interval: Interval, count: int, end_ns: int | None = None
    ) -> list[TrueCandle]:
        """Return the last `count` candles that open before `end_ns`, or before now, ascending."""
        end = self.now_ns() if end_ns is None else min(end_ns, self.now_ns())
        span = interval.ns * (count + 4)
        while True:
            found = self.candles(pair, interval, end - span, end)
            if len(found) >= count or end - span <= self.truth.first_ns:
                return found[max(0, len(found) - count) :]
            span *= 2

    def running(self, pair: str, interval: Interval, trade: TrueTrade) -> TrueCandle:
        """Return the candle that `trade` belongs to as it is after it, for the stream."""
        open_ns = interval.floor(trade.time)
        found = self.truth.trades(pair, open_ns, trade.time + 1)
        return found.where(found.id <= trade.id).candles(interval)[0]

    def closed(self, pair: str, interval: Interval, open_ns: int) -> list[TrueCandle]:
        """Return the candle that has closed, for the stream; none where it is not told."""
        end_ns = open_ns + interval.ns
        found = self.truth.candles(pair, interval, open_ns, end_ns, end_ns)
        if self._serves_quiet():
            found = self._filled(pair, interval, open_ns, end_ns, found)
        return found

    def paged(self, rows: Iterable[Any], newest_first: bool) -> list[Any]:
        """Return ascending `rows` in the order of this page."""
        ascending = list(rows)
        swapped = self.fault(Kind.PAGE_ORDER) is not None
        return ascending[::-1] if newest_first != swapped else ascending

    def _serves_quiet(self) -> bool:
        return self._quiet_candles != (self.fault(Kind.OTHER_QUIET) is not None)

    def _aged(self, pair: str, interval: Interval, candle: TrueCandle, now_ns: int) -> TrueCandle:
        """Return a candle as it is served now: whole, or without its last trades."""
        since_ns = now_ns - candle.time - interval.ns
        revised = self.fault(Kind.REVISED_CANDLE, pair)
        shrunken = self.fault(Kind.SHRUNKEN_CANDLE, pair)
        young = revised is not None and 0 <= since_ns < _ns(revised, 4.0)
        old = shrunken is not None and (_ns(shrunken, 4.0) <= since_ns < 2 * _ns(shrunken, 4.0))
        if not (young or old):
            return candle
        known_ns = candle.time + interval.ns * 3 // 4
        earlier = self.truth.candles(pair, interval, candle.time, candle.time + 1, known_ns)
        return earlier[0] if earlier else candle

    def _filled(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int, found: list[TrueCandle]
    ) -> list[TrueCandle]:
        """Return `found` with a flat candle of the price before wherever one is missing."""
        by_time = {candle.time: candle for candle in found}
        start = interval.ceil(max(start_ns, self.truth.first_ns))
        before = self.truth.newest(pair, start, 1)
        close = int(before.price[-1]) if len(before) else None
        filled = []
        for time in range(start, end_ns, interval.ns):
            candle = by_time.get(time)
            if candle is None and close is not None:
                candle = TrueCandle(time, close, close, close, close, 0, 0)
            if candle is not None:
                filled.append(candle)
                close = candle.close
        return filled


def _ns(fault: Fault, usual_s: float) -> int:
    return round((fault.value or usual_s) * SECOND_NS)
