"""Bitvavo's protocol: REST v2 and one socket for requests and streams.

Facts: docs.bitvavo.com, and what ccxt 4.5.90 reads. Pages are newest first; ids of trades are UUIDs
in no order; a whole book is written without zeros at the end of prices, its changes with them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from framework.loopback.order_book import Delta
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires.asking import (
    Asked,
    Declined,
    answering,
    last_candles,
    last_trades,
    whole,
)
from framework.types import DAY_NS, MS_NS, Interval

_NO_END = 1 << 62
_FIRST_NONCE = 36_000_000  # a number far below it is one of another run of the engine
_TOPICS = {"trades": Topic.TRADES, "candles": Topic.CANDLES, "book": Topic.BOOK}


class BitvavoWire(Wire):
    """Bitvavo."""

    name = "bitvavo"
    pairs = ("BTC-EUR", "ETH-EUR", "SOL-EUR", "ADA-EUR", "XRP-EUR")
    intervals = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
    ping_s = 50.0
    limit = (1_000, 60.0)

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the public requests."""
        calls = {
            "time": lambda asked: {"time": self.venue.now_ns() // MS_NS},
            "markets": self._markets,
            "assets": self._assets,
            "{market}/candles": self._candles,
            "{market}/trades": self._trades,
            "{market}/book": lambda asked: self._book(self._market(asked), asked),
        }
        return [("GET", f"/v2/{path}", answering(call)) for path, call in calls.items()]

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return what is wrong, and the moment to wait for after too many requests."""
        if status == 404:
            return _error(110, "Invalid endpoint. Please check url and HTTP method.", status)
        if status != 429:
            text = "The matching engine did not respond in time. Operation may not have succeeded."
            return _error(109, text, status)
        answer = _error(103, "You have been rate limited.", status)
        allowed_ms = self.venue.now_ns() // MS_NS + round(max(1.0, retry_after_s) * 1e3)
        answer.headers["bitvavo-ratelimit-remaining"] = "0"
        answer.headers["bitvavo-ratelimit-resetat"] = str(allowed_ms)
        return answer

    # Requests

    def _markets(self, asked: Asked) -> object:
        if "market" in asked:
            return _market_row(self._market(asked))
        return [_market_row(market) for market in self.venue.markets()]

    def _assets(self, asked: Asked) -> object:
        names = {name for market in self.venue.markets() for name in (market.base, market.quote)}
        return [_asset_row(name) for name in sorted(names)]

    def _candles(self, asked: Asked) -> object:
        market, count = self._market(asked), self._limit(asked, 1_440, 1_440)
        if asked.get("interval") not in self.intervals:
            raise Declined(_invalid("interval"))
        interval = Interval.parse(asked["interval"])
        start, end = self._span(asked)
        if start % interval.ns:
            raise Declined(_invalid("start"))
        found = last_candles(self.venue, market.pair, interval, start, end, count)
        return self.venue.paged((_candle_row(market, c) for c in found), newest_first=True)

    def _trades(self, asked: Asked) -> object:
        market, count = self._market(asked), self._limit(asked, 500, 1_000)
        start, end = self._span(asked)
        if start and end < _NO_END and end - start > DAY_NS + MS_NS:
            raise Declined(_invalid("end"))
        found = last_trades(self.venue, market.pair, start, end, count)
        return self.venue.paged((_trade_row(market, t) for t in found), newest_first=True)

    def _book(self, market: TrueMarket, asked: Asked) -> dict[str, Any]:
        view = self.venue.book(market.pair).view(whole(asked, "depth", 1_000, _invalid("depth")))
        return {
            "market": market.pair,
            "nonce": _FIRST_NONCE + view.number,
            "bids": [_level_row(market, *level, padded=False) for level in view.bids],
            "asks": [_level_row(market, *level, padded=False) for level in view.asks],
            "timestamp": view.time,
        }

    def _market(self, asked: Asked) -> TrueMarket:
        market = self.venue.market(asked.get("market", ""))
        if market is None:
            raise Declined(_invalid("market"))
        return market

    def _limit(self, asked: Asked, usual: int, most: int) -> int:
        limit = whole(asked, "limit", usual, _invalid("limit"))
        if not 1 <= limit <= most:
            raise Declined(_invalid("limit"))
        return limit

    def _span(self, asked: Asked) -> tuple[int, int]:
        """Return the first moment and that after the last, UTC ns."""
        start_ms = whole(asked, "start", 0, _invalid("start"))
        last_ms = whole(asked, "end", -1, _invalid("end"))
        return start_ms * MS_NS, _NO_END if last_ms < 0 else (last_ms + 1) * MS_NS

    # Sockets

    @property
    def socket_paths(self) -> Sequence[str]:
        """Return the one path, with or without the stroke at its end."""
        return ("/v2", "/v2/")

    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Follow subscribe, unsubscribe, getBook and getTime."""
        try:
            asked = json.loads(text)
            action = asked["action"]
        except (ValueError, KeyError, TypeError):
            return [Say({"event": "error", "errorCode": 102, "error": "Invalid JSON."})]
        try:
            return [self._answer(ear, action, asked)]
        except Declined as declined:
            error = declined.answer.payload
        except (KeyError, TypeError, AttributeError):
            error = _error(203, "Required parameters are missing.").payload
        body = dict(error) if isinstance(error, dict) else {}
        return [Say({"event": "error", "action": action, **body, **_number(asked)})]

    def _answer(self, ear: Ear, action: str, asked: dict[str, Any]) -> Say:
        if action == "getTime":
            now_ms = self.venue.now_ns() // MS_NS
            return Say({"action": action, "response": {"time": now_ms}, **_number(asked)})
        if action == "getBook":
            market = self._market(asked)
            depth = {"depth": str(asked["depth"])} if "depth" in asked else {}
            told = {"action": action, "response": self._book(market, depth), **_number(asked)}
            return Say(told, Topic.BOOK, market.pair, snapshot=True)
        if action not in ("subscribe", "unsubscribe"):
            raise Declined(_error(110, "Invalid action."))
        named = [wanted for channel in asked["channels"] for wanted in self._named(channel)]
        if action == "subscribe":
            ear.subscriptions.update(named)
        else:
            ear.subscriptions.difference_update(named)
        return Say({"event": f"{action}d", "subscriptions": _told(ear.subscriptions)})

    def _named(self, channel: dict[str, Any]) -> list[Subscription]:
        """Return the subscriptions that one channel of a request names."""
        topic = _TOPICS.get(channel["name"])
        if topic is None:
            raise Declined(_invalid("name"))
        lengths = channel["interval"] if topic is Topic.CANDLES else [None]
        if any(length not in (None, *self.intervals) for length in lengths):
            raise Declined(_invalid("interval"))
        pairs = [self._market({"market": pair}).pair for pair in channel["markets"]]
        return [
            Subscription(topic, pair, Interval.parse(length) if length else None)
            for pair in pairs
            for length in lengths
        ]

    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Return a ``trade``."""
        market = self.venue.truth.markets[trade.pair]
        return [{"event": "trade", "market": market.pair, **_trade_row(market, trade)}]

    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Return a ``book``; a wrong one is numbered as by another run of the engine."""
        return [self._book_event(delta, wanted.pair, right)]

    def early(self, ear: Ear, wanted: Subscription, delta: Delta) -> list[object]:
        """Return an older ``book``, as it was."""
        return [self._book_event(delta, wanted.pair, True)]

    def candle(
        self, ear: Ear, wanted: Subscription, candle: TrueCandle, closed: bool
    ) -> list[object]:
        """Return a ``candle``: told when something was traded, not when it is closed."""
        if closed or wanted.interval is None:
            return []
        market = self.venue.truth.markets[wanted.pair]
        told = {"event": "candle", "market": wanted.pair, "interval": str(wanted.interval)}
        return [{**told, "candle": [_candle_row(market, candle)]}]

    def _book_event(self, delta: Delta, pair: str, right: bool) -> object:
        market = self.venue.truth.markets[pair]
        levels = [
            (level.bid, _level_row(market, level.price, level.units, padded=True))
            for level in delta.levels
        ]
        return {
            "event": "book",
            "market": pair,
            "nonce": delta.number + (_FIRST_NONCE if right else 0),
            "bids": [row for bid, row in levels if bid],
            "asks": [row for bid, row in levels if not bid],
        }


def _error(code: int, text: str, status: int = 400) -> Answer:
    return Answer({"errorCode": code, "error": text}, status)


def _invalid(name: str) -> Answer:
    return _error(205, f"{name} parameter is invalid.")


def _number(asked: dict[str, Any]) -> dict[str, Any]:
    return {"requestId": asked["requestId"]} if "requestId" in asked else {}


def _told(subscriptions: set[Subscription]) -> dict[str, Any]:
    """Return all that a socket listens to, as confirmations say it."""
    told: dict[str, Any] = {}
    for wanted in sorted(subscriptions, key=lambda s: (s.topic.value, s.pair, str(s.interval))):
        name = wanted.topic.value
        if wanted.interval is None:
            told.setdefault(name, []).append(wanted.pair)
        else:
            told.setdefault(name, {}).setdefault(str(wanted.interval), []).append(wanted.pair)
    return told


def _level_row(market: TrueMarket, price: int, units: int, padded: bool) -> list[str]:
    return [market.price_text(price, padded), market.units_text(units, padded=False)]


def _candle_row(market: TrueMarket, candle: TrueCandle) -> list[Any]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        candle.time // MS_NS,
        *(market.price_text(ticks, padded=False) for ticks in prices),
        market.units_text(candle.volume, padded=False),
    ]


