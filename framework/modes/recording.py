"""One recording under way: hears a feed, flushes to the store from time to time, and ends whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from framework.errors import FrameworkError, OutsideFault
from framework.feed.events import State, StateChanged
from framework.feed.feed import Feed
from framework.feed.recorder import Batch, Recorder
from framework.interfaces import Clock

if TYPE_CHECKING:
    from loguru import Logger

Store = Callable[[dict[str, Batch]], Awaitable[None]]


class Recording:
    """Takes events of a feed until it is told to stop, in bounded memory.

    Where the store cannot be written, what was heard waits and is tried again; when too much waits,
    the recording ends, for what the store holds is where the next one goes on.

    Parameters
    ----------
    logger : Logger
    clock : Clock
    feed : Feed
        Not started yet.
    recorder : Recorder
    flush_s : float
        Seconds between two flushes.
    buffer : int
        Candles, trades and books that may wait.
    tidy_s : float
        Seconds between two deletions of files that joined ones have replaced.
    keep_hours : int
        How long such a file is kept.
    aside : bool
        Write in a thread of its own, so that hearing goes on meanwhile.
    """

    def __init__(
        self,
        logger: Logger,
        clock: Clock,
        feed: Feed,
        recorder: Recorder,
        *,
        flush_s: float,
        buffer: int,
        tidy_s: float = 3_600.0,
        keep_hours: int = 24,
        aside: bool = True,
    ) -> None:
        self.recorder = recorder
        self.state = State.CONNECTING
        """How the feed stands with the exchange."""
        self._logger = logger
        self._clock = clock
        self._feed = feed
        self._flush_s = flush_s
        self._buffer = buffer
        self._tidy_s = tidy_s
        self._keep_hours = keep_hours
        self._aside = aside
        self._stopped = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._fault: OutsideFault | None = None

    def stop(self) -> None:
        """End in good order: what was heard is stored first."""
        self._stopped.set()

    async def run(self, duration_s: float | None = None) -> None:
        """Record until told to stop, `duration_s` has passed, or the feed ends.

        Raises
        ------
        OutsideFault
            The exchange declines, or the store cannot be written and the buffer is full.
        """
        async with self._feed:
            working = [
                asyncio.create_task(self._hear()),
                asyncio.create_task(self._keep_flushing()),
                asyncio.create_task(self._keep_tidy()),
                asyncio.create_task(self._stopped.wait()),
            ]
            if duration_s is not None:
                working.append(asyncio.create_task(self._clock.sleep(duration_s)))
            try:
                await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in working:
                    task.cancel()
                ended = await asyncio.gather(*working, return_exceptions=True)
        faults = [
            outcome
            for outcome in ended
            if isinstance(outcome, BaseException)
            and not isinstance(outcome, asyncio.CancelledError)
        ]
        if self._fault is None:
            await self._hear_rest()
        if faults:
            with contextlib.suppress(OutsideFault):  # the first fault is the one to tell
                await self._flush()
            raise faults[0]
        await self._flush_last()

    async def _hear(self) -> None:
        async for event in self._feed:
            if isinstance(event, StateChanged):
                self._enter(event)
            self.recorder.hear(event)
            if self.recorder.waiting >= self._buffer:
                self._room.clear()
                await self._room.wait()

    async def _hear_rest(self) -> None:
        """Take what the feed told before it ended; its fault was raised already, if it has one."""
        with contextlib.suppress(FrameworkError):
            async for event in self._feed:
                self.recorder.hear(event)

    async def _keep_flushing(self) -> None:
        while True:
            await self._until_flush()
            try:
                await self._flush()
            except OutsideFault as fault:
                waiting = f"{self.recorder.waiting:,} candles, trades and books"
                if self.recorder.waiting >= self._buffer:
                    raise OutsideFault(
                        f"{str(fault).rstrip('.')}; {waiting} wait, more than mode.buffer: "
                        "what the store holds is where the next mode=collect goes on."
                    ) from fault
                if self._fault is None:
                    again = f"trying again every {self._flush_s:g} s"
                    self._logger.warning(f"{fault} {waiting} wait, {again}.")
                self._fault = fault
            else:
                if self._fault is not None:
                    self._logger.info("the store can be written again")
                self._fault = None
            if self.recorder.waiting < self._buffer:
                self._room.set()

    async def _until_flush(self) -> None:
        """Wait for the time of the next flush, or until the buffer is half full."""
        waited_s, step_s = 0.0, min(self._flush_s, 0.25)
        while waited_s < self._flush_s:
            await self._clock.sleep(step_s)
            waited_s += step_s
            if self.recorder.waiting >= self._buffer // 2 and self._fault is None:
                return

    async def _flush(self) -> None:
        taken = self.recorder.take()
        if taken and self._aside:
            # shielded: a thread cannot be stopped, so that its end is waited for
            storing = asyncio.ensure_future(asyncio.to_thread(self.recorder.store, taken))
            try:
                await asyncio.shield(storing)
            except asyncio.CancelledError:
                with contextlib.suppress(OutsideFault):  # what it could not store waits again
                    await storing
                raise
        elif taken:
            self.recorder.store(taken)

    async def _flush_last(self) -> None:
        try:
            await self._flush()
        except OutsideFault as fault:
            lost = f"{self.recorder.waiting:,} candles, trades and books were not stored"
            raise OutsideFault(f"{str(fault).rstrip('.')}; {lost}.") from fault

    async def _keep_tidy(self) -> None:
        while True:
            await self._clock.sleep(self._tidy_s)
            try:
                if self._aside:
                    await asyncio.to_thread(self.recorder.vacuum, self._keep_hours)
                else:
                    self.recorder.vacuum(self._keep_hours)
            except OutsideFault as fault:
                self._logger.warning(f"{fault} Replaced files are left for now.")

    def _enter(self, change: StateChanged) -> None:
        if change.state is not self.state or change.reason:
            reason = f": {change.reason}" if change.reason else ""
            self._logger.info(f"exchange {change.state.value}{reason}")
        self.state = change.state
