"""All that is kept of one pair: what was heard, what is told, what is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from framework.exchange.connection import Offers
from framework.feed.bar import possible_trade
from framework.feed.bucket import Bucket, Closing
from framework.feed.candle_line import AHEAD, CandleLine
from framework.feed.coverage import OPEN_END, Coverage
from framework.feed.events import CandleClosed, CandleRevised, Traded
from framework.feed.trade_line import TradeLine
from framework.feed.verdict import Judge
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.types import DAY_NS, SECOND_NS, Interval

_PROVEN_BEFORE = 2  # candles before the first to tell, for the close that a flat one takes over
_LOOKBACK = 500  # rows asked for before these
_AUDIT = 24  # candles told without a request, until one looks whether they still stand
_GUARD_NS = SECOND_NS  # a trade may be heard so long after its stamp
_EDGE_NS = 5 * SECOND_NS  # ids around the ends of holes are remembered
_CHUNK_NS = 600 * SECOND_NS  # of trades asked for at once
_AHEAD_NS = 30 * SECOND_NS  # a stamp so far in the future is not believed
_AGAIN_NS = 2 * SECOND_NS
_TRIES = 5  # for the trades of one hole

LineEvent = CandleClosed | CandleRevised | Traded


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that a pair's line wants made.

    Parameters
    ----------
    kind : str
    pair : str
    start_ns, end_ns : int
        Of open times or of trades, the end exclusive.
    """

    kind: Literal["rows", "trades"]
    pair: str
    start_ns: int
    end_ns: int


