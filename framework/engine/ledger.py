"""Write events; the caller has made room for a bar's worth of them."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.state import Ledger, Record
from framework.records import Kind

_DECIDED, _FILLED = int(Kind.DECIDED), int(Kind.FILLED)
_CANCELLED, _VETOED = int(Kind.CANCELLED), int(Kind.VETOED)

EVENTS_PER_PAIR = 16
"""More than one bar can write for one pair: fills, an exit, a cancellation, a decision, a veto."""


@compiled
def write_decided(
    ledger: Ledger, time: int, n: int, order: Record, price: float, units: float
) -> None:
    """An order was decided at `price`; `units` is 0 when it is sized in quote currency."""
    event = ledger.events_E[ledger.count_1[0]]
    ledger.count_1[0] += 1
    event.time = time
    event.order = order.id
    event.pair = n
    event.kind = _DECIDED
    event.side = order.side
    event.type = order.type
    event.reason = order.reason
    event.units = units
    event.quote = order.quote
    event.price = price
    event.fee = 0.0
    event.slippage = 0.0
    event.confidence = order.confidence


@compiled
def write_filled(
    ledger: Ledger,
    time: int,
    n: int,
    order: Record,
    units: float,
    value: float,
    price: float,
    fee: float,
    slippage: float,
) -> None:
    """A part of an order, or all of it, was filled."""
    event = ledger.events_E[ledger.count_1[0]]
    ledger.count_1[0] += 1
    event.time = time
    event.order = order.id
    event.pair = n
    event.kind = _FILLED
    event.side = order.side
    event.type = order.type
    event.reason = order.reason
    event.units = units
    event.quote = value
    event.price = price
    event.fee = fee
    event.slippage = slippage
    event.confidence = order.confidence


@compiled
def write_cancelled(
    ledger: Ledger, time: int, n: int, order: Record, reason: int, price: float
) -> None:
    """What was left of an order was cancelled for `reason`."""
    event = ledger.events_E[ledger.count_1[0]]
    ledger.count_1[0] += 1
    event.time = time
    event.order = order.id
    event.pair = n
    event.kind = _CANCELLED
    event.side = order.side
    event.type = order.type
    event.reason = reason
    event.units = order.units
    event.quote = order.quote
    event.price = price
    event.fee = 0.0
    event.slippage = 0.0
    event.confidence = order.confidence


@compiled
def write_vetoed(
    ledger: Ledger,
    time: int,
    n: int,
    order_type: int,
    reason: int,
    quote: float,
    price: float,
    confidence: float,
) -> None:
    """An entry was wanted, and `reason` forbade it."""
    event = ledger.events_E[ledger.count_1[0]]
    ledger.count_1[0] += 1
    event.time = time
    event.order = 0
    event.pair = n
    event.kind = _VETOED
    event.side = 1
    event.type = order_type
    event.reason = reason
    event.units = 0.0
    event.quote = quote
    event.price = price
    event.fee = 0.0
    event.slippage = 0.0
    event.confidence = confidence
