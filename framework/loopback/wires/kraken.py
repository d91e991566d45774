"""Kraken's protocol: public requests and socket v2.

Facts: docs.kraken.com, and what ccxt 4.5.90 reads. Refusals of requests come with a status of 200.
Of candles only the newest 720 are served; quiet intervals are among them, flat and with a volume of
0, but are not told by the socket. The book of the socket is cut at its depth, and what comes into
sight is told anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from framework.loopback.order_book import BookView, Delta
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires import kraken_rows as rows
from framework.loopback.wires.asking import (
    Asked,
    Declined,
    answering,
    first_trades,
    iso,
    last_candles,
    whole,
)
from framework.types import SECOND_NS, Interval

_MINUTE_NS = 60 * SECOND_NS
_NO_END = 1 << 62
_OLDEST_CANDLES = 720
_DEPTHS = (10, 25, 100, 500, 1_000)
_TOPICS = {"trade": Topic.TRADES, "ohlc": Topic.CANDLES, "book": Topic.BOOK}


class KrakenWire(Wire):
    """Kraken."""

    name = "kraken"
    pairs = ("BTC-EUR", "ETH-EUR", "SOL-EUR", "ADA-EUR", "XRP-EUR")
    intervals = ("1m", "5m", "15m", "30m", "1h", "4h", "1d")
    quiet_candles = True
    beat_s = 1.0
    idle_s = 60.0

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

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return "Rate limit exceeded" or "Unavailable"; neither says how long to wait."""
        if status == 429:
            return _error("EAPI:Rate limit exceeded")
        return Answer(_error("EService:Unavailable").payload, status)

    # Requests

    def _time(self, asked: Asked) -> object:
        seconds = self.venue.now_ns() // SECOND_NS
        text = time.strftime("%a, %d %b %y %H:%M:%S +0000", time.gmtime(seconds))
        return _result({"unixtime": seconds, "rfc1123": text})

    def _assets(self, asked: Asked) -> object:
        codes = {code for market in self.venue.markets() for code in (market.base, market.quote)}
        return _result({rows.asset_name(code): rows.asset_row(code) for code in sorted(codes)})

    def _pairs(self, asked: Asked) -> object:
        named = (
            [self._market(name) for name in asked["pair"].split(",")] if "pair" in asked else None
        )
        markets = self.venue.markets() if named is None else named
        return _result({rows.pair_names(m.pair)[0]: rows.pair_row(m) for m in markets})

    def _candles(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        interval = self._interval(asked.get("interval", "1"))
        if interval is None:
            raise Declined(_error("EGeneral:Invalid arguments"))
        start_ns = (whole(asked, "since", -1, _WRONG) + 1) * SECOND_NS
        found = last_candles(self.venue, market.pair, interval, start_ns, _NO_END, _OLDEST_CANDLES)
        page = self.venue.paged((rows.candle_row(market, c) for c in found), newest_first=False)
        closed = [c.time for c in found if c.time + interval.ns <= self.venue.now_ns()]
        last = (closed[-1] if closed else start_ns) // SECOND_NS
        return _result({rows.pair_names(market.pair)[0]: page, "last": last})

    def _trades(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        count = max(1, min(1_000, whole(asked, "count", 1_000, _WRONG)))
        since = whole(asked, "since", -1, _WRONG)
        if since < 0:
            found = self.venue.newest_trades(market.pair, count)
        else:
            # A short number is seconds. Trades of one moment are not parted by the end of a page:
            # the next one begins after it.
            since_ns = since * SECOND_NS if since < 10**12 else since
            found = first_trades(self.venue, market.pair, since_ns + 1, _NO_END, count, True)
        page = self.venue.paged((rows.trade_row(market, t) for t in found), newest_first=False)
        last = str(int(found.time[-1]) if len(found) else max(since, 0))
        return _result({rows.pair_names(market.pair)[0]: page, "last": last})

    def _depth(self, asked: Asked) -> object:
        market = self._market(asked.get("pair"))
        view = self.venue.book(market.pair).view(whole(asked, "count", 100, _WRONG))
        seconds = view.time // SECOND_NS

        def texts(levels: Iterable[tuple[int, int]]) -> list[list[Any]]:
            return [[market.price_text(p), market.units_text(u), seconds] for p, u in levels]

        book = {"asks": texts(view.asks), "bids": texts(view.bids)}
        return _result({rows.pair_names(market.pair)[0]: book})

    def _market(self, name: str | None) -> TrueMarket:
        if not name:
            raise Declined(_error("EGeneral:Invalid arguments"))
        for market in self.venue.markets():
            if name in rows.pair_names(market.pair):
                return market
        raise Declined(_error("EQuery:Unknown asset pair"))

    def _interval(self, minutes: object) -> Interval | None:
        for text in self.intervals:
            interval = Interval.parse(text)
            if str(minutes) == str(interval.ns // _MINUTE_NS):
                return interval
        return None

    # Sockets

    @property
    def socket_paths(self) -> Sequence[str]:
        """Return the path of socket v2."""
        return ("/v2",)

    def opened(self, ear: Ear) -> list[Say]:
        """Say that the exchange is online."""
        status = {"api_version": "v2", "connection_id": 1, "system": "online", "version": "2.0.10"}
        return [Say({"channel": "status", "type": "update", "data": [status]})]

    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Follow ping, subscribe and unsubscribe."""
        try:
            asked = json.loads(text)
            method, params = asked["method"], asked.get("params") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return [self._no({}, "error", "Malformed request")]
        if method == "ping":
            return [Say({"method": "pong", **self._stamps(asked)})]
        if method not in ("subscribe", "unsubscribe"):
            return [self._no(asked, method, "Unsupported method")]
        if params.get("channel") == "instrument" and method == "subscribe":
            return self._instruments(asked)
        topic, symbols = _TOPICS.get(params.get("channel")), params.get("symbol")
        if topic is None:
            return [self._no(asked, method, "Subscription name invalid")]
        if not isinstance(symbols, list):
            return [self._no(asked, method, "Pair field must be an array")]
        follow = self._subscribe if method == "subscribe" else self._unsubscribe
        return [say for symbol in symbols for say in follow(ear, asked, topic, symbol)]

    def _subscribe(self, ear: Ear, asked: dict[str, Any], topic: Topic, symbol: str) -> list[Say]:
        params = asked["params"]
        market = self._of_socket(symbol)
        if market is None:
            return [self._no(asked, "subscribe", f"Currency pair not supported {symbol}", symbol)]
        depth = params.get("depth", 10) if topic is Topic.BOOK else None
        interval = self._interval(params.get("interval", 1)) if topic is Topic.CANDLES else None
        if depth is not None and depth not in _DEPTHS:
            return [self._no(asked, "subscribe", "Subscription depth not supported", symbol)]
        if topic is Topic.CANDLES and interval is None:
            wrong = "Subscription ohlc interval not supported"
            return [self._no(asked, "subscribe", wrong, symbol)]
        wanted = Subscription(topic, market.pair, interval, depth)
        if wanted in ear.subscriptions:
            return [self._no(asked, "subscribe", "Already subscribed", symbol)]
        ear.subscriptions.add(wanted)
        with_snapshot = bool(params.get("snapshot", topic is not Topic.TRADES))
        told = {**_params(wanted), "snapshot": with_snapshot}
        said = [Say(self._yes(asked, "subscribe", told))]
        if topic is Topic.BOOK:
            self._keep(ear, wanted)
        return [*said, self._snapshot(wanted, market)] if with_snapshot else said

    def _unsubscribe(self, ear: Ear, asked: dict[str, Any], topic: Topic, symbol: str) -> list[Say]:
        found = [s for s in ear.subscriptions if (s.topic, _symbol(s.pair)) == (topic, symbol)]
        if not found:
            return [self._no(asked, "unsubscribe", "Subscription Not Found", symbol)]
        for wanted in found:
            ear.subscriptions.discard(wanted)
            ear.kept.pop(wanted, None)
        return [Say(self._yes(asked, "unsubscribe", _params(found[0])))]

    def _instruments(self, asked: dict[str, Any]) -> list[Say]:
        pairs = [rows.instrument_numbers(market) for market in self.venue.markets()]
        told = self._yes(asked, "subscribe", {"channel": "instrument", "snapshot": True})
        data = {"assets": [], "pairs": pairs}
        return [Say(told), Say({"channel": "instrument", "type": "snapshot", "data": data})]

    def _snapshot(self, wanted: Subscription, market: TrueMarket) -> Say:
        data: list[Any]
        if wanted.topic is Topic.BOOK:
            view = self.venue.book(market.pair).view(wanted.depth)
            data = [self._book(market, view.bids, view.asks, view, rows.checksum(view))]
        elif wanted.interval is not None:
            newest = self.venue.newest_candles(market.pair, wanted.interval, 10)
            traded = [candle for candle in newest if candle.trades]
            data = [rows.candle_numbers(market, c, wanted.interval) for c in traded]
        else:
            data = [
                rows.trade_numbers(market, t) for t in self.venue.newest_trades(market.pair, 50)
            ]
        frame = {"channel": _channel(wanted), "type": "snapshot", "data": data}
        return Say(frame, wanted.topic, market.pair, snapshot=wanted.topic is Topic.BOOK)

    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Return a ``trade`` of one."""
        market = self.venue.truth.markets[trade.pair]
        data = [rows.trade_numbers(market, trade)]
        return [{"channel": "trade", "type": "update", "data": data}]

    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Return what changed of the levels in sight, and their checksum, which may be wrong."""
        market = self.venue.truth.markets[wanted.pair]
        old_bids, old_asks = ear.kept[wanted]
        view = self.venue.book(wanted.pair).view()
        bids = _changes(old_bids, view.bids, wanted.depth)
        asks = _changes(old_asks, view.asks, wanted.depth)
        self._keep(ear, wanted)
        if not (bids or asks):
            return []
        told = self._book(market, bids, asks, view, rows.checksum(view) ^ (0 if right else 1))
        return [{"channel": "book", "type": "update", "data": [told]}]

    def candle(
        self, ear: Ear, wanted: Subscription, candle: TrueCandle, closed: bool
    ) -> list[object]:
        """Return an ``ohlc``: told when something was traded, not when it is closed."""
        if closed or wanted.interval is None or not candle.trades:
            return []
        market = self.venue.truth.markets[wanted.pair]
        data = [rows.candle_numbers(market, candle, wanted.interval)]
        stamp = {"timestamp": iso(self.venue.now_ns())}
        return [{"channel": "ohlc", "type": "update", **stamp, "data": data}]

    def beat(self, ear: Ear) -> list[object]:
        """Return a heartbeat for who is subscribed to something."""
        return [{"channel": "heartbeat"}] if ear.subscriptions else []

    def _keep(self, ear: Ear, wanted: Subscription) -> None:
        """Keep what a client sees of a book."""
        view = self.venue.book(wanted.pair).view(wanted.depth)
        ear.kept[wanted] = (dict(view.bids), dict(view.asks))

    def _book(
        self,
        market: TrueMarket,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
        view: BookView,
        checksum: int,
    ) -> dict[str, Any]:
        return {
            "symbol": _symbol(market.pair),
            "bids": rows.level_numbers(market, bids),
            "asks": rows.level_numbers(market, asks),
            "checksum": checksum,
            "timestamp": iso(view.time),
        }

    def _of_socket(self, symbol: str) -> TrueMarket | None:
        return next((m for m in self.venue.markets() if _symbol(m.pair) == symbol), None)

    def _stamps(self, asked: dict[str, Any]) -> dict[str, Any]:
        now = iso(self.venue.now_ns())
        number = {"req_id": asked["req_id"]} if "req_id" in asked else {}
        return {**number, "time_in": now, "time_out": now}

    def _yes(self, asked: dict[str, Any], method: str, result: object) -> dict[str, Any]:
        return {"method": method, "result": result, "success": True, **self._stamps(asked)}

    def _no(self, asked: dict[str, Any], method: str, error: str, symbol: str = "") -> Say:
        named = {"symbol": symbol} if symbol else {}
        return Say(
            {"error": error, "method": method, "success": False, **named, **self._stamps(asked)}
        )


def _changes(
    old: dict[int, int], best_first: list[tuple[int, int]], depth: int | None
) -> list[tuple[int, int]]:
    """Return the levels that a client who saw `old` is told.

    One that is gone is told with 0 units; one that is merely out of sight now is not told.
    """
    there = {price for price, _ in best_first}
    gone = [(price, 0) for price in old if price not in there]
    return gone + [level for level in best_first[:depth] if old.get(level[0]) != level[1]]


def _symbol(pair: str) -> str:
    return rows.pair_names(pair)[3]


def _channel(wanted: Subscription) -> str:
    return next(name for name, topic in _TOPICS.items() if topic is wanted.topic)


def _params(wanted: Subscription) -> dict[str, Any]:
    told: dict[str, Any] = {"channel": _channel(wanted), "symbol": _symbol(wanted.pair)}
    if wanted.depth is not None:
        told["depth"] = wanted.depth
    if wanted.interval is not None:
        told["interval"] = wanted.interval.ns // _MINUTE_NS
    return told


def _result(result: object) -> object:
    return {"error": [], "result": result}


def _error(text: str) -> Answer:
    return Answer({"error": [text]})


_WRONG = _error("EGeneral:Invalid arguments")
