"""A live exchange in memory: a made market, and answers bent to order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from framework.config.component import component
from framework.errors import UserError, did_you_mean
from framework.exchange.connection import Connection, MarketInfo, Offers
from framework.exchange.live_exchange import LiveExchange
from framework.market.live import Trade
from framework.market.rows import CandleRows
from framework.market.rules import MarketRules
from framework.types import SECOND_NS, Interval, parse_time

MINUTE = Interval.parse("1m")
OFFERS = Offers(
    candle_stream=False,
    says_closed=False,
    quiet_candles=False,
    trade_history=False,
    candle_page=100,
    oldest_candles=None,
    silence_s=15.0,
)


def market(pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
    """Return candles whose values follow from their time."""
    time = np.arange(interval.ceil(start_ns), interval.ceil(end_ns), interval.ns, dtype=np.int64)
    minute = (time // MINUTE.ns).astype(np.float64)
    open_ = 100 + minute % 7
    close = 100 + (minute + 1) % 7
    return CandleRows(
        pair,
        time,
        open_,
        np.maximum(open_, close) + 1,
        np.minimum(open_, close) - 1,
        close,
        1 + minute % 5,
    )


@dataclass
class World:
    """What is outside: the exchange's clock, what it changes of its answers, what it was asked."""

    now_ns: int = parse_time("2026-01-10T12:00:30")
    offers: Offers = OFFERS
    pairs: tuple[str, ...] = ("BTC-AUD", "ETH-AUD")
    tick_size: float = 0.01
    answers: list[Callable[[CandleRows], CandleRows]] = field(default_factory=list)
    always: Callable[[CandleRows], CandleRows] = lambda rows: rows
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    opened: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def ranges(self, pair: str = "BTC-AUD") -> list[tuple[int, int]]:
        """Return the ranges of candles that were asked for."""
        return [(start, end) for what, of, start, end in self.asked if (what, of) == ("c", pair)]


class MadeConnection(Connection):
    """Talks to the world at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.offers = world.offers
        self.books: dict[str, Any] = {}
        world.opened += 1

    async def time(self) -> int:
        """Return the world's time."""
        return self.world.now_ns

    async def markets(self) -> dict[str, MarketInfo]:
        """Return the pairs with rules."""
        rules = MarketRules(lot_step=1e-8, tick_size=self.world.tick_size, min_notional=10)
        return {pair: MarketInfo(pair, True, rules) for pair in self.world.pairs}

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the made market, the running candle with it, as the next answer bends it."""
        import asyncio

        world = self.world
        world.asked.append(("c", pair, start_ns, end_ns))
        world.at_once += 1
        world.most_at_once = max(world.most_at_once, world.at_once)
        await asyncio.sleep(0)
        world.at_once -= 1
        if pair not in world.pairs:
            raise UserError(f"pairs: no '{pair}'.{did_you_mean(pair, world.pairs)}")
        oldest = 0
        if world.offers.oldest_candles is not None:
            oldest = interval.floor(world.now_ns) - (world.offers.oldest_candles - 1) * interval.ns
        end_ns = min(end_ns, world.now_ns)
        rows = market(pair, interval, max(start_ns, oldest), end_ns)
        bend = world.answers.pop(0) if world.answers else world.always
        return bend(rows)

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return trades that make up the market's minutes: open, high, low and close."""
        self.world.asked.append(("t", pair, start_ns, end_ns))
        rows = market(pair, MINUTE, start_ns, end_ns)
        trades = []
        for time, *prices, volume in zip(
            rows.time.tolist(), rows.open, rows.high, rows.low, rows.close, rows.volume, strict=True
        ):
            for second, price in enumerate(prices):
                at = time + second * SECOND_NS
                trades.append(Trade(pair, str(at), at, float(price), float(volume) / 4, 1))
        return trades, start_ns

    async def listen(self, *_: Any) -> None:
        """Never be called."""
        raise AssertionError

    async def close(self) -> None:
        """Count it."""
        self.world.opened -= 1


@component
class MadeLive(LiveExchange):
    """The world as an exchange."""

    intervals: ClassVar[tuple[Interval, ...]] = tuple(map(Interval.parse, ("1m", "5m", "1h", "1d")))

    name: str = "made"
    symbols: tuple[str, ...] = ("BTC-AUD",)
    world: Any = None

    def connect(self, clock: Any) -> MadeConnection:
        """Return a connection to the world."""
        return MadeConnection(self.world)
