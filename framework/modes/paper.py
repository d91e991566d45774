"""Trade a strategy on candles as they close: paper money, real time, every input written down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from framework.config.component import component
from framework.config.signals import ToldGently
from framework.errors import UserError
from framework.modes.context import Context
from framework.types import SECOND_NS, Interval, format_time

if TYPE_CHECKING:
    from framework.modes.session_notices import Telling
    from framework.results.database import RunRow
    from framework.session.session import Ending
    from framework.session.state import SessionState


@component
class Paper:
    """Run a session until it ends or is interrupted; the same command goes on with it."""

    recorded: ClassVar[bool] = True

    name: Literal["paper"] = "paper"
    """Of this mode."""

    speed: NonNegativeFloat = 1.0
    """How much faster than real time, on an exchange that is not live; 0: as fast as possible."""

    bars: PositiveInt | None = None
    """Stop after so many closed candles; null: never."""

    history: Interval | None = None
    """Before the first candle, for features; null: what their warm-up needs."""

    wait: Interval = Interval.parse("10s")
    """For pairs whose candle does not come while others' do; then they are marked as missing."""

    late: Interval = Interval.parse("10s")
    """After a candle's open: orders that were not decided by then wait for the next candle."""

    book_depth: int = Field(default=10, ge=1, le=1_000)
    """Levels of order books on each side, where the exchange is live and they are used."""

    book_every: Interval = Interval.parse("5s")
    """Between two states of one pair's order book."""

    snapshot_bars: PositiveInt = Field(default=500, le=100_000)
    """Candles from one snapshot to the next: what a restart goes through again, at most."""

    def prepare(self, context: Context) -> None:
        """Compile the strategy, so that every fault in it is reported before anything is read."""
        from framework.engine.make_rules import check_rules
        from framework.modes.reading import compile_plan, records_of
        from framework.modes.session_learning import check_learning
        from framework.session.feeding import is_played

        settings = context.settings
        if context.sweeping:
            raise UserError("mode: paper is one session, not a trial of a sweep; leave out -m.")
        if self.speed != 1.0 and not is_played(settings.exchange):
            raise UserError(
                f"mode.speed: exchange '{settings.exchange.name}' is live, its candles close when "
                f"they do (was {self.speed:g}); exchange=loopback has exchange.speed instead."
            )
        settings.monitor.prepare()
        compile_plan(settings)
        check_learning(settings)
        check_rules(
            settings.risk,
            settings.execution,
            settings.exchange,
            settings.strategy.terms,
            records_of(settings),
        )

    def goes_on(self, context: Context) -> RunRow | None:
        """Return the run whose session this one continues, None where a new one begins.

        Raises
        ------
        UserError
            The session is running already, or ``resume`` names another.
        """
        from framework.modes.sessions import find_session
        from framework.session.state import FOLDER

        return find_session(context, FOLDER)

    def run(self, context: Context) -> None:
        """Trade until the session ends; then replay and judge it.

        Raises
        ------
        KeyboardInterrupt
            It was interrupted; all it knows is on the disk.
        CheckFailed
            The replay was not identical.
        UserError
            The market or the model does not exist.
        OutsideFault
            The exchange declines, or the disk fails.
        """
        from framework.modes.session_notices import telling
        from framework.modes.sessions import identity_of, keep_identity, locked
        from framework.session.session import Ending
        from framework.session.state import FOLDER

        folder = context.run_dir / FOLDER
        keep_identity(folder, identity_of(context))
        with locked(folder), telling(context) as told:
            state = self._open(context, folder)
            try:
                told.follow(state)
                ending = (
                    Ending.TOLD if state.ended else asyncio.run(self._live(context, state, told))
                )
            finally:
                state.close()
            context.logger.info(f"after {state.bars:,} bars: {ending.value}")
            told.end(ending.value)
            self._close(context, ending)

    def _open(self, context: Context, folder: Path) -> SessionState:
        """Begin the session, or go on where it was left."""
        from framework.engine.simulate import say_compiling
        from framework.modes.live_download import advised
        from framework.modes.reading import compile_plan
        from framework.modes.session_files import (
            has_begun,
            pipeline_of,
            read_begun,
            read_models,
            stage_of,
        )
        from framework.modes.session_start import start_session
        from framework.session.state import SessionState

        settings, directory = context.settings, context.run_dir
        plan = compile_plan(settings)
        if not has_begun(folder):
            with advised():
                start_session(context, plan, self.history)
        begun = read_begun(folder)
        warmup = begun.warmup
        schedule = read_models(directory, settings, plan, warmup.pairs)
        say_compiling(context.logger.info)
        state = SessionState(
            directory,
            pipeline_of(settings, plan, begun, schedule),
            warmup,
            lambda values: stage_of(directory, settings, values),
            self.snapshot_bars,
        )
        if state.journal.torn:
            context.logger.info(
                f"a torn line of {state.journal.torn} bytes was cut off the journal"
            )
        if state.bars:
            context.logger.info(
                f"goes on after {state.bars:,} bars, {state.recovered} of them gone through again"
            )
        context.logger.info(
            f"{', '.join(warmup.pairs)} from {begun.source}, {warmup.interval} each, from "
            f"{format_time(state.next_ns)} on"
        )
        return state

    async def _live(self, context: Context, state: SessionState, told: Telling) -> Ending:
        """Run the loop, with signals that end it at a good place."""
        from framework.market.recorded import BOOKS
        from framework.modes.session_files import read_begun
        from framework.modes.session_learning import keep_ages, learner_of
        from framework.modes.session_monitor import watched
        from framework.modes.session_voices import voices_of
        from framework.session.feeding import is_played, live_on
        from framework.session.session import Command, Session, Terms
        from framework.session.state import FOLDER

        settings = context.settings
        listens = state.pipeline.plan.records | ({BOOKS} if settings.execution.book else set())
        began_ns = read_begun(context.run_dir / FOLDER).began_ns
        clock, feed = live_on(
            settings.exchange.begun(began_ns),
            state.trader.history.pairs,
            state.trader.history.interval,
            state.next_ns,
            end_ns=settings.end,
            speed=self.speed,
            told=listens,
            book_every_s=self.book_every.ns / SECOND_NS,
            book_depth=self.book_depth,
            book_max_age=settings.execution.book_max_age,
            store_url=settings.store,
            seed=settings.seed,
        )
        played = is_played(settings.exchange)
        terms = Terms(
            wait_s=None if played else self.wait.ns / SECOND_NS,
            late_s=self.late.ns / SECOND_NS,
            bars=self.bars,
        )
        learner = learner_of(context, state)
        speed = self.speed if played else 1.0
        with (
            watched(context, state, speed) as watching,
            voices_of(context, state, clock, (*told.voices, *watching)) as voices,
        ):
            async with feed:
                session = Session(state, feed, clock, terms, voices, learner)
                loop = asyncio.get_running_loop()

                def tell(command: Command) -> None:
                    loop.call_soon_threadsafe(session.tell, command)

                with ToldGently(lambda: tell(Command.INTERRUPT)), told.obeying(tell):
                    ending = await session.run()
        if learner is not None:
            keep_ages(context, learner)
        return ending

    def _close(self, context: Context, ending: Ending) -> None:
        """Replay the session, and judge it where it came to its end."""
        from framework.modes.session_end import end_session, show_session
        from framework.session.session import Ending

        if ending is Ending.INTERRUPTED:
            show_session(context)
            raise KeyboardInterrupt
        end_session(context)
