"""Record what an exchange tells live into the store, so that books and trades have a history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from framework.config.component import component
from framework.config.signals import ToldGently, was_told
from framework.errors import OutsideFault, UserError
from framework.types import SECOND_NS, Interval

if TYPE_CHECKING:
    from framework.exchange.connection import Connection
    from framework.feed.feed import Feed
    from framework.feed.recorder import Recorder
    from framework.interfaces import Clock
    from framework.modes.context import Context
    from framework.modes.recording import Recording


@component
class Collect:
    """Record candles, trades and order books of all pairs into the store."""

    recorded: ClassVar[bool] = False

    name: Literal["collect"] = "collect"
    """Of this mode."""

    what: Annotated[tuple[Literal["candles", "trades", "books"], ...], Field(min_length=1)] = (
        "candles",
        "trades",
        "books",
    )
    """What is kept; candles are listened to in any case, since they prove trades complete."""

    interval: Interval = Interval.parse("1m")
    """Of the candles."""

    depth: int = Field(default=10, ge=1, le=1_000)
    """Levels of the books on each side."""

    book_every: Interval = Interval.parse("10s")
    """Between two snapshots of one pair's book."""

    flush_every: Interval = Interval.parse("30s")
    """Between two writes: what a kill can lose of books, and of trades that the exchange does not
    serve again."""

    duration: Interval | None = None
    """Stop by itself after so long; null: only when told to."""

    backfill: Interval = Interval.parse("1d")
    """How far back holes are filled at the start; older ones are left to ``mode=download``."""

    buffer: int = Field(default=200_000, ge=1_000, le=100_000_000)
    """Candles, trades and books that may wait for the store, at most."""

    tell_every: Interval = Interval.parse("1m")
    """Between two lines on the progress where output is no terminal."""

    def prepare(self, context: Context) -> None:
        """Refuse an exchange that cannot be connected to."""
        exchange = context.settings.exchange
        if not exchange.is_live:
            raise UserError(
                f"exchange: mode=collect listens to a live exchange, and '{exchange.name}' is "
                "none; exchange=loopback is one to try things out with."
            )

    def run(self, context: Context) -> None:
        """Record until told to stop or `duration` has passed, and print what is stored.

        Raises
        ------
        KeyboardInterrupt
            It was told to stop.
        OutsideFault
            The exchange declines, or the store cannot be written and the buffer is full.
        """
        from framework.feed.recorder import Recorder
        from framework.modes.recording_shown import recorded_table

        settings = context.settings
        recorder = Recorder(
            settings.store,
            settings.store_secrets,
            settings.exchange.name,
            settings.pairs.symbols or settings.exchange.offered_pairs(),
            self.interval,
            frozenset(self.what),
        )
        try:
            asyncio.run(self._record(context, recorder))
        except OutsideFault as fault:
            if was_told():  # the end of a process that was told to stop tells nothing but that
                context.logger.error(str(fault))
            raise
        finally:
            context.print(recorded_table(recorder))
        if was_told():
            raise KeyboardInterrupt

    async def _record(self, context: Context, recorder: Recorder) -> None:
        from framework.modes.recording import Recording
        from framework.session.clock import WallClock

        exchange = context.settings.exchange
        clock = exchange.clock_of(WallClock())
        connection = exchange.connect(clock)
        feed = self._feed(context, recorder, connection, clock)
        recording = Recording(
            context.logger,
            clock,
            feed,
            recorder,
            flush_s=_seconds(self.flush_every),
            buffer=self.buffer,
        )
        loop = asyncio.get_running_loop()
        with ToldGently(lambda: loop.call_soon_threadsafe(recording.stop)):
            asides = [
                asyncio.create_task(self._show(context, recording)),
                asyncio.create_task(_keep_rules(context, connection, recorder)),
            ]
            try:
                await recording.run(None if self.duration is None else _seconds(self.duration))
            finally:
                for aside in asides:
                    aside.cancel()
                await asyncio.gather(*asides, return_exceptions=True)

    def _feed(
        self, context: Context, recorder: Recorder, connection: Connection, clock: Clock
    ) -> Feed:
        import numpy as np

        from framework.exchange.connection import Channel
        from framework.feed.live_feed import LiveFeed

        settings = context.settings
        channels = {Channel(name) for name in self.what} | {Channel.CANDLES}
        return LiveFeed(
            connection,
            clock,
            tuple(recorder.stored),
            self.interval,
            recorder.first_wanted(clock.now_ns(), self.backfill.ns),
            frozenset(channels),
            np.random.default_rng(settings.seed),
            book_every_s=_seconds(self.book_every),
            book_depth=self.depth,
        )

    async def _show(self, context: Context, recording: Recording) -> None:
        """Show what is stored: a table that stays up to date, or a line from time to time."""
        from framework.modes.recording_shown import progress_line, recorded_table

        if not context.console.is_terminal:
            while True:
                await asyncio.sleep(_seconds(self.tell_every))
                context.logger.info(progress_line(recording))
        from rich.live import Live

        with Live(
            console=context.console,
            get_renderable=lambda: recorded_table(recording.recorder, recording),
            refresh_per_second=2,
            transient=True,
        ):
            await asyncio.Event().wait()


async def _keep_rules(context: Context, connection: Connection, recorder: Recorder) -> None:
    """Note in the database what the exchange says of the pairs; what fails is said, and no more."""
    from framework.modes.market_rules import keep_rules

    try:
        markets = await connection.markets()
        known = [pair for pair in recorder.stored if pair in markets]
        keep_rules(context, markets, known, await connection.time())
    except OutsideFault as fault:
        context.logger.info(f"{fault} Order rules stay as they were noted.")


def _seconds(interval: Interval) -> float:
    return interval.ns / SECOND_NS
