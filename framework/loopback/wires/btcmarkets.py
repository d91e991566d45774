"""BTC Markets: REST v3 and socket v2."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from framework.loopback.order_book import BookView, Delta, Level
from framework.loopback.true_rows import TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires.btcmarkets_account import KEY, SOCKET_PATH, is_signed
from framework.loopback.wires.btcmarkets_requests import (
    WINDOWS,
    BTCMarketsRequests,
    micros,
    no,
    ticker,
)

_TOPICS = {
    "trade": Topic.TRADES,
    "orderbookUpdate": Topic.BOOK,
    "tick": Topic.TICKER,
    "heartbeat": Topic.BEAT,
}
_CHANNELS = {topic: channel for channel, topic in _TOPICS.items()}
_PRIVATE = {"orderChange", "fundChange"}
_VERBS = ("subscribe", "addSubscription", "removeSubscription")
_AUTHENTICATION, _INVALID_INPUT = 1, 3
_STATUS_CODES = {404: "NotFound", 429: "TooManyRequests"}


class BTCMarketsWire(Wire):
    """BTC Markets as its reference and what was seen of it say.

    Parameters
    ----------
    before_is_newer : bool
        Where the cursor ``before`` leads; see `BTCMarketsRequests`.
    """

    name = "btcmarkets"
    pairs = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")
    intervals = WINDOWS
    socket_home = "/v2"
    beat_s = 5.0
    idle_s = 60.0
    limit = (150, 10.0)

    def __init__(self, before_is_newer: bool = True) -> None:
        self._requests = BTCMarketsRequests(lambda: self.venue, before_is_newer)

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return those of REST v3."""
        return self._requests.routes()

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return an error with a code."""
        answer = no(_STATUS_CODES.get(status, "ServerError"), "not now", status)
        if retry_after_s:
            answer.headers["Retry-After"] = f"{retry_after_s:g}"
        return answer

    @property
    def socket_paths(self) -> Sequence[str]:
        """Return the one there is."""
        return (self.socket_home,)

    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Read a subscription: all of it, or nothing where one name is unknown."""
        try:
            asked = json.loads(text)
        except ValueError:
            return [_error(_INVALID_INPUT, "invalid json")]
        if not isinstance(asked, dict) or asked.get("messageType") not in _VERBS:
            return [_error(_INVALID_INPUT, "invalid message type")]
        markets, channels = asked.get("marketIds", []), asked.get("channels", [])
        if any(self.venue.market(pair) is None for pair in markets):
            return [_error(_INVALID_INPUT, "invalid marketIds")]
        if any(channel not in _TOPICS and channel not in _PRIVATE for channel in channels):
            return [_error(_INVALID_INPUT, "invalid channels")]
        if _PRIVATE & set(channels) and not _may_listen(asked):
            return [_error(_AUTHENTICATION, "invalid authentication")]
        wanted = _subscriptions(markets, channels)
        if asked["messageType"] == "removeSubscription":
            ear.subscriptions -= wanted
            return []
        if asked["messageType"] == "subscribe":
            ear.subscriptions.clear()
        ear.subscriptions |= wanted
        return [self._snapshot(one.pair) for one in wanted if one.topic is Topic.BOOK]

    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Tell one trade."""
        market = self.venue.truth.markets[trade.pair]
        return [
            {
                "marketId": trade.pair,
                "timestamp": _millis(trade.time),
                "tradeId": trade.id,
                "price": market.price_text(trade.price, padded=False),
                "volume": market.units_text(trade.units, padded=False),
                "side": "Bid" if trade.side > 0 else "Ask",
                "messageType": "trade",
            }
        ]

    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Tell the levels that changed, with the checksum of the book after them."""
        market = self.venue.truth.markets[wanted.pair]
        levels = delta.levels
        view = self.venue.book(wanted.pair).view(10)
        return [
            {
                "marketId": wanted.pair,
                "timestamp": _millis(delta.time),
                "snapshotId": delta.time // 1_000,
                "bids": [_level(market, level) for level in levels if level.bid],
                "asks": [_level(market, level) for level in levels if not level.bid],
                "messageType": "orderbookUpdate",
                "checksum": str(checksum(market, view) ^ (not right)),
            }
        ]

    def early(self, ear: Ear, wanted: Subscription, delta: Delta) -> list[object]:
        """Tell a change again: its number is below the snapshot's, or the snapshot's own."""
        return self.delta(ear, wanted, delta, right=True)

    def ticker(self, ear: Ear, pair: str) -> list[object]:
        """Tell the fields of a ticker and the book's number."""
        told = ticker(self.venue, self.venue.truth.markets[pair])
        snapshot = self.venue.book(pair).view(0).time // 1_000
        return [{**told, "snapshotId": snapshot, "messageType": "tick"}]

    def beat(self, ear: Ear) -> list[object]:
        """Tell what is subscribed to, where heartbeats are."""
        if not any(one.topic is Topic.BEAT for one in ear.subscriptions):
            return []
        heard: dict[str, list[str]] = {}
        for one in sorted(ear.subscriptions, key=lambda one: (one.topic.value, one.pair)):
            if one.pair:
                heard.setdefault(_CHANNELS[one.topic], []).append(one.pair)
        channels = [{"name": name, "marketIds": pairs} for name, pairs in heard.items()]
        return [{"messageType": "heartbeat", "channels": channels}]

    def _snapshot(self, pair: str) -> Say:
        market, view = self.venue.truth.markets[pair], self.venue.book(pair).view()
        told = {
            "marketId": pair,
            "snapshot": True,
            "timestamp": _millis(view.time),
            "snapshotId": view.time // 1_000,
            "bids": [_level(market, Level(True, *level)) for level in view.bids],
            "asks": [_level(market, Level(False, *level)) for level in view.asks],
            "channel": "orderbookUpdate",
            "messageType": "orderbookUpdate",
        }
        return Say(told, Topic.BOOK, pair, snapshot=True)


def checksum(market: TrueMarket, view: BookView) -> int:
    """Return the CRC32 of the best ten bids and asks, without points and leading zeros."""
    digits = []
    for price, units in view.bids[:10] + view.asks[:10]:
        for text in (market.price_text(price, False), market.units_text(units, False)):
            digits.append(text.replace(".", "").lstrip("0"))
    return zlib.crc32("".join(digits).encode())


def _level(market: TrueMarket, level: Level) -> list[object]:
    if not level.units:
        return [market.price_text(level.price, False), "0", 0]
    units = market.units_text(level.units, False)
    return [market.price_text(level.price, False), units, 1 + level.units % 3]


def _subscriptions(markets: list[str], channels: list[str]) -> set[Subscription]:
    wanted = set()
    for channel in channels:
        if channel == "heartbeat":
            wanted.add(Subscription(Topic.BEAT))
        elif channel in _TOPICS:
            wanted |= {Subscription(_TOPICS[channel], pair) for pair in markets}
    return wanted


def _may_listen(asked: dict[str, Any]) -> bool:
    text = f"{SOCKET_PATH}\n{asked.get('timestamp')}"
    return asked.get("key") == KEY and is_signed(text, asked.get("signature"))


def _error(code: int, message: str) -> Say:
    return Say({"messageType": "error", "code": code, "message": message})


def _millis(time_ns: int) -> str:
    return f"{micros(time_ns)[:-4]}Z"