class PairLine:
    """Turns what is heard and answered of one pair into what can be relied on.

    Parameters
    ----------
    pair : str
    interval : Interval
    first_ns : int
        Open time of the first candle to tell; no older trades are told either.
    offers : Offers
    hears_trades, tells_trades : bool
        Whether the socket has trades, and whether they are told.
    closing : Closing
    """

    def __init__(
        self,
        pair: str,
        interval: Interval,
        first_ns: int,
        offers: Offers,
        hears_trades: bool,
        tells_trades: bool,
        closing: Closing,
    ) -> None:
        self._pair = pair
        self._interval = interval
        self._first_ns = first_ns
        self._offers = offers
        self._tells_trades = tells_trades
        start_ns = first_ns - _PROVEN_BEFORE * interval.ns
        self._coverage = Coverage(start_ns)
        self._judge = Judge(pair, interval, self._coverage, hears_trades, closing)
        self._candles = CandleLine(self._judge, start_ns)
        self._trades = TradeLine()
        self._under_way: set[str] = set()
        self._heal_ns = 0  # when trades of holes may be asked for again
        self._heal_tries = 0
        self._looked_ns = start_ns

    def hear_trade(self, trade: Trade, now_ns: int) -> None:
        """Take in a trade of the socket at about `now_ns`, exchange time."""
        if trade.time > now_ns + _AHEAD_NS:
            self._coverage.doubt(now_ns - _EDGE_NS, now_ns + _GUARD_NS)
        elif not possible_trade(trade, self._candles.last_close):
            self._coverage.doubt(trade.time, trade.time + 1)
        else:
            self._take(trade)

    def hear_candle(self, candle: Candle, closed: bool | None) -> bool:
        """Take in a candle of the socket; tell whether it is final."""
        return self._candles.stream(candle, closed)

    def begin(self, now_ns: int) -> None:
        """The socket is heard from now on."""
        self._coverage.begin(now_ns + _GUARD_NS)
        kept_ns = DAY_NS if self._tells_trades else _CHUNK_NS
        self._coverage.give_up(-OPEN_END, now_ns - kept_ns)
        self._heal_ns = now_ns + 2 * _GUARD_NS

    def lose(self, heard_ns: int) -> None:
        """The socket is lost; the last frame came at about `heard_ns`."""
        self._coverage.lose(heard_ns - 2 * _GUARD_NS)
        self._candles.interrupt()

    def turn(self) -> list[LineEvent]:
        """Let a moment pass; return the trades whose time has come."""
        self._trades.forget(self._edges())
        return [*self._to_tell(self._trades.turn())]

    def close(self, now_ns: int) -> list[LineEvent]:
        """Return the candles that can be told at `now_ns`, and the trades known of them before."""
        told: list[LineEvent] = []
        for event in self._candles.tell(now_ns):
            if isinstance(event, CandleClosed):
                end_ns = event.candle.time + self._interval.ns
                told += self._to_tell(self._trades.tell_before(end_ns))
            if event.candle.time >= self._first_ns:
                told.append(event)
        if told:
            self._coverage.forget(min(self._candles.oldest_ns, now_ns - DAY_NS))
        return told

    def asks(self, now_ns: int, live: bool) -> list[Ask]:
        """Return the requests to be made now; each is answered or failed before the next."""
        waiting = self._candles.waiting(now_ns, live)
        asks = []
        if "rows" not in self._under_way and self._may_look(waiting, now_ns):
            asks.append(self._look(waiting, now_ns))
        if "trades" not in self._under_way and (ask := self._repair(waiting, now_ns)):
            asks.append(ask)
        self._under_way |= {ask.kind for ask in asks}
        return asks

    def failed(self, ask: Ask, now_ns: int) -> None:
        """A request was not answered."""
        self._under_way.discard(ask.kind)
        if ask.kind == "trades":
            self._heal_ns = now_ns + _AGAIN_NS

    def answer_rows(self, ask: Ask, rows: CandleRows, asked_ns: int) -> None:
        """Take in the answer to a request made at `asked_ns`."""
        self._under_way.discard(ask.kind)
        self._candles.read(rows, ask.start_ns, ask.end_ns, asked_ns)

    def answer_trades(
        self, ask: Ask, trades: Sequence[Trade], complete_from_ns: int, asked_ns: int
    ) -> None:
        """Take in the answer to a request made at `asked_ns`."""
        self._under_way.discard(ask.kind)
        possible = [trade for trade in trades if possible_trade(trade, self._candles.last_close)]
        for trade in possible:
            self._take(trade)
        self._candles.asked(ask.start_ns, ask.end_ns)
        self._heal_tries += 1
        if len(possible) < len(trades) and self._heal_tries < _TRIES:
            self._heal_ns = asked_ns + _AGAIN_NS
            return
        self._heal_tries = 0
        end_ns = min(ask.end_ns, asked_ns)
        self._coverage.give_up(ask.start_ns, min(complete_from_ns, end_ns))
        if len(possible) == len(trades):
            self._coverage.fill(complete_from_ns, end_ns)
            self._candles.complete(complete_from_ns, end_ns)
        else:
            self._coverage.give_up(complete_from_ns, end_ns)

    def _take(self, trade: Trade) -> None:
        if self._trades.add(trade, missed=self._coverage.inside(trade.time)):
            self._candles.add(trade)

    def _to_tell(self, trades: list[Traded]) -> list[Traded]:
        if not self._tells_trades:
            return []
        return [traded for traded in trades if traded.trade.time >= self._first_ns]

    def _edges(self) -> list[tuple[int, int]]:
        moments = [m for hole in self._coverage.holes for m in (hole.start_ns, hole.end_ns)]
        return [(moment - _EDGE_NS, moment + _EDGE_NS) for moment in moments]

    def _may_look(self, waiting: Sequence[Bucket], now_ns: int) -> bool:
        """Tell whether it is time to ask for rows."""
        for bucket in waiting:
            if not (bucket.sealed and bucket.proof is bucket.streamed):
                return not bucket.looks or now_ns >= bucket.looked_ns + _wait_ns(bucket)
        return now_ns - self._looked_ns > (_AUDIT + 1) * self._interval.ns

    def _look(self, waiting: Sequence[Bucket], now_ns: int) -> Ask:
        start_ns = self._candles.oldest_ns
        end_ns = self._interval.floor(now_ns)
        end_ns = min(end_ns, self._candles.next_ns + AHEAD * self._interval.ns)
        if math.isnan(self._candles.last_close):
            start_ns -= min(_LOOKBACK, self._offers.candle_page) * self._interval.ns
        if self._offers.oldest_candles is not None:
            reach_ns = end_ns - (self._offers.oldest_candles - 1) * self._interval.ns
            self._candles.reaches(reach_ns)
            start_ns = max(start_ns, min(reach_ns, end_ns - self._interval.ns))
        for bucket in waiting:
            bucket.looks += 1
            bucket.looked_ns = now_ns
        self._looked_ns = now_ns
        return Ask("rows", self._pair, start_ns, end_ns)

    def _repair(self, waiting: Sequence[Bucket], now_ns: int) -> Ask | None:
        """Return the request for trades that helps most: of ended candles, then of holes."""
        start_ns = end_ns = 0
        for bucket in waiting:
            if self._judge.needs_trades(bucket, now_ns):
                opens, ends = self._judge.span(bucket)
                if end_ns and (opens != end_ns or ends - start_ns > _CHUNK_NS):
                    break
                start_ns, end_ns = start_ns or opens, ends
                bucket.asked_ns = now_ns
        if end_ns:
            return Ask("trades", self._pair, start_ns, end_ns)
        if now_ns < self._heal_ns:
            return None
        for hole in self._coverage.holes:
            if not hole.hopeless and hole.end_ns + _GUARD_NS <= now_ns:
                end_ns = min(hole.end_ns, hole.start_ns + _CHUNK_NS)
                return Ask("trades", self._pair, hole.start_ns, end_ns)
        return None


def _wait_ns(bucket: Bucket) -> int:
    """Return how long to wait after the last request for a candle's row."""
    if bucket.told is None:
        seconds = min(5.0, 0.4 * 1.5 ** min(bucket.looks, 30))
    else:
        seconds = min(300.0, 5.0 * 2.0 ** min(bucket.looks, 30))
    return round(seconds * SECOND_NS)
