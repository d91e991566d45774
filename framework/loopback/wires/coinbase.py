"""Coinbase's protocol: Advanced Trade's public requests and its market data socket.

Facts: docs.cdp.coinbase.com, and what ccxt 4.5.90 reads. Pages are newest first; quiet intervals
are absent; every frame of a socket, whatever it is about, counts on one number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from framework.loopback.order_book import Delta, Level
from framework.loopback.true_rows import TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires import coinbase_rows as rows
from framework.loopback.wires.asking import (
    Asked,
    Declined,
    answering,
    iso,
    last_candles,
    last_trades,
    whole,
)
from framework.types import MS_NS, SECOND_NS, Interval

_NO_END = 1 << 62
_MOST_CANDLES = 350
_GRANULARITIES = {
    "ONE_MINUTE": "1m",
    "FIVE_MINUTE": "5m",
    "FIFTEEN_MINUTE": "15m",
    "THIRTY_MINUTE": "30m",
    "ONE_HOUR": "1h",
    "TWO_HOUR": "2h",
    "SIX_HOUR": "6h",
    "ONE_DAY": "1d",
}
_TOPICS = {"market_trades": Topic.TRADES, "level2": Topic.BOOK, "heartbeats": Topic.BEAT}
_MONEY = frozenset({"USD", "EUR", "GBP", "AUD"})


class CoinbaseWire(Wire):
    """Coinbase."""

    name = "coinbase"
    pairs = ("BTC-USD", "ETH-USD", "SOL-USD", "ADA-USD", "XRP-USD")
    intervals = tuple(_GRANULARITIES.values())
    beat_s = 1.0
    idle_s = 75.0
    limit = (10, 1.0)

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the public requests."""
        market = "/api/v3/brokerage/market"
        calls = {
            "/v2/time": self._time,
            "/v2/currencies": self._money,
            "/v2/currencies/crypto": self._coins,
            "/v2/exchange-rates": lambda asked: {"data": {"currency": "USD", "rates": {}}},
            "/api/v3/brokerage/time": self._exact_time,
            f"{market}/products": self._products,
            f"{market}/products/{{product_id}}": lambda asked: rows.product_row(
                self._market(asked)
            ),
            f"{market}/products/{{product_id}}/candles": self._candles,
            f"{market}/products/{{product_id}}/ticker": self._trades,
            f"{market}/product_book": self._book,
        }
        return [("GET", path, answering(call)) for path, call in calls.items()]

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return what is wrong; nothing says how long to wait."""
        if status == 404:
            return _error("NOT_FOUND", "Not Found", status)
        if status == 429:
            return _error("resource_exhausted", "Too many requests", status)
        return _error("INTERNAL", "internal server error", status)

    # Requests

    def _time(self, asked: Asked) -> object:
        seconds = self.venue.now_ns() // SECOND_NS
        return {"data": {"epoch": seconds, "iso": iso(seconds * SECOND_NS)[:19] + "Z"}}

    def _exact_time(self, asked: Asked) -> object:
        now_ns = self.venue.now_ns()
        epochs = {"epochSeconds": now_ns // SECOND_NS, "epochMillis": now_ns // MS_NS}
        return {"iso": iso(now_ns)[:19] + "Z", **{name: str(at) for name, at in epochs.items()}}

    def _money(self, asked: Asked) -> object:
        codes = sorted(_MONEY)
        return {"data": [{"id": code, "name": code, "min_size": "0.01"} for code in codes]}

    def _coins(self, asked: Asked) -> object:
        codes = {code for market in self.venue.markets() for code in (market.base, market.quote)}
        coins = sorted(codes - _MONEY)
        return {"data": [{"asset_id": code, "code": code, "name": code} for code in coins]}

    def _products(self, asked: Asked) -> object:
        spot = asked.get("product_type", "SPOT") == "SPOT"
        found = [rows.product_row(market) for market in self.venue.markets()] if spot else []
        return {"products": found, "num_products": len(found)}

    def _candles(self, asked: Asked) -> object:
        market = self._market(asked)
        length = _GRANULARITIES.get(asked.get("granularity", ""))
        if length is None or not ("start" in asked and "end" in asked):
            raise Declined(_invalid("granularity, start and end are required"))
        interval = Interval.parse(length)
        start, end = (whole(asked, name, 0, _WRONG) * SECOND_NS for name in ("start", "end"))
        if (end - start) // interval.ns > _MOST_CANDLES:
            text = "number of candles requested should be less than 350"
            raise Declined(_invalid(f"start and end argument is invalid - {text}"))
        count = min(_MOST_CANDLES, whole(asked, "limit", _MOST_CANDLES, _WRONG))
        found = last_candles(self.venue, market.pair, interval, start, end + 1, count)
        page = self.venue.paged((rows.candle_row(market, c) for c in found), newest_first=True)
        return {"candles": page}

    def _trades(self, asked: Asked) -> object:
        market = self._market(asked)
        count = max(1, min(1_000, whole(asked, "limit", 100, _WRONG)))
        start = whole(asked, "start", 0, _WRONG) * SECOND_NS
        end = whole(asked, "end", 0, _WRONG) * SECOND_NS or _NO_END
        found = last_trades(self.venue, market.pair, start, end, count)
        view = self.venue.book(market.pair).view(1)
        best = {"best_bid": view.bids[:1], "best_ask": view.asks[:1]}
        return {
            "trades": self.venue.paged(
                (rows.trade_row(market, t) for t in found), newest_first=True
            ),
            **{name: market.price_text(at[0][0]) if at else "" for name, at in best.items()},
        }

    def _book(self, asked: Asked) -> object:
        market = self._market(asked)
        limit = whole(asked, "limit", 0, _WRONG)
        view = self.venue.book(market.pair).view(limit or None)
        sides = {
            name: [
                {
                    "price": market.price_text(price, padded=False),
                    "size": market.units_text(units, padded=False),
                }
                for price, units in levels
            ]
            for name, levels in (("bids", view.bids), ("asks", view.asks))
        }
        return {"pricebook": {"product_id": market.pair, **sides, "time": iso(view.time)}}

    def _market(self, asked: Asked) -> TrueMarket:
        market = self.venue.market(asked.get("product_id", ""))
        if market is None:
            raise Declined(_invalid("valid product_id is required"))
        return market

    # Sockets

    @property
    def socket_paths(self) -> Sequence[str]:
        """Return the one path."""
        return ("/",)

    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Follow subscribe and unsubscribe; a subscription is confirmed after its snapshot."""
        try:
            asked = json.loads(text)
            kind, channel = asked["type"], asked["channel"]
            pairs = [str(pair) for pair in asked.get("product_ids") or []]
        except (ValueError, KeyError, TypeError, AttributeError):
            return [_failed("failed to parse message")]
        topic = _TOPICS.get(channel)
        if topic is None or kind not in ("subscribe", "unsubscribe"):
            return [_failed(f"unsupported {kind} of channel {channel}")]
        unknown = [pair for pair in pairs if self.venue.market(pair) is None]
        if unknown and kind == "subscribe":
            return [_failed(f"{unknown[0]} is not a valid product")]
        if topic is Topic.BEAT:
            pairs = [""]
        wanted = {Subscription(topic, pair) for pair in pairs}
        if kind == "unsubscribe":
            ear.subscriptions -= wanted
            return [self._confirmation(ear)]
        ear.subscriptions |= wanted
        snapshots = [say for pair in pairs for say in self._snapshot(ear, topic, pair)]
        return [*snapshots, self._confirmation(ear)]

    def _snapshot(self, ear: Ear, topic: Topic, pair: str) -> list[Say]:
        market = self.venue.truth.markets.get(pair)
        if market is None:
            return []
        if topic is Topic.TRADES:
            newest = list(self.venue.newest_trades(pair, 50))[::-1]
            event = {"type": "snapshot", "trades": [rows.trade_row(market, t) for t in newest]}
            return [Say(self._frame(ear, "market_trades", event), topic, pair)] if newest else []
        view = self.venue.book(pair).view()
        levels = [Level(True, *level) for level in view.bids]
        levels += [Level(False, *level) for level in view.asks]
        event = rows.book_event("snapshot", market, levels, view.time)
        return [Say(self._frame(ear, "l2_data", event), topic, pair, snapshot=True)]

    def _confirmation(self, ear: Ear) -> Say:
        told: dict[str, list[str]] = {}
        for channel, topic in _TOPICS.items():
            pairs = sorted(s.pair for s in ear.subscriptions if s.topic is topic)
            if pairs:
                told[channel] = [pair or "heartbeats" for pair in pairs]
        return Say(self._frame(ear, "subscriptions", {"subscriptions": told}))

    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Return a ``market_trades`` of one."""
        market = self.venue.truth.markets[trade.pair]
        event = {"type": "update", "trades": [rows.trade_row(market, trade)]}
        return [self._frame(ear, "market_trades", event)]

    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Return an ``l2_data``; before a wrong one a number is left out."""
        if not right:
            ear.kept["sequence"] = ear.kept.get("sequence", 0) + 1
        market = self.venue.truth.markets[wanted.pair]
        event = rows.book_event("update", market, delta.levels, delta.time)
        return [self._frame(ear, "l2_data", event)]

    def beat(self, ear: Ear) -> list[object]:
        """Return a heartbeat for who is subscribed to them."""
        if Subscription(Topic.BEAT) not in ear.subscriptions:
            return []
        ear.kept["beats"] = ear.kept.get("beats", 0) + 1
        told = {"current_time": iso(self.venue.now_ns()), "heartbeat_counter": ear.kept["beats"]}
        return [self._frame(ear, "heartbeats", told)]

    def _frame(self, ear: Ear, channel: str, event: dict[str, Any]) -> dict[str, Any]:
        number = ear.kept.get("sequence", 0)
        ear.kept["sequence"] = number + 1
        stamps = {"client_id": "", "timestamp": iso(self.venue.now_ns()), "sequence_num": number}
        return {"channel": channel, **stamps, "events": [event]}


def _error(name: str, text: str, status: int = 400) -> Answer:
    return Answer({"error": name, "error_details": text, "message": text}, status)


def _invalid(text: str) -> Answer:
    return _error("INVALID_ARGUMENT", text)


_WRONG = _invalid("argument is invalid")


def _failed(text: str) -> Say:
    return Say({"type": "error", "message": text})