def _trade_row(market: TrueMarket, trade: TrueTrade) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{market.pair} {trade.id}")),
        "timestamp": trade.time // MS_NS,
        "amount": market.units_text(trade.units, padded=False),
        "price": market.price_text(trade.price, padded=False),
        "side": "buy" if trade.side > 0 else "sell",
    }


def _market_row(market: TrueMarket) -> dict[str, Any]:
    return {
        "market": market.pair,
        "status": "trading",
        "base": market.base,
        "quote": market.quote,
        "pricePrecision": "0",
        "tickSize": market.price_text(1),
        "minOrderInBaseAsset": market.units_text(1),
        "minOrderInQuoteAsset": "5.00",
        "maxOrderInBaseAsset": "1000000000.00000000",
        "maxOrderInQuoteAsset": "1000000000.00",
        "quantityDecimals": str(market.unit_decimals),
        "notionalDecimals": "2",
        "maxOpenOrders": "100",
        "feeCategory": "A",
        "orderTypes": ["market", "limit"],
    }


def _asset_row(name: str) -> dict[str, Any]:
    return {
        "symbol": name,
        "name": name,
        "decimals": 8,
        "depositStatus": "OK",
        "withdrawalFee": "0",
        "withdrawalStatus": "OK",
        "withdrawalMinAmount": "0",
        "networks": [name],
        "message": "",
    }
