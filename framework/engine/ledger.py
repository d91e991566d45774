"""Write events; the caller has made room for a bar's worth of them."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.state import Ledger, Record
from framework.records import Kind, OrderType, Reason

_DECIDED, _FILLED = constant(Kind.DECIDED), constant(Kind.FILLED)
_VETOED, _CHARGED = constant(Kind.VETOED), constant(Kind.CHARGED)
_MARKET, _BORROW = constant(OrderType.MARKET), constant(Reason.BORROW)

EVENTS_PER_PAIR = 40
"""More than one bar can write for one pair: fills, each target, a stop, ends, decisions, a veto."""


@compiled
def write_decided(
    ledger: Ledger, time: int, n: int, order: Record, price: float, units: float
) -> None:
    """An order was decided at `price`; `units` is 0 when it is sized in quote currency."""
    _write(ledger, time, n, order, _DECIDED, order.reason, units, order.quote, price, 0.0, 0.0)


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
    _write(ledger, time, n, order, _FILLED, order.reason, units, value, price, fee, slippage)


@compiled
def write_ended(
    ledger: Ledger, time: int, n: int, order: Record, kind: int, reason: int, price: float
) -> None:
    """What was left of an order was cancelled, or expired, for `reason`."""
    _write(ledger, time, n, order, kind, reason, order.units, order.quote, price, 0.0, 0.0)


@compiled
def write_charged(
    ledger: Ledger, time: int, n: int, order: Record, units: float, amount: float
) -> None:
    """What was owed for `units` borrowed was paid when an order gave them back."""
    _write(ledger, time, n, order, _CHARGED, _BORROW, units, amount, 0.0, 0.0, 0.0)


@compiled
def _write(
    ledger: Ledger,
    time: int,
    n: int,
    order: Record,
    kind: int,
    reason: int,
    units: float,
    quote: float,
    price: float,
    fee: float,
    slippage: float,
) -> None:
    """Write what happened to an order."""
    event = ledger.events_E[ledger.count_1[0]]
    ledger.count_1[0] += 1
    event.time = time
    event.order = order.id
    event.pair = n
    event.kind = kind
    event.side = order.side
    event.type = order.type
    event.reason = reason
    event.units = units
    event.quote = quote
    event.price = price
    event.fee = fee
    event.slippage = slippage
    event.confidence = order.confidence


@compiled
def write_vetoed(
    ledger: Ledger,
    time: int,
    n: int,
    side: int,
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
    event.side = side
    event.type = _MARKET
    event.reason = reason
    event.units = 0.0
    event.quote = quote
    event.price = price
    event.fee = 0.0
    event.slippage = 0.0
    event.confidence = confidence
