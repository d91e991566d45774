"""What launchers over several processes share: chunks go out, results are kept here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from framework.sweep.batch_launcher import BatchLauncher
from framework.sweep.trial import TrialResult

if TYPE_CHECKING:
    from framework.market.certificate import Certificate
    from framework.sweep.batch import Checked
    from framework.sweep.candle_shelf import CandleShelf
    from framework.sweep.chunks import Chunk, Finished

_AHEAD = 2
"""Chunks given out for each process, so that none waits for its next."""

_PILOTS = 2
"""Trials run in this process first: the compiled code is then there for all, and timed."""


class Workers(Protocol):
    """Processes that run chunks. Chunks of a process that dies are theirs to run again."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def start(self, chunk: Chunk, shelf: CandleShelf) -> None:
        """Give out a chunk, to whoever is free first."""

    def next_finished(self) -> Finished:
        """Wait for any chunk given out.

        Raises
        ------
        OutsideFault
            Processes died too often.
        """
        ...

    def stop(self) -> None:
        """End all that still runs, at once."""


class ChunkLauncher(BatchLauncher):
    """Runs trials in other processes, and those that are runs of their own in this one."""

    def __init__(self) -> None:
        super().__init__()
        self._workers: Workers | None = None
        self._pace: Any = None

    @abstractmethod
    def open_workers(self) -> Workers:
        """Start the processes, or find them."""

    def run_batches(self, batches: Sequence[Checked]) -> Iterator[Sequence[TrialResult]]:
        """Run groups and yield results as they come, each trial's once, each taken down before."""
        from framework.sweep.chunks import Cutter, Pace

        stock = self._candles()
        self._pace = self._pace or Pace()
        batches = list(batches)
        if batches and not self._pace.known:
            yield from self._run_pilots(batches)
        if not batches:
            return
        self._workers = workers = self._workers or self.open_workers()
        out: dict[int, Certificate] = {}
        try:
            for chunk, shelf, certificate in Cutter(batches, stock, self._pace).cut(workers.count):
                while len(out) >= _AHEAD * workers.count:
                    yield self._take_next(workers, out)
                workers.start(chunk, shelf)
                out[chunk.number] = certificate
            while out:
                yield self._take_next(workers, out)
        except BaseException:
            self._workers = None
            workers.stop()
            raise

    def _take_next(self, workers: Workers, out: dict[int, Certificate]) -> Sequence[TrialResult]:
        finished = workers.next_finished()
        self._pace.took(len(finished.results), finished.seconds)
        self.keep(finished.results, out.pop(finished.number))
        return finished.results

    def _run_pilots(self, batches: list[Checked]) -> Iterator[Sequence[TrialResult]]:
        """Run the first trials here, one by one, and leave the others in `batches`."""
        from framework.sweep.isolate import part, run_isolated

        first, shelf = batches.pop(0), self._candles()
        certificate = shelf.load(first.settings, first.warmup).certificate
        rows = first.order()
        for row in rows[:_PILOTS]:
            started = perf_counter()
            for results in run_isolated(part(first, [row]), shelf):
                self.keep(results, certificate)
                yield results
            self._pace.took(1, perf_counter() - started)
        if rows[_PILOTS:]:
            batches.insert(0, part(first, rows[_PILOTS:]))
