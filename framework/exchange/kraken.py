"""Kraken: spot markets against dollars, euros and more."""

from __future__ import annotations

from typing import ClassVar, Literal, cast

from pydantic import Field, NonNegativeFloat

from framework.config.component import component
from framework.exchange.ccxt_exchange import CcxtExchange
from framework.exchange.kraken_connection import KrakenConnection
from framework.interfaces import Clock
from framework.types import Interval, parse_time


@component
class Kraken(CcxtExchange):
    """Kraken through ccxt: only the newest 720 candles, and all trades there ever were."""

    connection = KrakenConnection
    per_second = 1.0
    burst = 3.0
    intervals: ClassVar[tuple[Interval, ...]] = tuple(sorted(KrakenConnection.timeframes))
    begins: ClassVar[int] = parse_time("2013-09-10")

    name: str = "kraken"
    """Name under which its candles are stored."""

    maker_fee_bps: float = Field(default=25.0, ge=-100, le=1_000)
    """Fee of an order that rested in the book, in basis points of its value; negative: rebate."""

    taker_fee_bps: NonNegativeFloat = Field(default=40.0, le=1_000)
    """Fee of an order that took from the book, in basis points of its value."""

    book_levels: Literal[10, 25, 100, 500, 1000] = 10
    """Levels of each side of order books listened to; the exchange vouches for the best ten."""

    def connect(self, clock: Clock) -> KrakenConnection:
        """Return a way to the exchange, to be used in the event loop that runs now."""
        made = cast(KrakenConnection, super().connect(clock))
        made.book_levels = self.book_levels
        return made
