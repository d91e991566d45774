"""Bitvavo."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from framework.config.component import component
from framework.exchange.bitvavo_connection import BitvavoConnection
from framework.exchange.ccxt_connection import CcxtConnection
from framework.exchange.ccxt_exchange import CcxtExchange
from framework.types import parse_time


@component
class Bitvavo(CcxtExchange):
    """Bitvavo's market."""

    connection: ClassVar[type[CcxtConnection]] = BitvavoConnection
    intervals: ClassVar = tuple(BitvavoConnection.timeframes)
    begins: ClassVar[int] = parse_time("2019-03-01")
    per_second: ClassVar[float] = 12.0  # of 1,000 a minute, with the burst
    burst: ClassVar[float] = 200.0

    name: str = "bitvavo"
    """Name under which its candles are stored."""

    maker_fee_bps: float = Field(default=20.0, ge=-100, le=1_000)
    """Fee of an order that rested in the book, in basis points of its value."""

    taker_fee_bps: NonNegativeFloat = Field(default=25.0, le=1_000)
    """Fee of an order that took from the book, in basis points of its value."""

    symbols: tuple[str, ...] = ("BTC-EUR", "ETH-EUR", "SOL-EUR", "ADA-EUR", "XRP-EUR")
    """Pairs traded when the configuration names none, ``BASE-QUOTE`` each."""
