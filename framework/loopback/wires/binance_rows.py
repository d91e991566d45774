"""How Binance writes markets, candles, trades and levels: decimals of eight places, as text."""

from __future__ import annotations

from typing import Any

from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade, decimal_text
from framework.types import MS_NS, Interval

AGGREGATE_SHIFT = 1_000_000_000_000
"""Of the ids of aggregates from those of trades."""

_EIGHT = 8  # decimals


def symbol(market: TrueMarket) -> str:
    """Return a market as Binance calls it, such as ``BTCUSDT``."""
    return f"{market.base}{market.quote}"


def price_text(market: TrueMarket, ticks: int) -> str:
    """Return a price."""
    return decimal_text(ticks * 10 ** (_EIGHT - market.price_decimals), _EIGHT)


def units_text(market: TrueMarket, lots: int) -> str:
    """Return units."""
    return decimal_text(lots * 10 ** (_EIGHT - market.unit_decimals), _EIGHT)


def _value(market: TrueMarket, ticks: int, lots: int) -> str:
    decimals = market.price_decimals + market.unit_decimals
    return decimal_text(ticks * lots * 10**_EIGHT // 10**decimals, _EIGHT)


def level_row(market: TrueMarket, price: int, units: int) -> list[str]:
    """Return one level of a book."""
    return [price_text(market, price), units_text(market, units)]


def kline_row(market: TrueMarket, candle: TrueCandle, interval: Interval) -> list[Any]:
    """Return one row of ``klines``."""
    # The value is not known of a candle alone: all of it at its close is near enough.
    value = _value(market, candle.close, candle.volume)
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        candle.time // MS_NS,
        *(price_text(market, ticks) for ticks in prices),
        units_text(market, candle.volume),
        (candle.time + interval.ns) // MS_NS - 1,
        value,
        candle.trades,
        units_text(market, candle.volume // 2),
        _value(market, candle.close, candle.volume // 2),
        "0",
    ]


def trade_row(market: TrueMarket, trade: TrueTrade) -> dict[str, Any]:
    """Return one row of ``trades``."""
    return {
        "id": trade.id,
        "price": price_text(market, trade.price),
        "qty": units_text(market, trade.units),
        "quoteQty": _value(market, trade.price, trade.units),
        "time": trade.time // MS_NS,
        "isBuyerMaker": trade.side < 0,
        "isBestMatch": True,
    }


def aggregate_row(market: TrueMarket, trade: TrueTrade) -> dict[str, Any]:
    """Return one row of ``aggTrades``; each trade is an aggregate of its own."""
    return {
        "a": trade.id + AGGREGATE_SHIFT,
        "p": price_text(market, trade.price),
        "q": units_text(market, trade.units),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time // MS_NS,
        "m": trade.side < 0,
        "M": True,
    }


def symbol_row(market: TrueMarket) -> dict[str, Any]:
    """Return one market of ``exchangeInfo``."""
    tick, lot = price_text(market, 1), units_text(market, 1)
    price_filter = {"minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick}
    lot_filter = {"minQty": lot, "maxQty": "9000.00000000", "stepSize": lot}
    notional = {"minNotional": "5.00000000", "applyMinToMarket": True, "avgPriceMins": 5}
    return {
        "symbol": symbol(market),
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", **price_filter},
            {"filterType": "LOT_SIZE", **lot_filter},
            {"filterType": "NOTIONAL", **notional},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
