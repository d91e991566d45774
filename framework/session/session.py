"""The live loop: candles are gathered to bars, bars are written down, then acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Any

from framework.feed.events import BookSeen, CandleClosed, FeedEvent, State, StateChanged
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.market.live import BookState
from framework.session.bar_records import GatheredRecords
from framework.session.bars import Bar, Gathering
from framework.session.folding import END, GO_ON, PAUSE
from framework.session.state import SessionState
from framework.session.voice import Voice
from framework.types import SECOND_NS, format_time


class Ending(Enum):
    """Why a session is over, or only interrupted."""

    BARS = "so many bars were asked for"
    RANGE = "there are no more candles"
    TOLD = "told to stop"
    INTERRUPTED = "interrupted"


class Command(Enum):
    """What a person can tell a session."""

    PAUSE = "pause"
    GO_ON = "resume"
    STOP = "stop"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a session waits, and when it ends.

    Parameters
    ----------
    wait_s : float
        Seconds that a bar waits for pairs that do not come, while others do.
    late_s : float
        Seconds after a bar's open by which the one before must have been decided; else nothing
        fills in it, since its orders would be in the past.
    bars : int or None
        After so many bars it ends; None: never.
    """

    wait_s: float
    late_s: float
    bars: int | None = None


class Session:
    """Runs until it ends or is interrupted.

    Parameters
    ----------
    state : SessionState
        Where it goes on.
    feed : Feed
        Of its pairs, from `state.next_ns` on.
    clock : Clock
        For waiting.
    terms : Terms
    voices : sequence of Voice
    """

    def __init__(
        self, state: SessionState, feed: Feed, clock: Clock, terms: Terms, voices: Sequence[Voice]
    ) -> None:
        self._state = state
        self._feed = feed
        self._clock = clock
        self._terms = terms
        self._voices = voices
        history = state.trader.history
        self._gathering = Gathering(
            history.pairs, history.interval, state.next_ns, history.closes.tolist()
        )
        self._interval = history.interval
        self._live = False
        self._commands: asyncio.Queue[Command] = asyncio.Queue()
        self._books: dict[str, dict[int, BookState]] = {}  # of each open the newest before it
        kinds = state.pipeline.plan.records
        self._records = (
            GatheredRecords(history.pairs, history.interval, kinds, state.next_ns)
            if kinds
            else None
        )
        self._awake_ns = feed.now_ns
        self._progress_ns = clock.now_ns()

    async def run(self) -> Ending:
        """Act on bars until there is a reason to end.

        Raises
        ------
        UserError, OutsideFault
            The feed cannot go on, or the journal cannot be written; the same command goes on from
            the last bar.
        """
        told = asyncio.create_task(self._commands.get())
        heard = asyncio.create_task(self._feed.next())
        try:
            terms = self._terms
            while terms.bars is None or self._state.bars < terms.bars:
                if self._gathering.complete:
                    self._act()
                elif not await self._something({told, heard}):
                    self._mark()
                elif told.done():
                    command = told.result()
                    told = asyncio.create_task(self._commands.get())
                    if command is Command.STOP:
                        return self._end(Ending.TOLD)
                    if command is Command.INTERRUPT:
                        return Ending.INTERRUPTED
                    self._obey(command)
                else:
                    event = heard.result()
                    if event is None:
                        return self._end(Ending.RANGE)
                    heard = asyncio.create_task(self._feed.next())
                    self._hear(event)
            return self._end(Ending.BARS)
        finally:
            for task in (told, heard):
                task.cancel()
            await asyncio.gather(told, heard, return_exceptions=True)

    def tell(self, command: Command) -> None:
        """Pass on what a person wants; to be called in the loop's own thread."""
        self._commands.put_nowait(command)

    async def _something(self, tasks: AbstractSet[asyncio.Task[Any]]) -> bool:
        """Wait until one of them is done; False: a bar has waited long enough."""
        if not (self._live and self._gathering.begun):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return True
        waited_s = (self._clock.now_ns() - self._progress_ns) / SECOND_NS
        try:
            async with self._clock.timeout(max(self._terms.wait_s - waited_s, 0.0)):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return any(task.done() for task in tasks)
        return True

    def _hear(self, event: FeedEvent) -> None:
        if isinstance(event, CandleClosed):
            self._progress_ns = self._clock.now_ns()
            if not self._gathering.add(event.candle, event.standing):
                self._say(
                    f"{event.candle.pair} {format_time(event.candle.time)} came after its bar had "
                    "been acted on without it"
                )
        elif isinstance(event, BookSeen):
            seen = event.state
            state = BookState(seen.pair, seen.time + event.age_ns, seen.levels)
            self._books.setdefault(seen.pair, {})[self._interval.ceil(state.time)] = state
        elif isinstance(event, StateChanged):
            self._live = event.state is State.LIVE
            self._progress_ns = self._clock.now_ns()
        if self._records is not None:
            self._records.hear(event)
        for voice in self._voices:
            voice.heard(event)

    def _obey(self, command: Command) -> None:
        kind = PAUSE if command is Command.PAUSE else GO_ON
        if self._state.paused != (kind == PAUSE):
            self._state.note(kind, {"at": self._clock.now_ns()})
        self._say("paused: nothing is opened" if self._state.paused else "trades again")

    def _mark(self) -> None:
        """Act on a bar without the pairs that did not come."""
        missing = ", ".join(self._gathering.missing)
        self._say(
            f"{format_time(self._gathering.next_ns)}: {missing} did not come within "
            f"{self._terms.wait_s:g} s and is marked as missing"
        )
        self._act()

    def _act(self) -> None:
        opens = self._gathering.next_ns
        in_time = self._awake_ns <= opens + self._terms.late_s * SECOND_NS
        records = {} if self._records is None else self._records.take()
        bar = Bar(self._gathering.take(in_time), self._books_at(opens), records)
        acted = self._state.act(bar, self._clock.now_ns())
        self._progress_ns = self._clock.now_ns()
        self._awake_ns = self._feed.now_ns
        for voice in self._voices:
            voice.acted(acted, self._awake_ns - opens - self._interval.ns)

    def _books_at(self, opens: int) -> Mapping[str, BookState]:
        """Return of each pair the newest book at the open of a bar, where there is a new one."""
        newest = {}
        for pair, states in self._books.items():
            for moment in sorted(moment for moment in states if moment <= opens):
                newest[pair] = states.pop(moment)
        return newest

    def _end(self, ending: Ending) -> Ending:
        self._state.note(END, {"at": self._clock.now_ns(), "reason": ending.value})
        return ending

    def _say(self, line: str) -> None:
        for voice in self._voices:
            voice.said(line)
