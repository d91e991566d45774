"""How long a confirmed candle takes to its consumer, inside the process, at 50 pairs.

    python benchmarks/feed_latency.py [--pairs 50] [--seconds 60] [--trades 5]

A connection in memory says candles of one second: as an exchange whose socket says that they are
closed, and as one that is asked for each. The time is from the moment at which the connection hands
over what confirms a candle to the moment at which the consumer holds the event. All pairs close
together, so that the last of them waits for all others.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence

import numpy as np

from framework.exchange.connection import (
    Channel,
    Connection,
    Heard,
    HeardCandle,
    HeardTrade,
    Listening,
    MarketInfo,
    Offers,
)
from framework.feed.events import CandleClosed
from framework.feed.live_feed import LiveFeed
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.session.clock import WallClock
from framework.types import SECOND_NS, Interval

SECOND = Interval(SECOND_NS)
CLOCK = WallClock()


class Made(Connection):
    """Some trades of each pair in every second, one price, and their candles."""

    def __init__(self, says_closed: bool, per_second: int) -> None:
        self.offers = Offers(says_closed, says_closed, True, True, 1_000, None, 10.0)
        self.books = {}
        self.confirmed: dict[tuple[str, int], int] = {}
        """When each candle was handed over, nanoseconds of the performance counter."""
        self._per_second = per_second
        self._step_ns = SECOND_NS // per_second

    async def time(self) -> int:
        """Return the computer's own."""
        return CLOCK.now_ns()

    async def markets(self) -> dict[str, MarketInfo]:
        """Return none."""
        return {}

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the closed candles."""
        await asyncio.sleep(0.01)
        end_ns = min(end_ns, interval.floor(CLOCK.now_ns()))
        times = np.arange(start_ns, end_ns, interval.ns, dtype=np.int64)
        price, volume = np.full(len(times), 100.0), np.full(len(times), float(self._per_second))
        now = time.perf_counter_ns()
        for opens in times.tolist():
            self.confirmed.setdefault((pair, opens), now)
        return CandleRows(pair, times, price, price, price, price, volume)

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return all trades."""
        await asyncio.sleep(0.01)
        first, last = -(-start_ns // self._step_ns), -(-end_ns // self._step_ns)
        return [self._trade(pair, number) for number in range(first, last)], start_ns

    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        """Say each trade at its time, and each candle at its close."""
        hear(Listening())
        number = CLOCK.now_ns() // self._step_ns
        while True:
            await asyncio.sleep(
                (number + 1) * self._step_ns / SECOND_NS - CLOCK.now_ns() / SECOND_NS
            )
            number += 1
            closes = number % self._per_second == 0
            for pair in pairs:
                if closes and self.offers.says_closed:
                    opens = number * self._step_ns - SECOND_NS
                    self.confirmed[(pair, opens)] = time.perf_counter_ns()
                    volume = float(self._per_second)
                    candle = Candle(pair, opens, 100.0, 100.0, 100.0, 100.0, volume)
                    hear(HeardCandle(candle, True))
                hear(HeardTrade(self._trade(pair, number)))

    async def close(self) -> None:
        """Hold nothing."""

    def _trade(self, pair: str, number: int) -> Trade:
        return Trade(pair, str(number), number * self._step_ns, 100.0, 1.0, 1)


async def measure(says_closed: bool, pairs: int, seconds: float, per_second: int) -> list[float]:
    """Return the milliseconds that each candle took."""
    names = [f"P{n:03}-AUD" for n in range(pairs)]
    connection = Made(says_closed, per_second)
    channels = frozenset({Channel.CANDLES, Channel.TRADES})
    rng = np.random.default_rng(1)
    took: list[float] = []

    async def read(feed: LiveFeed) -> None:
        async for event in feed:
            if isinstance(event, CandleClosed):
                key = (event.candle.pair, event.candle.time)
                took.append((time.perf_counter_ns() - connection.confirmed[key]) / 1e6)

    async with LiveFeed(connection, CLOCK, names, SECOND, {}, channels, rng) as feed:
        reader = asyncio.create_task(read(feed))
        await asyncio.sleep(5)
        del took[:]  # the start reads history
        await asyncio.sleep(seconds)
    await reader
    return took


def main() -> None:
    """Measure both kinds of exchanges."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--trades", type=int, default=5, help="of each pair in a second")
    chosen = parser.parse_args()
    print(f"{chosen.pairs} pairs, {chosen.trades} trades of each a second")
    for says_closed, how in ((True, "the socket says closed"), (False, "asked for")):
        took = asyncio.run(measure(says_closed, chosen.pairs, chosen.seconds, chosen.trades))
        p50, p99 = np.percentile(took, [50, 99])
        print(f"{how}: {len(took)} candles, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
