"""What the frames of Coinbase's Advanced Trade socket say.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.exchange.coinbase_book import Level
from framework.exchange.wire_values import (
    Unreadable,
    dict_of,
    list_of,
    price_of,
    text_of,
    traded_units_of,
)
from framework.exchange.written_values import iso_time_of, written_price, written_units
from framework.market.live import Trade

_BID = {"bid": True, "offer": False}
_SIDES = {"BUY": -1, "SELL": 1}  # of who rested in the book: the taker's is the other one


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels of one product: all of them, or those that changed."""

    pair: str
    whole: bool
    levels: list[Level]
    time: int
    """Of the frame, UTC ns."""


def trades_in(frame: Mapping[str, Any]) -> list[Trade]:
    """Return the trades of a frame of ``market_trades``, in the order in which they came."""
    return [
        trade_of(row)
        for event in map(dict_of, list_of(frame.get("events")))
        for row in list_of(event.get("trades"))
    ]


def trade_of(value: object) -> Trade:
    """Return one trade as the socket and the answers to requests write it."""
    row = dict_of(value)
    side = _SIDES.get(text_of(row.get("side")))
    if side is None:
        raise Unreadable(f"side {row['side'][:40]!r}")
    return Trade(
        text_of(row.get("product_id")),
        text_of(row.get("trade_id")),
        iso_time_of(row.get("time")),
        price_of(row.get("price")),
        traded_units_of(row.get("size")),
        side,
    )


def in_order(trade: Trade) -> tuple[int, int, str]:
    """Return what trades are sorted by: time, then number."""
    return trade.time, len(trade.id), trade.id


def books_in(frame: Mapping[str, Any]) -> list[BookChange]:
    """Return the changes of a frame of ``l2_data``."""
    time = iso_time_of(frame.get("timestamp"))
    return [_change(dict_of(event), time) for event in list_of(frame.get("events"))]


def _change(event: dict[str, Any], time: int) -> BookChange:
    kind = event.get("type")
    if kind not in ("snapshot", "update"):
        raise Unreadable(f"type of a book's event {str(kind)[:40]}")
    levels = [_level(row) for row in list_of(event.get("updates"))]
    return BookChange(text_of(event.get("product_id")), kind == "snapshot", levels, time)


def _level(value: object) -> Level:
    row = dict_of(value)
    bid = _BID.get(text_of(row.get("side")))
    if bid is None:
        raise Unreadable(f"side {row['side'][:40]!r}")
    return bid, written_price(row.get("price_level")), written_units(row.get("new_quantity"))
