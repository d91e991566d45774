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
_NEVER = "1970-"  # how a snapshot stamps its levels
_SIDES = {"BUY": -1, "SELL": 1}  # of who rested in the book: the taker's is the other one


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels of one product: all of them, or those that changed."""

    pair: str
    whole: bool
    levels: list[Level]
    time: int
    """Of the last change, UTC ns; of the frame where the levels have none."""


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


def books_in(frame: Mapping[str, Any]) -> list[BookChange]:
    """Return the changes of a frame of ``l2_data``."""
    sent = iso_time_of(frame.get("timestamp"))
    return [_change(dict_of(event), sent) for event in list_of(frame.get("events"))]


def _change(event: dict[str, Any], sent: int) -> BookChange:
    kind = event.get("type")
    if kind not in ("snapshot", "update"):
        raise Unreadable(f"type of a book's event {str(kind)[:40]}")
    updates = [dict_of(row) for row in list_of(event.get("updates"))]
    levels = [_level(row) for row in updates]
    stamps = {text_of(row["event_time"]) for row in updates if "event_time" in row}
    known = [iso_time_of(stamp) for stamp in stamps if not stamp.startswith(_NEVER)]
    time = max(known, default=sent)
    return BookChange(text_of(event.get("product_id")), kind == "snapshot", levels, time)


def _level(row: dict[str, Any]) -> Level:
    bid = _BID.get(text_of(row.get("side")))
    if bid is None:
        raise Unreadable(f"side {row['side'][:40]!r}")
    return bid, written_price(row.get("price_level")), written_units(row.get("new_quantity"))
