"""Candles, trades and books of an exchange as they happen, made reliable."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from framework.errors import UserError
from framework.exchange.backoff import Backoff
from framework.exchange.connection import (
    Channel,
    Connection,
    Heard,
    HeardCandle,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import Refused, Unreachable
from framework.feed.asking import make, markets_gone
from framework.feed.bucket import Closing
from framework.feed.events import (
    BookSeen,
    CandleClosed,
    CandleRevised,
    FeedEvent,
    State,
    StateChanged,
)
from framework.feed.exchange_time import ExchangeTime
from framework.feed.feed import Feed
from framework.feed.listener import Listener, listened
from framework.feed.outbox import Outbox
from framework.feed.pair_line import Ask, LineEvent, PairLine
from framework.interfaces import Clock
from framework.types import Interval

_TURN_S = 0.1
_AT_ONCE = 8  # requests under way


class LiveFeed(Feed):
    """Listens, asks for what was missed, and tells each candle and trade once.

    After an outage all candles are told that the exchange still has; trades, where they are told,
    reach back a day at most. A market that is unknown at the start ends the feed; one that is
    closed later is said to be, once, and the other pairs go on.

    Parameters
    ----------
    connection : Connection
        The feed's own from now on: it is closed when the feed ends.
    clock : Clock
    pairs : sequence of str
    interval : Interval
        Of the candles.
    watermark : mapping
        By pair, the open time of the first candle to tell; one that is not there begins with the
        candle that closes next.
    channels : frozenset of Channel
        What is told.
    rng : numpy.random.Generator
        For the waits between tries.
    book_every_s : float
        Seconds between two states of one pair's book, at least.
    book_depth : int
        Levels a side.
    closing : Closing, optional
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        pairs: Sequence[str],
        interval: Interval,
        watermark: Mapping[str, int],
        channels: frozenset[Channel],
        rng: np.random.Generator,
        book_every_s: float = 1.0,
        book_depth: int = 10,
        closing: Closing | None = None,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._pairs = tuple(pairs)
        self._interval = interval
        self._watermark = watermark
        self._channels = channels
        self._book_every_s = book_every_s
        self._book_depth = book_depth
        self._closing = closing or Closing()
        self._backoff = Backoff(rng)
        self._time = ExchangeTime(connection, clock)
        self._outbox = Outbox()
        self._lines: dict[str, PairLine] = {}
        self._state: State | None = None
        self._proven: set[str] = set()  # pairs that the exchange has answered for
        self._heard_ns = 0  # of the last frame
        self._alive = False  # whether one came since books were told
        self._begun = False  # the lines know that the socket is heard
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._work: asyncio.Task[None] | None = None

    @property
    def now_ns(self) -> int:
        """The exchange's time, UTC ns; 0 before it was measured."""
        return self._time.now_ns

    async def start(self) -> None:
        """Begin to connect."""
        self._work = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and close the connection."""
        if self._work is not None and not self._work.done():
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work

    async def next(self) -> FeedEvent | None:
        """Return the next event, waiting for it; None: the feed was stopped.

        Raises
        ------
        UserError
            A pair is not known.
        OutsideFault
            The exchange declined.
        """
        return await self._outbox.get()

    async def _run(self) -> None:
        """Work until cancelled or at fault; leave nothing behind."""
        fault: BaseException | None = None
        try:
            self._enter(State.CONNECTING, "")
            await self._measure()
            self._lines = {pair: self._line(pair) for pair in self._pairs}
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listener().run(self._lose))
                group.create_task(self._time.keep())
                group.create_task(self._tick(group))
        except BaseExceptionGroup as faults:
            fault = _first(faults)
        except Exception as other:
            fault = other
        finally:
            await self._connection.close()
            self._enter(State.STOPPED, "" if fault is None else str(fault))
            self._outbox.end(fault)

    async def _measure(self) -> None:
        """Ask for the exchange's time until it answers."""
        while True:
            try:
                return await self._time.start()
            except Unreachable as fault:
                self._enter(State.LOST, fault.what)
                await self._clock.sleep(self._backoff.next_s())

    def _listener(self) -> Listener:
        return Listener(
            self._listen,
            self._hear,
            self._connection.offers,
            self._clock,
            self._backoff,
            self._outbox,
        )

    @property
    def _listened(self) -> frozenset[Channel]:
        return listened(self._channels, self._connection.offers)

    async def _listen(self, hear: Callable[[Heard], None]) -> None:
        """Listen once, to the pairs that there are."""
        pairs = tuple(self._lines)
        try:
            await self._connection.listen(pairs, self._interval, self._listened, hear)
        except (UserError, Refused) as fault:
            await self._leave_out(fault)

    async def _leave_out(self, fault: UserError | Refused) -> None:
        """Go on without the markets that are gone; raise `fault` where that is not what it says."""
        gone = await markets_gone(self._connection, self._lines, fault)
        if not self._proven.issuperset(gone):
            raise fault
        for pair in gone:
            del self._lines[pair]
        self._outbox.put(
            StateChanged(
                self._state or State.LOST,
                f"{', '.join(gone)}: not on the exchange any more; the other pairs go on",
            )
        )

    def _line(self, pair: str) -> PairLine:
        first_ns = self._watermark.get(pair, self._interval.floor(self._time.now_ns))
        hears_trades = Channel.TRADES in self._listened
        tells_trades = Channel.TRADES in self._channels
        return PairLine(
            pair,
            self._interval,
            first_ns,
            self._connection.offers,
            hears_trades,
            tells_trades,
            self._closing,
        )

    def _hear(self, heard: Heard) -> None:
        """Take in a frame."""
        self._heard_ns = self._time.now_ns
        self._alive = True
        match heard:
            case HeardTrade(trade):
                if line := self._lines.get(trade.pair):
                    line.hear_trade(trade, self._time.now_ns)
            case HeardCandle(candle, closed):
                line = self._lines.get(candle.pair)
                if line and line.hear_candle(candle, closed):
                    self._tell(line.close(self._time.now_ns))
            case Listening():
                self._enter(State.LIVE, "")

    async def _tick(self, group: asyncio.TaskGroup) -> None:
        """Tell what is due, and ask for what is missing."""
        since_books_s = 0.0
        while True:
            await self._time.pass_(_TURN_S)
            for line in self._lines.values():
                self._tell(line.turn())
            if self._time.sure:
                self._decide(group)
            since_books_s += _TURN_S
            if since_books_s >= self._book_every_s and self._state is State.LIVE:
                since_books_s = 0.0
                self._tell_books()

    def _decide(self, group: asyncio.TaskGroup) -> None:
        now_ns, live = self._time.now_ns, self._state is State.LIVE
        if live and not self._begun:
            self._begun = True
            for line in self._lines.values():
                line.begin(now_ns)
        for line in self._lines.values():
            self._tell(line.close(now_ns))
            if not self._outbox.crowded:
                for ask in line.asks(now_ns, live):
                    group.create_task(self._request(line, ask))

    async def _request(self, line: PairLine, ask: Ask) -> None:
        """Make one request, and tell what its answer makes clear."""
        async with self._turns:
            try:
                await make(ask, line, self._connection, self._interval, self._time.now_ns)
                self._proven.add(ask.pair)
            except (UserError, Refused) as fault:
                line.failed(ask, self._time.now_ns)
                if ask.pair in self._lines:
                    await self._leave_out(fault)
            except Unreachable:
                line.failed(ask, self._time.now_ns)
                return
        if ask.pair in self._lines:
            self._tell(line.close(self._time.now_ns))

    def _tell(self, events: Iterable[LineEvent]) -> None:
        candles = Channel.CANDLES in self._channels
        for event in events:
            if candles or not isinstance(event, CandleClosed | CandleRevised):
                self._outbox.put(event)

    def _tell_books(self) -> None:
        """Tell the valid books, changed or not, if a sign of life came since the last time."""
        if not self._alive:
            return
        self._alive = False
        for pair in self._pairs:
            book = self._connection.books.get(pair)
            if book is not None and book.valid and not book.crossed:
                age_ns = max(0, self._time.now_ns - book.time)
                self._outbox.put(BookSeen(book.state(self._book_depth), age_ns))

    def _lose(self, reason: str) -> None:
        self._alive = False
        if self._begun:
            self._begun = False
            for line in self._lines.values():
                line.lose(self._heard_ns)
        self._enter(State.LOST, reason)

    def _enter(self, state: State, reason: str) -> None:
        """Tell a change of state, once."""
        if state is not self._state:
            self._state = state
            self._outbox.put(StateChanged(state, reason))


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first fault of a group, whatever is nested in it."""
    fault = faults.exceptions[0]
    return _first(fault) if isinstance(fault, BaseExceptionGroup) else fault
