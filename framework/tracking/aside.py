"""Track a run in a process of its own, which may take its time, hang or die without harm to it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Thread

from framework.errors import OutsideFault, UserError
from framework.records import Begun, Ended
from framework.tracking.process import Opens


class Aside:
    """One run's tracking, made by the process `framework.tracking.process`.

    What it is to keep is handed over by a thread, so that the run never waits for it before its
    end.

    Parameters
    ----------
    tracker : Opens
        Sent over as bytes.
    run : Begun
        The run.
    patience : float
        Seconds that the end of the run waits for the process, after which it is killed.

    Raises
    ------
    OSError
        No process can be started.
    """

    def __init__(self, tracker: Opens, run: Begun, patience: float) -> None:
        self._patience = patience
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._outbox.put(pickle.dumps((tracker, run, patience)))
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "framework.tracking.process"],
            stdin=subprocess.PIPE,
            stdout=self._said,
            stderr=self._said,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # a Ctrl-C is for the run, whose end is still to be told
        )
        self._feeder = Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def end(self, run: Ended) -> None:
        """Say how the run ended, and wait until all of it is kept.

        Raises
        ------
        OutsideFault
            It is not: with the last line that the process wrote, or since it took too long.
        """
        self._outbox.put(pickle.dumps(run))
        self._outbox.put(None)
        try:
            code = self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            raise OutsideFault(f"not done within {self._patience:g} s") from None
        finally:
            self._process.kill()
            self._process.wait()
            self._feeder.join()
            said = self._last_line()
        if code:
            raise OutsideFault(said or f"ended with exit code {code}")

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - asked for above
        with suppress(OSError):  # the process is gone; its exit code tells
            while (message := self._outbox.get()) is not None:
                pipe.write(message)
                pipe.flush()
        with suppress(OSError):
            pipe.close()

    def _last_line(self) -> str:
        with self._said as said:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def require(package: str, extra: str) -> None:
    """Raise UserError when a tracker's package is not installed, without importing it."""
    if find_spec(package) is None:
        raise UserError(f"tracking: {package} is not installed; pip install -e '.[{extra}]'.")
