"""Binance's protocol, spot: REST v3 and raw streams.

Facts: developers.binance.com/docs/binance-spot-api-docs, and what ccxt 4.5.90 reads. A symbol that
is not known is refused in requests; a stream of it is confirmed and never heard of. Trades and
their aggregates have ids of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from framework.loopback.order_book import Delta
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade
from framework.loopback.wire import Answer, Ear, Handler, Say, Subscription, Topic, Wire
from framework.loopback.wires.asking import (
    Asked,
    Declined,
    answering,
    first_candles,
    first_trades,
    last_candles,
    last_trades,
    whole,
)
from framework.loopback.wires.binance_rows import (
    AGGREGATE_SHIFT,
    aggregate_row,
    kline_row,
    level_row,
    price_text,
    symbol,
    symbol_row,
    trade_row,
    units_text,
)
from framework.types import MS_NS, Interval

_UPDATE_SHIFT = 40_000_000_000  # of the ids of book updates: none is near 0
_NO_END = 1 << 62


class BinanceWire(Wire):
    """Binance."""

    name = "binance"
    pairs = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "ADA-USDT", "XRP-USDT")
    intervals = (
        *("1s", "1m", "3m", "5m", "15m", "30m"),
        *("1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w"),
    )
    quiet_candles = True
    ping_s = 20.0
    limit = (3_000, 60.0)  # of a weight of 2 each, as most have

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return the public requests."""
        calls = {
            "ping": lambda asked: {},
            "time": lambda asked: {"serverTime": self.venue.now_ns() // MS_NS},
            "exchangeInfo": self._exchange_info,
            "klines": self._klines,
            "trades": self._newest_trades,
            "historicalTrades": self._historical_trades,
            "aggTrades": self._aggregates,
            "depth": self._depth,
        }
        return [("GET", f"/api/v3/{path}", answering(call)) for path, call in calls.items()]

    def refusal(self, status: int, retry_after_s: float) -> Answer:
        """Return what is wrong, and how long to wait after too many requests."""
        if status == 404:
            text = "An unknown error occurred while processing the request."
            return _error(-1000, text, status)
        if status != 429:
            text = "Internal error; unable to process your request. Please try again."
            return _error(-1001, text, status)
        text = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
        answer = _error(-1003, text, status)
        answer.headers["Retry-After"] = f"{max(1.0, retry_after_s):.0f}"
        return answer

    # Requests

    def _exchange_info(self, asked: Asked) -> object:
        markets = [self._market(asked)] if "symbol" in asked else self.venue.markets()
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        return {
            "timezone": "UTC",
            "serverTime": self.venue.now_ns() // MS_NS,
            "rateLimits": [{**limit, "limit": 6000}],
            "exchangeFilters": [],
            "symbols": [symbol_row(market) for market in markets],
        }

    def _klines(self, asked: Asked) -> object:
        market, count = self._market(asked), self._limit(asked)
        if asked.get("interval") not in self.intervals:
            raise Declined(_error(-1120, "Invalid interval."))
        interval = Interval.parse(asked["interval"])
        start, end = self._span(asked)
        page = last_candles if start is None else first_candles
        found = page(self.venue, market.pair, interval, start or 0, end, count)
        rows = [kline_row(market, candle, interval) for candle in found]
        return self.venue.paged(rows, newest_first=False)

    def _newest_trades(self, asked: Asked) -> object:
        market = self._market(asked)
        found = self.venue.newest_trades(market.pair, self._limit(asked))
        return self.venue.paged((trade_row(market, t) for t in found), newest_first=False)

    def _historical_trades(self, asked: Asked) -> object:
        if "fromId" not in asked:
            return self._newest_trades(asked)
        market = self._market(asked)
        found = self._from_id(market, whole(asked, "fromId", 0, _WRONG), self._limit(asked))
        return self.venue.paged((trade_row(market, t) for t in found), newest_first=False)

    def _aggregates(self, asked: Asked) -> object:
        market, count = self._market(asked), self._limit(asked)
        start, end = self._span(asked)
        if "fromId" in asked and start is not None:
            raise Declined(_error(-1128, "Combination of optional parameters invalid."))
        if "fromId" in asked:
            first = whole(asked, "fromId", 0, _WRONG) - AGGREGATE_SHIFT
            found: Any = self._from_id(market, first, count)
        elif start is None:
            found = last_trades(self.venue, market.pair, 0, end, count)
        else:
            found = first_trades(self.venue, market.pair, start, end, count)
        return self.venue.paged((aggregate_row(market, t) for t in found), newest_first=False)

    def _from_id(self, market: TrueMarket, first_id: int, count: int) -> list[TrueTrade]:
        """Return `count` trades from an id on."""
        start_ns = self.venue.truth.not_after(first_id)
        # Those of the same span of time that come before the id are on top of what is asked for.
        found = first_trades(self.venue, market.pair, start_ns, _NO_END, count + 10)
        return list(found.where(found.id >= first_id).where(slice(count)))

    def _depth(self, asked: Asked) -> object:
        market = self._market(asked)
        view = self.venue.book(market.pair).view(whole(asked, "limit", 100, _WRONG))
        return {
            "lastUpdateId": _UPDATE_SHIFT + 2 * view.last,
            "bids": [level_row(market, *level) for level in view.bids],
            "asks": [level_row(market, *level) for level in view.asks],
        }

    def _market(self, asked: Asked) -> TrueMarket:
        if not asked.get("symbol"):
            text = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            raise Declined(_error(-1102, text))
        for market in self.venue.markets():
            if symbol(market) == asked["symbol"]:
                return market
        raise Declined(_error(-1121, "Invalid symbol."))

    def _limit(self, asked: Asked) -> int:
        return max(1, min(1000, whole(asked, "limit", 500, _WRONG)))

    def _span(self, asked: Asked) -> tuple[int | None, int]:
        """Return the first moment, if one was given, and that after the last, UTC ns."""
        start_ms = whole(asked, "startTime", -1, _WRONG)
        last_ms = whole(asked, "endTime", -1, _WRONG)
        end_ns = _NO_END if last_ms < 0 else (last_ms + 1) * MS_NS
        return (None if start_ms < 0 else start_ms * MS_NS), end_ns

    # Sockets

    @property
    def socket_paths(self) -> Sequence[str]:
        """Return the path of raw streams; what follows is a stream's name, or of no matter."""
        return ("/ws", "/ws/{stream}")

    def opened(self, ear: Ear) -> list[Say]:
        """Listen to what the path names."""
        named = ear.path.rpartition("/")[2]
        self._listen(ear, [named] if "@" in named else [], True)
        return []

    def heard(self, ear: Ear, text: str) -> list[Say]:
        """Follow SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
        try:
            asked = json.loads(text)
            method, number = asked["method"], asked.get("id")
            names = [str(name) for name in asked.get("params") or []]
        except (ValueError, KeyError, TypeError, AttributeError):
            return [Say({"error": {"code": 2, "msg": "Invalid request: invalid JSON"}})]
        if method == "LIST_SUBSCRIPTIONS":
            return [Say({"result": sorted(ear.kept.get("names", ())), "id": number})]
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            wrong = {"code": 2, "msg": f"Invalid request: unknown variant `{method}`"}
            return [Say({"error": wrong, "id": number})]
        wanted = self._listen(ear, names, method == "SUBSCRIBE")
        # A whole book is a request's answer; changes of before may still come after it.
        books = [one.pair for one in wanted if one.topic is Topic.BOOK]
        asked_for = [Say(None, Topic.BOOK, pair, snapshot=True) for pair in books]
        return [Say({"result": None, "id": number}), *asked_for]

    def trade(self, ear: Ear, trade: TrueTrade) -> list[object]:
        """Return a ``trade``, an ``aggTrade``, or both, as the streams listened to are."""
        market = self.venue.truth.markets[trade.pair]
        names = ear.kept.get("names", ())
        told: list[object] = []
        if f"{symbol(market).lower()}@trade" in names:
            told.append(
                {
                    **self._event("trade", market),
                    "t": trade.id,
                    "p": price_text(market, trade.price),
                    "q": units_text(market, trade.units),
                    "T": trade.time // MS_NS,
                    "m": trade.side < 0,
                    "M": True,
                }
            )
        if f"{symbol(market).lower()}@aggTrade" in names:
            told.append({**self._event("aggTrade", market), **aggregate_row(market, trade)})
        return told

    def delta(self, ear: Ear, wanted: Subscription, delta: Delta, right: bool) -> list[object]:
        """Return a ``depthUpdate``; a wrong one does not follow on the one before it."""
        # Two ids a level: a first id that is one too high is still no higher than the last.
        first = _UPDATE_SHIFT + 2 * delta.first - (1 if right else 0)
        return [self._depth_update(delta, wanted.pair, first)]

    def early(self, ear: Ear, wanted: Subscription, delta: Delta) -> list[object]:
        """Return an older ``depthUpdate``, as it was."""
        return [self._depth_update(delta, wanted.pair, _UPDATE_SHIFT + 2 * delta.first - 1)]

    def candle(
        self, ear: Ear, wanted: Subscription, candle: TrueCandle, closed: bool
    ) -> list[object]:
        """Return a ``kline``, which says whether it is closed."""
        market, interval = self.venue.truth.markets[wanted.pair], wanted.interval
        if interval is None:
            return []
        row = kline_row(market, candle, interval)
        names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
        kline = dict(zip(names, row, strict=True))
        told = {**kline, "s": symbol(market), "i": str(interval), "x": closed}
        return [{**self._event("kline", market), "k": told}]

    def _depth_update(self, delta: Delta, pair: str, first: int) -> object:
        market = self.venue.truth.markets[pair]
        return {
            **self._event("depthUpdate", market),
            "E": delta.time // MS_NS,  # also of one that is told again later
            "U": first,
            "u": _UPDATE_SHIFT + 2 * delta.last,
            "b": [level_row(market, at.price, at.units) for at in delta.levels if at.bid],
            "a": [level_row(market, at.price, at.units) for at in delta.levels if not at.bid],
        }

    def _event(self, kind: str, market: TrueMarket) -> dict[str, Any]:
        return {"e": kind, "E": self.venue.now_ns() // MS_NS, "s": symbol(market)}

    def _listen(self, ear: Ear, names: Sequence[str], on: bool) -> list[Subscription]:
        """Follow a (un)subscription; return what is listened to from now on."""
        known = ear.kept.setdefault("names", set())
        before = set(ear.subscriptions)
        (known.update if on else known.difference_update)(names)
        found = (self._subscription(name) for name in sorted(known))
        ear.subscriptions = {wanted for wanted in found if wanted is not None}
        return sorted(ear.subscriptions - before, key=lambda wanted: wanted.pair)

    def _subscription(self, name: str) -> Subscription | None:
        """Return what a stream's name means; None: nothing that is here."""
        asked, _, channel = name.partition("@")
        pair = next((m.pair for m in self.venue.markets() if symbol(m).lower() == asked), None)
        if pair is None:
            return None
        if channel in ("trade", "aggTrade"):
            return Subscription(Topic.TRADES, pair)
        if channel in ("depth", "depth@100ms", "depth@1000ms"):
            return Subscription(Topic.BOOK, pair)
        if channel.startswith("kline_") and (length := channel[6:]) in self.intervals:
            return Subscription(Topic.CANDLES, pair, Interval.parse(length))
        return None


def _error(code: int, text: str, status: int = 400) -> Answer:
    return Answer({"code": code, "msg": text}, status)


_WRONG = _error(-1100, "Illegal characters found in a parameter.")
