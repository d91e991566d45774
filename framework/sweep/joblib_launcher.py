"""Hydra launcher ``joblib``: chunks of trials in several processes of this machine."""

from __future__ import annotations

import os
import signal
import tempfile
import weakref
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any

from framework.errors import OutsideFault, UserError
from framework.sweep.chunk_launcher import ChunkLauncher

if TYPE_CHECKING:
    from concurrent.futures import Future

    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from framework.sweep.candle_shelf import CandleShelf
    from framework.sweep.chunks import Chunk, Finished

_DEATHS = 2
"""After so many times that a process died in the middle of its work, the fault is no accident."""

_IDLE_SECONDS = 600
_ONE_THREAD = {
    name: "1"
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}


class JoblibLauncher(ChunkLauncher):
    """Runs chunks in joblib's processes, which stay from one launch to the next.

    Parameters
    ----------
    workers : int, optional
        Processes; left out, one for each processor that this one may use.
    """

    def __init__(self, workers: int | None = None) -> None:
        super().__init__()
        self._count = workers

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over.

        Raises
        ------
        UserError
            joblib is not installed, or the number is none.
        """
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        check_count("hydra.launcher.workers", self._count)
        try:
            import joblib  # noqa: F401
        except ImportError:
            raise UserError(
                "hydra/launcher=joblib: needs the package joblib; pip install -e '.[joblib]'."
            ) from None

    def open_workers(self) -> Processes:
        """Start the processes."""
        import joblib

        return Processes(self._count or joblib.cpu_count())


def check_count(key: str, count: object) -> None:
    """Raise UserError unless `count` is None or a whole number from 1 on."""
    if count is not None and (type(count) is not int or count < 1):
        raise UserError(f"{key}: must be a whole number, at least 1, or null (was {count!r}).")


class Processes:
    """Processes of this machine; candles are read by all of them from one file in memory.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        from joblib.externals.loky.backend import resource_tracker

        self.count = count
        self._deaths = 0
        self._out: dict[Future[Finished], tuple[Chunk, Path]] = {}
        self._shelf: CandleShelf | None = None
        shared = Path("/dev/shm")  # noqa: S108 - memory, where there is such a folder
        self._folder = Path(
            tempfile.mkdtemp(prefix="candles-", dir=shared if os.access(shared, os.W_OK) else None)
        )
        self._files = 0
        # removes the folder when this process is killed
        resource_tracker.register(str(self._folder), "folder")
        self._remove = weakref.finalize(self, _remove, self._folder)
        self._pool = self._open()

    def start(self, chunk: Chunk, shelf: CandleShelf) -> None:
        """Give out a chunk, to whoever is free first."""
        if shelf is not self._shelf:
            import joblib

            self._files += 1
            joblib.dump(shelf, self._file)
            self._shelf = shelf
        self._submit(chunk, self._file)

    def next_finished(self) -> Finished:
        """Wait for any chunk given out.

        Raises
        ------
        OutsideFault
            Processes died twice.
        """
        from concurrent.futures import FIRST_COMPLETED, wait
        from concurrent.futures.process import BrokenProcessPool

        while True:
            done, _ = wait(self._out, return_when=FIRST_COMPLETED)
            future = next(iter(done))
            try:
                finished = future.result()
            except BrokenProcessPool as died:
                self._start_again(died)
                continue
            del self._out[future]
            return finished

    def stop(self) -> None:
        """End all processes, at once."""
        self._out.clear()
        self._pool.shutdown(wait=False, kill_workers=True)
        self._remove()

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._files}.joblib"

    def _open(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        return ProcessPoolExecutor(
            self.count,
            timeout=_IDLE_SECONDS,
            initializer=_begin_process,
            initargs=(os.getpid(),),
            env=_ONE_THREAD,
        )

    def _submit(self, chunk: Chunk, file: Path) -> None:
        self._out[self._pool.submit(_run_chunk, chunk, file)] = (chunk, file)

    def _start_again(self, died: Exception) -> None:
        """Give out again all that was not finished, to new processes."""
        lost = [each for future, each in self._out.items() if not _has_result(future)]
        self._deaths += 1
        if self._deaths >= _DEATHS:
            trials = sum(len(chunk.group.trials) for chunk, _ in lost)
            raise OutsideFault(
                f"hydra/launcher=joblib: processes died {_DEATHS} times, now while {trials} trials "
                f"were with them; less memory is taken with fewer, hydra.launcher.workers "
                f"(was {self.count})."
            ) from died
        self._out = {future: each for future, each in self._out.items() if _has_result(future)}
        self._pool = self._open()
        for chunk, file in lost:
            self._submit(chunk, file)


def _has_result(future: Future[Finished]) -> bool:
    return future.done() and future.exception() is None


def _remove(folder: Path) -> None:
    from joblib.externals.loky.backend import resource_tracker

    rmtree(folder, ignore_errors=True)
    resource_tracker.unregister(str(folder), "folder")


def _begin_process(parent: int) -> None:
    """Leave it to the process that started this one to say when to end, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(1.0)
    os._exit(1)


@lru_cache(maxsize=1)
def _open_shelf(file: Path) -> CandleShelf:
    import joblib

    shelf: CandleShelf = joblib.load(file, mmap_mode="r")
    return shelf


def _run_chunk(chunk: Chunk, file: Path) -> Finished:
    from framework.sweep.chunks import run_chunk

    return run_chunk(chunk, _open_shelf(file))
