"""Kraken's public requests; refusals come with a status of 200."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from framework.loopback.true_rows import TrueMarket
from framework.loopback.venue import Venue
from framework.loopback.wire import Answer, Handler
from framework.loopback.wires import kraken_rows as rows
from framework.loopback.wires.asking import (
    Asked,
    Declined,
    answering,
    first_trades,
    last_candles,
    whole,
)
from framework.types import SECOND_NS, Interval

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "4h", "1d")

_MINUTE_NS = 60 * SECOND_NS
_NO_END = 1 << 62
_OLDEST_CANDLES = 720


def interval_of(minutes: object) -> Interval | None:
    """Return the interval of so many minutes, or None where there is no such one."""
    for interval in map(Interval.parse, INTERVALS):
        if str(minutes) == str(interval.ns // _MINUTE_NS):
            return interval
    return None


def no(text: str, status: int = 200) -> Answer:
    """Return a refusal."""
    return Answer({"error": [text]}, status)


_WRONG = no("EGeneral:Invalid arguments")


class KrakenRequests:
    """Answers what is asked.

    Parameters
    ----------
    venue : callable
        Returns the truth as it is served now.
    """

    def __init__(self, venue: Callable[[], Venue]) -> None:
        self._venue = venue

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the public requests."""
        calls = {
            "Time": self._time,
            "Assets": self._assets,
            "AssetPairs": self._pairs,
            "OHLC": self._candles,
            "Trades": self._trades,
            "Depth": self._depth,
        }
        return [("GET", f"/0/public/{path}", answering(call)) for path, call in calls.items()]

    def _time(self, asked: Asked) -> object:
        seconds = self._venue().now_ns() // SECOND_NS
        text = time.strftime("%a, %d %b %y %H:%M:%S +0000", time.gmtime(seconds))
        return _result({"unixtime": seconds, "rfc1123": text})

    def _assets(self, asked: Asked) -> object:
        codes = {code for market in self._venue().markets() for code in (market.base, market.quote)}
        return _result({rows.asset_name(code): rows.asset_row(code) for code in sorted(codes)})

    def _pairs(self, asked: Asked) -> object:
        named = (
            [self._market(name) for name in asked["pair"].split(",")] if "pair" in asked else None
        )
        markets = self._venue().markets() if named is None else named
        return _result({rows.pair_names(m.pair)[0]: rows.pair_row(m) for m in markets})

    def _candles(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        interval = interval_of(asked.get("interval", "1"))
        if interval is None:
            raise Declined(no("EGeneral:Invalid arguments"))
        start_ns = (whole(asked, "since", -1, _WRONG) + 1) * SECOND_NS
        found = last_candles(
            self._venue(), market.pair, interval, start_ns, _NO_END, _OLDEST_CANDLES
        )
        page = self._venue().paged((rows.candle_row(market, c) for c in found), newest_first=False)
        closed = [c.time for c in found if c.time + interval.ns <= self._venue().now_ns()]
        last = (closed[-1] if closed else start_ns) // SECOND_NS
        return _result({rows.pair_names(market.pair)[0]: page, "last": last})

    def _trades(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        count = max(1, min(1_000, whole(asked, "count", 1_000, _WRONG)))
        since = whole(asked, "since", -1, _WRONG)
        if since < 0:
            found = self._venue().newest_trades(market.pair, count)
        else:
            # A short number is seconds. Trades of one moment are not parted by the end of a page:
            # the next one begins after it.
            since_ns = since * SECOND_NS if since < 10**12 else since
            found = first_trades(self._venue(), market.pair, since_ns + 1, _NO_END, count, True)
        page = self._venue().paged((rows.trade_row(market, t) for t in found), newest_first=False)
        last = str(int(found.time[-1]) if len(found) else max(since, 0))
        return _result({rows.pair_names(market.pair)[0]: page, "last": last})

    def _depth(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        view = self._venue().book(market.pair).view(whole(asked, "count", 100, _WRONG))
        seconds = view.time // SECOND_NS

        def texts(levels: Iterable[tuple[int, int]]) -> list[list[Any]]:
            return [[market.price_text(p), market.units_text(u), seconds] for p, u in levels]

        book = {"asks": texts(view.asks), "bids": texts(view.bids)}
        return _result({rows.pair_names(market.pair)[0]: book})

    def _market(self, name: str | None) -> TrueMarket:
        if not name:
            raise Declined(no("EGeneral:Invalid arguments"))
        for market in self._venue().markets():
            if name in rows.pair_names(market.pair):
                return market
        raise Declined(no("EQuery:Unknown asset pair"))


def _result(result: object) -> object:
    return {"error": [], "result": result}
