"""Binance, spot."""

from __future__ import annotations

from typing import ClassVar

from framework.config.component import component
from framework.exchange.binance_connection import BinanceConnection
from framework.exchange.ccxt_connection import CcxtConnection
from framework.exchange.ccxt_exchange import CcxtExchange
from framework.types import parse_time


@component
class Binance(CcxtExchange):
    """Binance's spot market, or its test network."""

    connection: ClassVar[type[CcxtConnection]] = BinanceConnection
    intervals: ClassVar = tuple(BinanceConnection.timeframes)
    begins: ClassVar[int] = parse_time("2017-07-14")
    per_second: ClassVar[float] = 80.0  # of 6,000 a minute, with the burst
    burst: ClassVar[float] = 1_000.0

    name: str = "binance"
    """Name under which its candles are stored."""

    symbols: tuple[str, ...] = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "ADA-USDT", "XRP-USDT")
    """Pairs traded when the configuration names none, ``BASE-QUOTE`` each."""

    sandbox: bool = False
    """Use the spot test network, whose prices and trades are not the market's."""

    @property
    def in_sandbox(self) -> bool:
        """Whether the test network is meant."""
        return self.sandbox
