"""The live loop: candles are gathered to bars, bars are written down, then acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Any

from framework.errors import FrameworkError
from framework.feed.events import BookSeen, CandleClosed, FeedEvent, State, StateChanged
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.market.live import BookState
from framework.session.bar_records import GatheredRecords
from framework.session.bars import Bar, Gathering
from framework.session.folding import END, GO_ON, PAUSE
from framework.session.learner import Learner
from framework.session.retraining import Verdict
from framework.session.state import SessionState
from framework.session.voice import Voice, Voices
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
    wait_s : float or None
        Seconds that a bar waits for pairs that do not come, while others do; None: to the end.
    late_s : float
        Seconds after a bar's open by which the one before must have been decided; else nothing
        fills in it, since its orders would be in the past.
    bars : int or None
        After so many bars it ends; None: never.
    """

    wait_s: float | None
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
    learner : Learner, optional
        Trains the model anew meanwhile; None: there is no model.
    """

    def __init__(
        self,
        state: SessionState,
        feed: Feed,
        clock: Clock,
        terms: Terms,
        voices: Sequence[Voice],
        learner: Learner | None = None,
    ) -> None:
        self._state = state
        self._feed = feed
        self._clock = clock
        self._terms = terms
        self._voices = Voices(voices)
        self._learner = learner
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
        self._passed = 0  # bars in a row that closed before they could be lived through
        self._patience: asyncio.Task[None] | None = None

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
        learned = asyncio.create_task(_next_of(self._learner))
        try:
            terms = self._terms
            self._look()
            while terms.bars is None or self._state.bars < terms.bars:
                held = self._learner is not None and self._learner.holds
                if held:
                    await asyncio.wait({told, learned}, return_when=asyncio.FIRST_COMPLETED)
                elif self._gathering.complete and not learned.done():
                    self._act()
                    continue
                elif not await self._something({told, heard, learned}):
                    self._mark()
                    continue
                if learned.done():
                    self._learn(learned.result())
                    learned = asyncio.create_task(_next_of(self._learner))
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
            self._begin_to_wait()
            for task in (told, heard, learned):
                task.cancel()
            if self._learner is not None:
                self._learner.close()
            await asyncio.gather(told, heard, learned, return_exceptions=True)

    def tell(self, command: Command) -> None:
        """Pass on what a person wants; to be called in the loop's own thread."""
        self._commands.put_nowait(command)

    async def _something(self, tasks: AbstractSet[asyncio.Task[Any]]) -> bool:
        """Wait until one of them is done; False: a bar has waited long enough.

        What is waited is slept, not read off the clock, which somebody may set.
        """
        waiting: set[asyncio.Task[Any]] = set(tasks)
        wait_s = self._terms.wait_s
        if wait_s is not None and self._live and self._gathering.begun:
            if self._patience is None:
                self._patience = asyncio.create_task(self._clock.sleep(wait_s))
            waiting.add(self._patience)
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return any(task.done() for task in tasks)

    def _begin_to_wait(self) -> None:
        """Let a bar wait its whole time again, after news of it."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hear(self, event: FeedEvent) -> None:
        if isinstance(event, CandleClosed):
            self._begin_to_wait()
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
            self._begin_to_wait()
        if self._records is not None:
            self._records.hear(event)
        self._voices.heard(event)

    def _obey(self, command: Command) -> None:
        kind = PAUSE if command is Command.PAUSE else GO_ON
        if self._state.paused != (kind == PAUSE):
            self._state.note(kind, {"at": self._clock.now_ns()})
        self._say("paused: nothing is opened" if self._state.paused else "trades again")

    def _mark(self) -> None:
        """Act on a bar without the pairs that did not come."""
        missing = self._gathering.missing
        marked = "is marked" if len(missing) == 1 else "are marked"
        self._say(
            f"{format_time(self._gathering.next_ns)}: {', '.join(missing)} did not come within "
            f"{self._terms.wait_s:g} s and {marked} as missing"
        )
        self._act()

    def _act(self) -> None:
        opens = self._gathering.next_ns
        in_time = self._awake_ns <= opens + self._terms.late_s * SECOND_NS
        records = {} if self._records is None else self._records.take()
        bar = Bar(self._gathering.take(in_time), self._books_at(opens), records)
        acted = self._state.act(bar, self._clock.now_ns())
        self._begin_to_wait()
        self._awake_ns = self._feed.now_ns
        self._voices.acted(acted, self._awake_ns - opens - self._interval.ns)
        self._passed = 0 if in_time else self._passed + 1
        if self._passed > 1 and self._awake_ns < self._gathering.next_ns + self._interval.ns:
            self._say(f"caught up with {self._passed:,} bars; nothing was filled in them")
            self._passed = 0
        self._look()

    def _look(self) -> None:
        """Begin a retraining where one is due, and tell the age of the model."""
        if self._learner is None:
            return
        if line := self._learner.look():
            self._say(line)
        self._voices.aged(self._learner.age)

    def _learn(self, verdict: Verdict) -> None:
        """Tell what came of a retraining, and let a new model take over with the next decision."""
        assert self._learner is not None  # noqa: S101 - it has told
        self._say(verdict.line)
        if verdict.model is not None:
            try:
                self._state.swap({"at": self._clock.now_ns(), **self._learner.swap_of(verdict)})
            except FrameworkError as fault:
                self._say(f"the model before stays: {fault}")

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
        self._voices.said(line)


async def _next_of(learner: Learner | None) -> Verdict:
    """Return what comes of the next retraining; without a learner none ever ends."""
    if learner is None:
        await asyncio.Event().wait()
    assert learner is not None  # noqa: S101 - the wait has no end
    return await learner.next()
