"""What an account at BTC Markets holds and did, as the exchange tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.exchange.btcmarkets_values import id_of, side_of
from framework.exchange.wire_values import served_number_of, text_of
from framework.exchange.written_values import iso_time_of


@dataclass(frozen=True, slots=True)
class Balance:
    """What is held of one asset.

    Parameters
    ----------
    asset : str
    total, available, locked : float
        Units of it; locked ones are promised to orders.
    """

    asset: str
    total: float
    available: float
    locked: float


@dataclass(frozen=True, slots=True)
class FeeRates:
    """What the owner pays in one market.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    maker_bps, taker_bps : float
        Of the value; negative: rebate.
    """

    pair: str
    maker_bps: float
    taker_bps: float


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One order as the exchange has it.

    Parameters
    ----------
    id : str
    client_id : str
        Its owner's name of it, or empty.
    pair : str
        ``BASE-QUOTE``.
    time : int
        Of its making, UTC ns.
    side : int
        1: buy, -1: sell.
    kind, status : str
        In the exchange's words, such as ``Limit`` and ``Partially Matched``.
    price : float
        Quote currency; NaN: it has none.
    units, open_units : float
        Base currency.
    """

    id: str
    client_id: str
    pair: str
    time: int
    side: int
    kind: str
    status: str
    price: float
    units: float
    open_units: float


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """One fill of an order.

    Parameters
    ----------
    id, order_id : str
    pair : str
        ``BASE-QUOTE``.
    time : int
        UTC ns.
    side : int
        1: bought, -1: sold.
    price : float
        Quote currency.
    units : float
        Base currency.
    fee : float
        As told: quote currency in AUD markets.
    maker : bool
        Whether the order rested in the book.
    """

    id: str
    order_id: str
    pair: str
    time: int
    side: int
    price: float
    units: float
    fee: float
    maker: bool


def balance_of(entry: dict[str, Any]) -> Balance:
    """Return a balance."""
    total, available, locked = (
        served_number_of(entry.get(key)) for key in ("balance", "available", "locked")
    )
    return Balance(text_of(entry.get("assetName")), total, available, locked)


def fees_of(entry: dict[str, Any]) -> FeeRates:
    """Return the rates of one market."""
    maker, taker = (served_number_of(entry.get(key)) for key in ("makerFeeRate", "takerFeeRate"))
    # Rates have at most eight decimals; a product of floats would show more.
    return FeeRates(text_of(entry.get("marketId")), round(maker * 1e4, 6), round(taker * 1e4, 6))


def order_of(entry: dict[str, Any]) -> OwnOrder:
    """Return an order."""
    return OwnOrder(
        id_of(entry.get("orderId")),
        str(entry.get("clientOrderId") or ""),
        text_of(entry.get("marketId")),
        iso_time_of(entry.get("creationTime")),
        side_of(entry.get("side")),
        text_of(entry.get("type")),
        text_of(entry.get("status")),
        served_number_of(entry.get("price", "nan")),
        served_number_of(entry.get("amount")),
        served_number_of(entry.get("openAmount")),
    )


def own_trade_of(entry: dict[str, Any]) -> OwnTrade:
    """Return a fill."""
    return OwnTrade(
        id_of(entry.get("id")),
        id_of(entry.get("orderId")),
        text_of(entry.get("marketId")),
        iso_time_of(entry.get("timestamp")),
        side_of(entry.get("side")),
        served_number_of(entry.get("price")),
        served_number_of(entry.get("amount")),
        served_number_of(entry.get("fee")),
        entry.get("liquidityType") == "Maker",
    )
