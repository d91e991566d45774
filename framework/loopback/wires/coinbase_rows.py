"""How Coinbase writes markets, candles, trades and books: decimals as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framework.loopback.order_book import Level
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade
from framework.loopback.wires.asking import iso
from framework.types import SECOND_NS


def book_event(
    kind: str, market: TrueMarket, levels: Sequence[Level], time_ns: int
) -> dict[str, Any]:
    """Return one event of ``l2_data``."""
    updates = [
        {
            "side": "bid" if level.bid else "offer",
            "event_time": iso(time_ns),
            "price_level": market.price_text(level.price, padded=False),
            "new_quantity": market.units_text(level.units, padded=False),
        }
        for level in levels
    ]
    return {"type": kind, "product_id": market.pair, "updates": updates}


def candle_row(market: TrueMarket, candle: TrueCandle) -> dict[str, str]:
    """Return one candle."""
    return {
        "start": str(candle.time // SECOND_NS),
        "low": market.price_text(candle.low, padded=False),
        "high": market.price_text(candle.high, padded=False),
        "open": market.price_text(candle.open, padded=False),
        "close": market.price_text(candle.close, padded=False),
        "volume": market.units_text(candle.volume, padded=False),
    }


def trade_row(market: TrueMarket, trade: TrueTrade) -> dict[str, str]:
    """Return one trade, as requests and the socket tell it."""
    return {
        "trade_id": str(trade.id),
        "product_id": market.pair,
        "price": market.price_text(trade.price, padded=False),
        "size": market.units_text(trade.units, padded=False),
        "time": iso(trade.time),
        "side": "SELL" if trade.side > 0 else "BUY",  # of who rested in the book
    }


def product_row(market: TrueMarket) -> dict[str, Any]:
    """Return one market of ``products``."""
    return {
        "product_id": market.pair,
        "base_increment": market.units_text(1),
        "quote_increment": market.price_text(1),
        "price_increment": market.price_text(1),
        "base_min_size": market.units_text(1),
        "base_max_size": "3400",
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_name": market.base,
        "quote_name": market.quote,
        "status": "online",
        "is_disabled": False,
        "trading_disabled": False,
        "view_only": False,
        "product_type": "SPOT",
        "base_currency_id": market.base,
        "quote_currency_id": market.quote,
        "alias": "",
        "alias_to": [],
    }
