"""The process that tracks one run: it is told of the run's begin and end, and sees its epochs.

Whatever goes wrong is its last line on standard error, and exit code 1.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO, Protocol

from framework.records import Begun, Ended
from framework.tracking.epochs import Epochs

LOOK_SECONDS = 5.0
"""How often it looks for new epochs."""


class Writer(Protocol):
    """Writes one run where a tracker keeps it."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Write figures of one step, an epoch."""

    def close(self, run: Ended) -> None:
        """Write how the run ended."""


class Opens(Protocol):
    """A tracker that does its work in this process."""

    def open(self, run: Begun) -> Writer:
        """Make the entry of a run that begins."""


def main() -> None:
    """Track the run that standard input tells of."""
    source = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # no tracker asks a question of it
    try:
        tracker, run, patience = pickle.load(source)  # noqa: S301 - of the process that made this
        inbox: SimpleQueue[Ended] = SimpleQueue()
        Thread(target=_listen, args=(source, inbox, patience), daemon=True).start()
        _track(tracker, run, inbox)
    except Exception as fault:
        print(f"\n{_line(fault)}", file=sys.stderr, flush=True)
        os._exit(1)  # not waiting for threads and last rites of a tracker that failed


def _listen(source: BinaryIO, inbox: SimpleQueue[Ended], patience: float) -> None:
    """Take what comes; from then on there is so much time, and no more."""
    try:
        ended = pickle.load(source)  # noqa: S301 - as above
    except (EOFError, pickle.UnpicklingError):
        ended = Ended(status="interrupted")  # the run's process was killed
    signal.alarm(math.ceil(patience))
    inbox.put(ended)


def _track(tracker: Opens, run: Begun, inbox: SimpleQueue[Ended]) -> None:
    writer = tracker.open(run)
    epochs = Epochs(run.directory)
    ended = None
    while ended is None:
        try:
            ended = inbox.get(timeout=LOOK_SECONDS)
        except Empty:
            pass
        for epoch, figures in epochs.new():
            writer.log(epoch, figures)
    writer.close(ended)


def _line(fault: Exception) -> str:
    """Return what a fault says, as one line."""
    said = next((line for line in str(fault).splitlines() if line.strip()), "")
    return f"{type(fault).__name__}: {said.strip()}" if said else type(fault).__name__


if __name__ == "__main__":
    main()
