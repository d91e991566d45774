"""Coinbase: spot markets of Advanced Trade."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from framework.config.component import component
from framework.exchange.ccxt_exchange import CcxtExchange
from framework.exchange.coinbase_connection import CoinbaseConnection
from framework.types import Interval, parse_time


@component
class Coinbase(CcxtExchange):
    """Coinbase through ccxt, without keys; candles come from requests and trades only."""

    connection = CoinbaseConnection
    per_second = 8.0
    burst = 8.0
    intervals: ClassVar[tuple[Interval, ...]] = tuple(sorted(CoinbaseConnection.timeframes))
    begins: ClassVar[int] = parse_time("2015-01-01")

    name: str = "coinbase"
    """Name under which its candles are stored."""

    maker_fee_bps: float = Field(default=60.0, ge=-100, le=1_000)
    """Fee of an order that rested in the book, in basis points of its value; negative: rebate."""

    taker_fee_bps: NonNegativeFloat = Field(default=120.0, le=1_000)
    """Fee of an order that took from the book, in basis points of its value."""
