"""The course of things at the exchange: what is told to all sockets, and what happens to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from framework.interfaces import Clock
from framework.loopback.script import Fault, Kind, Script
from framework.loopback.socket_line import SocketLine
from framework.loopback.venue import Venue
from framework.loopback.wire import Topic, Wire
from framework.types import SECOND_NS, Interval

_AHEAD_NS = 60 * SECOND_NS  # of which trades are made at once
_BOUNDARY_S = 60.0
_WATCH_S = 1.0


class MarketDay:
    """Tells trades, changes of books and candles when they happen, and lets faults happen.

    Parameters
    ----------
    wire : Wire
    venue : Venue
    clock : Clock
    script : tuple of Fault
    lines : callable
        Returns the sockets that are open now.
    """

    def __init__(
        self,
        wire: Wire,
        venue: Venue,
        clock: Clock,
        script: Script,
        lines: Callable[[], Sequence[SocketLine]],
    ) -> None:
        self._wire, self._venue, self._clock = wire, venue, clock
        self._script = script
        self._lines = lines

    async def live(self) -> None:
        """Go on until cancelled."""
        courses: list[Coroutine[Any, Any, None]] = [self._tell_candles(), self._watch()]
        for pair in self._venue.truth.markets:
            courses += [self._tell_trades(pair), self._tell_books(pair)]
        courses += [self._happen(fault) for fault in self._script]
        if self._wire.beat_s is not None:
            courses.append(self._every(self._wire.beat_s, SocketLine.beat))
        async with asyncio.TaskGroup() as group:
            for course in courses:
                group.create_task(course)

    async def _tell_trades(self, pair: str) -> None:
        start_ns = self._venue.start_ns
        while True:
            for trade in self._venue.truth.trades(pair, start_ns, start_ns + _AHEAD_NS):
                await self._until(trade.time)
                for line in self._lines():
                    line.trade(trade)
                    line.ticker(pair)
                    for interval in _intervals(line, pair):
                        candle = self._venue.running(pair, interval, trade)
                        line.candle(pair, interval, candle, closed=False)
            start_ns += _AHEAD_NS
            await self._until(start_ns)

    async def _tell_books(self, pair: str) -> None:
        book = self._venue.book(pair)
        while True:
            await self._until(book.next_ns)
            # One by one: a wire may look at the book as it is after each.
            for delta in book.move(book.next_ns):
                for line in self._lines():
                    line.delta(pair, delta)

    async def _tell_candles(self) -> None:
        """Tell candles that have closed, once a second."""
        second = Interval(SECOND_NS)
        now_ns = second.ceil(self._venue.start_ns)
        while True:
            # After the trades of the last moment.
            await self._until(now_ns + SECOND_NS // 20)
            for line in self._lines():
                for pair in self._venue.truth.markets:
                    for interval in _intervals(line, pair):
                        if interval.floor(now_ns) == now_ns:
                            open_ns = now_ns - interval.ns
                            for candle in self._venue.closed(pair, interval, open_ns):
                                line.candle(pair, interval, candle, closed=True)
            now_ns += SECOND_NS

    async def _watch(self) -> None:
        """Ping, and close sockets on which nothing is said."""
        passed_s = 0.0
        while True:
            await self._clock.sleep(_WATCH_S)
            passed_s += _WATCH_S
            pings = self._wire.ping_s is not None and passed_s % self._wire.ping_s == 0
            for line in list(self._lines()):
                still_s = (self._clock.now_ns() - line.last_ns) / SECOND_NS
                if self._wire.idle_s is not None and still_s >= self._wire.idle_s:
                    line.cut()
                elif pings:
                    await line.ping()

    async def _every(self, seconds: float, act: Callable[[SocketLine], None]) -> None:
        while True:
            await self._clock.sleep(seconds)
            for line in self._lines():
                act(line)

    async def _happen(self, fault: Fault) -> None:
        """Let one fault happen to the sockets that are open at its moment."""
        moment_ns = self._venue.start_ns + round(fault.at_s * SECOND_NS)
        if fault.kind is Kind.CLOSE_AT_BOUNDARY:
            boundary = Interval(round((fault.value or _BOUNDARY_S) * SECOND_NS))
            await self._until(boundary.ceil(moment_ns))
            await asyncio.gather(*(line.leave() for line in list(self._lines())))
        elif fault.kind in (Kind.CLOSE, Kind.REFUSE_CONNECTIONS):
            await self._until(moment_ns)
            for line in list(self._lines()):
                line.cut()
        elif fault.kind is Kind.SILENCE:
            await self._until(moment_ns)
            for line in self._lines():
                line.silent = True

    async def _until(self, moment_ns: int) -> None:
        """Wait for a moment of the exchange's time."""
        while (left_ns := moment_ns - self._venue.now_ns()) > 0:
            await self._clock.sleep(left_ns / SECOND_NS)


def _intervals(line: SocketLine, pair: str) -> set[Interval]:
    """Return the intervals of candles of `pair` that a client listens to."""
    wanted = line.ear.listens(Topic.CANDLES, pair)
    return {one.interval for one in wanted if one.interval is not None}
