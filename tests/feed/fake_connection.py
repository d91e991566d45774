"""An exchange in memory whose market, delays and faults are all known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from framework.exchange.connection import (
    Channel,
    Connection,
    Heard,
    HeardBeat,
    HeardBook,
    HeardCandle,
    HeardTrade,
    Listening,
    MarketInfo,
    Offers,
)
from framework.exchange.faults import Unreachable
from framework.exchange.live_book import LiveBook
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, Interval

START_NS = 1_800_000_000 * SECOND_NS
OFFERS = Offers(False, False, False, True, 1_000, None, 3.0)


def made_trades(
    rng: np.random.Generator, pair: str, seconds: float, per_second: float, before_s: float = 60.0
) -> list[Trade]:
    """Return trades at random moments from `before_s` before the start on, ids ascending."""
    count = int(rng.poisson((seconds + before_s) * per_second))
    moments = np.sort(rng.integers(int(-before_s * 1_000), int(seconds * 1_000), count))
    ticks = 10_000 + np.cumsum(rng.integers(-5, 6, count))
    units = rng.integers(1, 1_000, count)
    return [
        Trade(
            pair,
            str(1_000 + k),
            START_NS + int(moments[k]) * 1_000_000,
            float(ticks[k]) / 100,
            u,
            1,
        )
        for k, u in enumerate((units / 1_000).tolist())
    ]


def made_candles(
    pair: str, trades: Sequence[Trade], interval: Interval, start_ns: int, end_ns: int
) -> dict[int, Candle]:
    """Return the candles of `trades` by open time, the plain way."""
    candles: dict[int, Candle] = {}
    for trade in sorted(trades, key=lambda t: (t.time, int(t.id))):
        opens = interval.floor(trade.time)
        if not start_ns <= opens < end_ns:
            continue
        price, units = trade.price, trade.units
        old = candles.get(opens)
        candles[opens] = (
            Candle(pair, opens, price, price, price, price, units)
            if old is None
            else Candle(
                pair,
                opens,
                old.open,
                max(old.high, price),
                min(old.low, price),
                price,
                old.volume + units,
            )
        )
    return candles


@dataclass
class Spell:
    """Something that goes wrong from `start_s` to `end_s` after the start."""

    kind: str
    start_s: float
    end_s: float
    value: float = 0.0


@dataclass
class FakeConnection(Connection):
    """Serves `trades` as an exchange would, with the faults of `spells`."""

    clock: object
    market: Mapping[str, list[Trade]]
    offers: Offers = OFFERS
    spells: Sequence[Spell] = ()
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    latency_s: float = 0.02
    asked: list[tuple[str, str, int, int]] = field(default_factory=list)
    sockets: int = 0
    closed: bool = False
    books: dict[str, LiveBook] = field(default_factory=dict)
    listened: frozenset[Channel] = frozenset()

    @property
    def now_ns(self) -> int:
        return self.clock.now_ns()

    def on(self, kind: str) -> Spell | None:
        passed_s = (self.now_ns - START_NS) / SECOND_NS
        return next(
            (s for s in self.spells if s.kind == kind and s.start_s <= passed_s < s.end_s), None
        )

    async def _answer(self) -> None:
        await self.clock.sleep(self.latency_s)
        if self.on("down"):
            raise Unreachable("fake", "GET: status 500")

    async def time(self) -> int:
        await self._answer()
        return self.now_ns

    async def markets(self) -> dict[str, MarketInfo]:
        return {}

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        self.asked.append(("candles", pair, start_ns, end_ns))
        await self._answer()
        now_ns = self.now_ns
        trades = [t for t in self.market[pair] if t.time <= now_ns]
        found = made_candles(pair, trades, interval, start_ns, end_ns)
        if late := self.on("late_rows"):
            cut_ns = now_ns - round(late.value * SECOND_NS)
            found = {t: c for t, c in found.items() if t + interval.ns <= cut_ns}
        if old := self.on("old_rows"):
            cut_ns = now_ns - round(old.value * SECOND_NS)
            trades = [t for t in trades if t.time <= cut_ns]
            found = made_candles(pair, trades, interval, start_ns, end_ns)
        if self.on("huge_rows"):
            found = {
                t: Candle(pair, t, c.open, c.high * 1e12, c.low, c.close, c.volume)
                for t, c in found.items()
            }
        table = [(c.time, c.open, c.high, c.low, c.close, c.volume) for c in found.values()]
        columns = np.array(table, dtype=np.float64).reshape(-1, 6).T[1:]
        return CandleRows(pair, np.array([row[0] for row in table], np.int64), *columns)

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        self.asked.append(("trades", pair, start_ns, end_ns))
        await self._answer()
        now_ns = self.now_ns
        found = [t for t in self.market[pair] if start_ns <= t.time < min(end_ns, now_ns + 1)]
        if self.offers.trade_history:
            return found, start_ns
        newest = [t for t in self.market[pair] if t.time <= now_ns][-20:]
        from_ns = max(start_ns, newest[0].time + 1) if len(newest) == 20 else start_ns
        return [t for t in found if t.time >= from_ns], from_ns

    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        self.listened = channels
        self.sockets += 1
        try:
            await self.clock.sleep(self.latency_s)
            if self.on("refuse"):
                raise Unreachable("fake", "the connection was refused")
            hear(Listening())
            await self._talk(pairs, interval, channels, hear)
        finally:
            self.sockets -= 1

    async def _talk(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        last_ns = self.now_ns
        waiting: list[tuple[int, Heard]] = []
        while True:
            await self.clock.sleep(0.05)
            now_ns = self.now_ns
            if self.on("silence"):
                await self.clock.sleep(10_000)
            if self.on("drop"):
                raise Unreachable("fake", "the connection was closed")
            for pair in pairs:
                new = [t for t in self.market[pair] if last_ns < t.time <= now_ns]
                if Channel.TRADES in channels:
                    waiting += self._frames(new, now_ns)
                if Channel.BOOKS in channels and new:
                    self._book(pair, new[-1])
                    hear(HeardBook(pair))
                if Channel.CANDLES in channels and self.offers.candle_stream:
                    waiting += self._candle_frames(pair, interval, last_ns, now_ns)
            for frame in [frame for frame in waiting if frame[0] <= now_ns]:
                hear(frame[1])
                waiting.remove(frame)
            if now_ns // SECOND_NS > last_ns // SECOND_NS:
                hear(HeardBeat())
            last_ns = now_ns

    def _frames(self, trades: Sequence[Trade], now_ns: int) -> list[tuple[int, Heard]]:
        frames: list[tuple[int, Heard]] = []
        for trade in trades:
            if self.on("lose") and self.rng.random() < 0.5:
                continue
            delay_s = float(self.rng.random()) * self.on("swap").value if self.on("swap") else 0.0
            frames.append((now_ns + round(delay_s * SECOND_NS), HeardTrade(trade)))
            if self.on("twice"):
                frames.append((now_ns + 300_000_000, HeardTrade(trade)))
            if self.on("huge_trades"):
                wrong = Trade(trade.pair, trade.id, trade.time, trade.price * 1e12, trade.units, 1)
                frames[-1] = (now_ns, HeardTrade(wrong))
        return frames

    def _candle_frames(
        self, pair: str, interval: Interval, last_ns: int, now_ns: int
    ) -> list[tuple[int, Heard]]:
        opens = interval.floor(now_ns) - interval.ns
        if not last_ns < opens + interval.ns <= now_ns or self.on("lose_closed"):
            return []
        found = made_candles(pair, self.market[pair], interval, opens, opens + interval.ns)
        closed = self.offers.says_closed or None
        return [(now_ns + 20_000_000, HeardCandle(c, closed)) for c in found.values()]

    def _book(self, pair: str, trade: Trade) -> None:
        book = self.books.setdefault(pair, LiveBook(pair))
        book.clear()
        book.put(True, f"{trade.price - 0.01:.2f}", "1")
        book.put(False, f"{trade.price + 0.01:.2f}", trade.id)
        book.time, book.valid = trade.time, True

    async def close(self) -> None:
        self.closed = True
