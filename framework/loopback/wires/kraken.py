"""Kraken's protocol: public requests and socket v2.

Facts: docs.kraken.com, and what ccxt 4.5.90 reads. Of candles only the newest 720 are served; quiet
intervals are among them, flat and with a volume of 0, but are not told by the socket. The book of
the socket is cut at its depth, and what comes into sight is told anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from framework.loopback.order_book import BookView, Delta
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires import kraken_rows as rows
from framework.loopback.wires.asking import iso
from framework.loopback.wires.kraken_requests import INTERVALS, KrakenRequests, interval_of, no
from framework.types import SECOND_NS

_MINUTE_NS = 60 * SECOND_NS
_DEPTHS = (10, 25, 100, 500, 1_000)
_TOPICS = {"trade": Topic.TRADES, "ohlc": Topic.CANDLES, "book": Topic.BOOK}


class KrakenWire(Wire):
    """Kraken."""

    name = "kraken"
    pairs = ("BTC-EUR", "ETH-EUR", "SOL-EUR", "ADA-EUR", "XRP-EUR")
    intervals = INTERVALS
    quiet_candles = True
    beat_s = 1.0
    idle_s = 60.0

    def __init__(self) -> None:
        self._requests = KrakenRequests(lambda: self.venue)

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the public requests."""
        return self._requests.routes()

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return what is wrong; nothing says how long to wait."""
        if status == 404:
            return no("EGeneral:Unknown method")
        return (
            no("EAPI:Rate limit exceeded") if status == 429 else no("EService:Unavailable", status)
        )

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
            method, params = asked["method"], dict(asked.get("params") or {})
        except (ValueError, KeyError, TypeError, AttributeError):
            return [self._no({}, "error", "Malformed request")]
        if method == "ping":
            return [Say({"method": "pong", **self._stamps(asked)})]
        if method not in ("subscribe", "unsubscribe"):
            return [self._no(asked, method, "Unsupported method")]
        if params.get("channel") == "instrument" and method == "subscribe":
            return self._instruments(asked)
        topic, symbols = _TOPICS.get(str(params.get("channel"))), params.get("symbol")
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
        interval = interval_of(params.get("interval", 1)) if topic is Topic.CANDLES else None
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
