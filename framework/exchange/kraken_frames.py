"""What the frames of Kraken's socket v2 say.

https://docs.kraken.com/exchange/api-reference/spot-websocket-v2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.exchange.kraken_book import Level
from framework.exchange.wire_values import (
    Unreadable,
    counter_of,
    dict_of,
    list_of,
    ohlcv_of,
    opened_at,
    price_of,
    text_of,
    traded_units_of,
)
from framework.exchange.written_values import iso_time_of, written_price, written_units
from framework.market.candles import COLUMNS
from framework.market.live import Candle, Trade
from framework.types import Interval

_SIDES = {"buy": 1, "sell": -1}


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels of one pair: all of them, or those that changed.

    Parameters
    ----------
    pair : str
    whole : bool
        All levels, not changes.
    bids, asks : list of (str, str)
        Price and units as written.
    checksum : int
        Of the book after the change.
    time : int or None
        UTC ns; None: it is not told.
    """

    pair: str
    whole: bool
    bids: list[Level]
    asks: list[Level]
    checksum: int
    time: int | None


def trades_in(frame: Mapping[str, Any]) -> list[Trade]:
    """Return the trades of a frame of the channel ``trade``."""
    return [_trade(dict_of(row)) for row in list_of(frame.get("data"))]


def candles_in(frame: Mapping[str, Any], interval: Interval) -> list[Candle]:
    """Return the candles of a frame of the channel ``ohlc``."""
    return [_candle(dict_of(row), interval) for row in list_of(frame.get("data"))]


def books_in(frame: Mapping[str, Any]) -> list[BookChange]:
    """Return the changes of a frame of the channel ``book``."""
    kind = frame.get("type")
    if kind not in ("snapshot", "update"):
        raise Unreadable(f"type of a book's frame {str(kind)[:40]}")
    return [_change(dict_of(row), kind == "snapshot") for row in list_of(frame.get("data"))]


def pair_of_symbol(symbol: object) -> str:
    """Return ``BASE-QUOTE`` of the socket's ``BASE/QUOTE``."""
    return text_of(symbol).replace("/", "-")


def symbol_of(pair: str) -> str:
    """Return the socket's name of a pair."""
    return pair.replace("-", "/")


def _trade(row: dict[str, Any]) -> Trade:
    side = _SIDES.get(text_of(row.get("side")))
    if side is None:
        raise Unreadable(f"side {row['side'][:40]!r}")
    return Trade(
        pair_of_symbol(row.get("symbol")),
        str(counter_of(row.get("trade_id"))),
        iso_time_of(row.get("timestamp")),
        price_of(row.get("price")),
        traded_units_of(row.get("qty")),
        side,
    )


def _candle(row: dict[str, Any], interval: Interval) -> Candle:
    values = [row.get(name) for name in COLUMNS]
    return Candle(
        pair_of_symbol(row.get("symbol")),
        opened_at(iso_time_of(row.get("interval_begin")), interval),
        *ohlcv_of(values),
    )


def _change(row: dict[str, Any], whole: bool) -> BookChange:
    time = row.get("timestamp")
    return BookChange(
        pair_of_symbol(row.get("symbol")),
        whole,
        _levels(row.get("bids")),
        _levels(row.get("asks")),
        counter_of(row.get("checksum")),
        None if time is None else iso_time_of(time),
    )


def _levels(value: object) -> list[Level]:
    return [
        (written_price(level.get("price")), written_units(level.get("qty")))
        for level in map(dict_of, list_of(value))
    ]
