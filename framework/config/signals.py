"""End cleanly when told to: from the first import to the interpreter's own end.

Nothing but the standard library's smallest parts is imported here, so that the first milliseconds
are covered too.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130
"""Exit code of a process that was told to stop."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_ECHO_S = 0.1

_told = False
_said = False


def end_cleanly(main: Callable[[], None]) -> None:
    """Call `main` and turn SIGINT and SIGTERM, wherever they hit, into one line and exit code 130.

    The first raises KeyboardInterrupt, so that files and rows are closed; a second one ends the
    process at once, which loses nothing but the closing. Once the work is done both are ignored:
    the exit code is settled.

    Raises
    ------
    SystemExit
        With exit code 130.
    """
    _open_closed_streams()
    try:
        try:
            _listen()
            main()
        finally:
            for name in SIGNALS:
                signal.signal(name, signal.SIG_IGN)
            gc.freeze()  # or the interpreter looks through all that is left, for half a second
    except BaseException:
        if not was_told():
            raise
        say_interrupted()
        # CPython remembers a KeyboardInterrupt that passed through exec() of a string, as making
        # a dataclass runs it, and would end by SIGINT whatever the exit code, until the next one.
        exec("")  # noqa: S102
        raise SystemExit(INTERRUPTED) from None


def was_told() -> bool:
    """Tell whether a signal came.

    Whatever is raised after that is its doing: code that was cut in two while it cleaned up may
    put an exception of its own in the place of KeyboardInterrupt, or swallow it.
    """
    return _told


class ToldGently:
    """While it is entered, the first signal calls `stop` and nothing is raised.

    For work that ends itself in good order, such as an event loop's. A second signal ends the
    process at once, as ever; who entered this raises KeyboardInterrupt when the work has ended.

    Parameters
    ----------
    stop : callable
        Called between two instructions of the main thread.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        self._before = {name: signal.signal(name, self._tell) for name in SIGNALS}

    def __exit__(self, *_: object) -> None:
        if not was_told():
            for name, handler in self._before.items():
                signal.signal(name, handler)  # type: ignore[arg-type]

    def _tell(self, signum: int, frame: FrameType | None) -> None:
        _note()
        self._stop()


def require_untold() -> None:
    """Raise KeyboardInterrupt if a signal came and was swallowed."""
    if _told:
        raise KeyboardInterrupt


def say_interrupted() -> None:
    """Print the one word of a process that was told to stop, once."""
    global _said
    if not _said:
        _said = True
        say("interrupted")


def say(message: str) -> None:
    """Print a line on standard error, if anybody is there to read it."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        silence(2)


def silence(descriptor: int) -> None:
    """Let a broken standard stream swallow what is still buffered for it."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _listen() -> None:
    for name in SIGNALS:
        signal.signal(name, _interrupt)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    _note()
    raise KeyboardInterrupt


def _note() -> None:
    """Remember that a signal came; the next one ends the process.

    A signal and its echo count as one: timeout(1) and other wrappers send to the process and to
    its group, so that one wish to stop arrives twice.
    """
    global _told
    _told = True
    for name in SIGNALS:
        signal.signal(name, signal.SIG_IGN)
    time.sleep(_ECHO_S)
    for name in SIGNALS:
        signal.signal(name, signal.SIG_DFL)


def _open_closed_streams() -> None:
    """Put nothing in the place of closed standard streams.

    Otherwise the next file opened would take their number, and what is printed would go into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
