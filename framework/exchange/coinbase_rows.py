"""What Coinbase's answers to requests say.

https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.exchange.coinbase_frames import trade_of
from framework.exchange.connection import MarketInfo
from framework.exchange.wire_values import (
    Ohlcv,
    dict_of,
    list_of,
    moment_of,
    open_time_of,
    served_ohlcv_of,
    text_of,
    units_of,
)
from framework.exchange.written_values import whole_of
from framework.market.candles import COLUMNS
from framework.market.live import Trade
from framework.market.rules import MarketRules
from framework.types import SECOND_NS, Interval

GRANULARITIES = {
    "1m": "ONE_MINUTE",
    "5m": "FIVE_MINUTE",
    "15m": "FIFTEEN_MINUTE",
    "30m": "THIRTY_MINUTE",
    "1h": "ONE_HOUR",
    "2h": "TWO_HOUR",
    "6h": "SIX_HOUR",
    "1d": "ONE_DAY",
}
"""Intervals of candles as requests name them."""


def time_in(answer: object) -> int:
    """Return the time of an answer to ``time``, UTC ns."""
    return moment_of(whole_of(dict_of(answer).get("epochMillis")))


def markets_in(answer: object) -> dict[str, MarketInfo]:
    """Return the spot markets of an answer to ``market/products`` by pair."""
    markets = {}
    for row in map(dict_of, list_of(dict_of(answer).get("products"))):
        if row.get("product_type", "SPOT") != "SPOT":
            continue
        pair = text_of(row.get("product_id"))
        rules = MarketRules(
            lot_step=_rule(row, "base_increment"),
            tick_size=_rule(row, "price_increment") or _rule(row, "quote_increment"),
            min_notional=_rule(row, "quote_min_size"),
        )
        shut = any(row.get(flag) is True for flag in ("trading_disabled", "is_disabled"))
        online = row.get("status", "online") == "online" and not shut
        markets[pair] = MarketInfo(pair, online, rules)
    return markets


def candles_in(interval: Interval, answer: object) -> dict[int, Ohlcv]:
    """Return the candles of an answer to ``candles`` by open time, values as they were served."""
    return {
        open_time_of(whole_of(row.get("start")), interval, SECOND_NS): served_ohlcv_of(
            [row.get(name) for name in COLUMNS]
        )
        for row in map(dict_of, list_of(dict_of(answer).get("candles")))
    }


def trades_in(answer: object) -> list[Trade]:
    """Return the trades of an answer to ``ticker``, in the order in which they were served."""
    return [trade_of(row) for row in list_of(dict_of(answer).get("trades"))]


def _rule(row: Mapping[str, Any], name: str) -> float:
    """Return a rule of a market; markets that are shut may have none."""
    return units_of(row[name]) if row.get(name) else 0.0
