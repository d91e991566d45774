"""What Kraken's answers to requests say.

https://docs.kraken.com/api-reference/market-data
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.exchange.connection import MarketInfo
from framework.exchange.wire_values import (
    Ohlcv,
    Unreadable,
    counter_of,
    dict_of,
    list_of,
    open_time_of,
    price_of,
    served_ohlcv_of,
    text_of,
    traded_units_of,
    units_of,
)
from framework.exchange.written_values import unix_time_of, whole_of
from framework.market.live import Trade
from framework.market.rules import MarketRules
from framework.types import SECOND_NS, Interval

_NAMES = {"XBT": "BTC", "XDG": "DOGE"}  # as its requests name them, and as all the world does
_SIDES = {"b": 1, "s": -1}


@dataclass(frozen=True, slots=True)
class KrakenMarket:
    """One market as Kraken writes it.

    Parameters
    ----------
    id : str
        What requests call it, such as ``XXBTZUSD``.
    price_decimals, unit_decimals : int
        Of its numbers.
    info : MarketInfo
    """

    id: str
    price_decimals: int
    unit_decimals: int
    info: MarketInfo


def time_in(result: Mapping[str, Any]) -> int:
    """Return the time of an answer to ``Time``, UTC ns: whole seconds, so up to 1 s behind."""
    return unix_time_of(counter_of(result.get("unixtime")))


def markets_in(result: Mapping[str, Any]) -> dict[str, KrakenMarket]:
    """Return the markets of an answer to ``AssetPairs`` by pair."""
    markets = {}
    for name, value in result.items():
        row = dict_of(value)
        if "wsname" not in row:
            continue  # not traded in public
        base, _, quote = text_of(row["wsname"]).partition("/")
        pair = f"{_NAMES.get(base, base)}-{_NAMES.get(quote, quote)}"
        price_decimals = counter_of(row.get("pair_decimals"))
        unit_decimals = counter_of(row.get("lot_decimals"))
        rules = MarketRules(
            lot_step=units_of(f"1e-{unit_decimals}"),
            tick_size=units_of(row.get("tick_size", f"1e-{price_decimals}")),
            min_notional=units_of(row.get("costmin", "0")),
        )
        info = MarketInfo(pair, row.get("status", "online") == "online", rules)
        markets[pair] = KrakenMarket(name, price_decimals, unit_decimals, info)
    return markets


def candles_in(interval: Interval, result: Mapping[str, Any]) -> dict[int, Ohlcv]:
    """Return the candles of an answer to ``OHLC`` by open time, values as they were served."""
    return {
        open_time_of(row[0], interval, SECOND_NS): served_ohlcv_of([*row[1:5], row[6]])
        for row in _rows(result, 7)
    }


def trades_in(pair: str, result: Mapping[str, Any]) -> tuple[list[Trade], str]:
    """Return the trades of an answer to ``Trades``, and from where to go on."""
    trades = [
        Trade(
            pair,
            str(counter_of(row[6])),
            unix_time_of(row[2]),
            price_of(row[0]),
            traded_units_of(row[1]),
            _SIDES.get(text_of(row[3]), 0),
        )
        for row in _rows(result, 7)
    ]
    return trades, str(whole_of(result.get("last")))


def _rows(result: Mapping[str, Any], width: int) -> list[list[Any]]:
    """Return the rows under the only name beside ``last``: the market's."""
    names = [name for name in result if name != "last"]
    if len(names) != 1:
        raise Unreadable(f"rows of {len(names)} markets")
    found = [list_of(row) for row in list_of(result[names[0]])]
    if any(len(row) < width for row in found):
        raise Unreadable(f"a row of less than {width} values")
    return found
