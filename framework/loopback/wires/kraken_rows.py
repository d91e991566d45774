"""How Kraken names its markets and writes what it says: texts in requests, numbers on the socket.

A market has four names: that of requests (``XXBTZUSD``), a short one (``XBTUSD``), that of the old
socket (``XBT/USD``) and that of the new one (``BTC/USD``).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from framework.loopback.order_book import BookView
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrade, decimal_text
from framework.loopback.wire import bare
from framework.loopback.wires.asking import iso
from framework.types import SECOND_NS, Interval

_OWN_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_COINS = frozenset({"XBT", "ETH", "XRP", "LTC", "XLM"})
_OLD_MONEY = frozenset({"USD", "EUR", "GBP", "CAD", "JPY", "AUD"})
_LONG_NAMED = frozenset({"USD", "EUR"})  # against which old coins have their long names


def asset_name(code: str) -> str:
    """Return a currency as in ``Assets``.

    Examples
    --------
    >>> asset_name("BTC"), asset_name("EUR"), asset_name("SOL")
    ('XXBT', 'ZEUR', 'SOL')
    """
    own = _OWN_NAMES.get(code, code)
    return f"X{own}" if own in _OLD_COINS else f"Z{own}" if own in _OLD_MONEY else own


def pair_names(pair: str) -> tuple[str, str, str, str]:
    """Return the names of a market: of requests, short, of the old and of the new socket.

    Examples
    --------
    >>> pair_names("BTC-USD")
    ('XXBTZUSD', 'XBTUSD', 'XBT/USD', 'BTC/USD')
    >>> pair_names("SOL-EUR")[0], pair_names("BTC-AUD")[0]
    ('SOLEUR', 'XBTAUD')
    """
    base, quote = pair.split("-")
    own = _OWN_NAMES.get(base, base)
    short = f"{own}{quote}"
    long_named = own in _OLD_COINS and quote in _LONG_NAMED
    name = f"{asset_name(base)}{asset_name(quote)}" if long_named else short
    return name, short, f"{own}/{quote}", f"{base}/{quote}"


def checksum(view: BookView) -> int:
    """Return the CRC32 of the best ten levels, asks first.

    Prices and units are written with the instrument's decimals, less the point and the zeros before
    them: that is their whole ticks and lots. Source: docs.kraken.com, guide "Book checksum (v2)".
    """
    levels = [*view.asks[:10], *view.bids[:10]]
    return zlib.crc32("".join(f"{price}{units}" for price, units in levels).encode())


def number(text: str) -> str:
    """Return a decimal as the socket writes numbers: without zeros at its end, but one."""
    return bare(text if "." in text else f"{text}.0")


def price_number(market: TrueMarket, ticks: int) -> str:
    """Return a price of the socket."""
    return number(market.price_text(ticks, padded=False))


def units_number(market: TrueMarket, lots: int) -> str:
    """Return units of the socket."""
    return number(market.units_text(lots, padded=False))


def level_numbers(market: TrueMarket, levels: Iterable[tuple[int, int]]) -> list[dict[str, str]]:
    """Return levels of a book of the socket."""
    return [
        {"price": price_number(market, price), "qty": units_number(market, units)}
        for price, units in levels
    ]


def trade_numbers(market: TrueMarket, trade: TrueTrade) -> dict[str, Any]:
    """Return one trade of the socket."""
    return {
        "symbol": pair_names(market.pair)[3],
        "side": "buy" if trade.side > 0 else "sell",
        "price": price_number(market, trade.price),
        "qty": units_number(market, trade.units),
        "ord_type": "market",
        "trade_id": trade.id,
        "timestamp": iso(trade.time),
    }


def candle_numbers(market: TrueMarket, candle: TrueCandle, interval: Interval) -> dict[str, Any]:
    """Return one candle of the socket."""
    prices = {
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "vwap": candle.close,
    }
    return {
        "symbol": pair_names(market.pair)[3],
        **{name: price_number(market, ticks) for name, ticks in prices.items()},
        "trades": candle.trades,
        "volume": units_number(market, candle.volume),
        "interval_begin": iso(candle.time),
        "interval": interval.ns // (60 * SECOND_NS),
        "timestamp": iso(candle.time + interval.ns),
    }


def instrument_numbers(market: TrueMarket) -> dict[str, Any]:
    """Return one market of the socket's ``instrument``."""
    return {
        "symbol": pair_names(market.pair)[3],
        "base": market.base,
        "quote": market.quote,
        "status": "online",
        "qty_precision": market.unit_decimals,
        "qty_increment": units_number(market, 1),
        "qty_min": units_number(market, 1),
        "price_precision": market.price_decimals,
        "price_increment": price_number(market, 1),
        "cost_precision": 5,
        "cost_min": number("0.5"),
        "marginable": False,
        "has_index": False,
    }


def candle_row(market: TrueMarket, candle: TrueCandle) -> list[Any]:
    """Return one row of ``OHLC``; the mean price by volume is about the close."""
    mean = candle.close if candle.trades else 0
    prices = (candle.open, candle.high, candle.low, candle.close, mean)
    texts = [market.price_text(ticks) for ticks in prices]
    return [candle.time // SECOND_NS, *texts, market.units_text(candle.volume), candle.trades]


def trade_row(market: TrueMarket, trade: TrueTrade) -> list[Any]:
    """Return one row of ``Trades``."""
    texts = [market.price_text(trade.price), market.units_text(trade.units)]
    time = bare(decimal_text(trade.time // 100, 7, padded=False))
    return [*texts, time, "b" if trade.side > 0 else "s", "m", "", trade.id]


def pair_row(market: TrueMarket) -> dict[str, Any]:
    """Return one market of ``AssetPairs``; fees in per cent."""
    _, short, old, _ = pair_names(market.pair)
    return {
        "altname": short,
        "wsname": old,
        "aclass_base": "currency",
        "base": asset_name(market.base),
        "aclass_quote": "currency",
        "quote": asset_name(market.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": market.price_decimals,
        "lot_decimals": market.unit_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.40]],
        "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD",
        "ordermin": market.units_text(1),
        "costmin": "0.5",
        "tick_size": market.price_text(1),
        "status": "online",
    }


def asset_row(code: str) -> dict[str, Any]:
    """Return one currency of ``Assets``."""
    own = _OWN_NAMES.get(code, code)
    digits = {"decimals": 10, "display_decimals": 5}
    return {"aclass": "currency", "altname": own, **digits, "status": "enabled"}
