"""A text stream whose failing does not stop the work that it tells of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from framework.config.signals import silence


class Writable(Protocol):
    """What a stream writes into."""

    def write(self, text: str, /) -> int:
        """Write `text`."""

    def flush(self) -> None:
        """Hand on what is buffered."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Stream:
    """Writes into another stream until that fails, then drops what is written and keeps the fault.

    Parameters
    ----------
    stream : text stream
        Standard output, standard error, or a file.
    """

    def __init__(self, stream: Writable) -> None:
        self._stream = stream
        self._elsewhere: Callable[[str], object] | None = None
        self.fault: OSError | None = None

    def divert(self, elsewhere: Callable[[str], object] | None) -> None:
        """Give `elsewhere` what is written from now on; None: write it again."""
        self._elsewhere = elsewhere

    def write(self, text: str) -> int:
        """Write `text`, or drop it."""
        if self._elsewhere is not None:
            self._elsewhere(text)
        elif self.fault is None:
            try:
                self._stream.write(text)
            except OSError as fault:
                self._give_up(fault)
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        if self.fault is None:
            try:
                self._stream.flush()
            except OSError as fault:
                self._give_up(fault)

    def __getattr__(self, name: str) -> Any:
        """Be like the other stream in everything else: its encoding, whether it is a terminal."""
        return getattr(self._stream, name)

    def _give_up(self, fault: OSError) -> None:
        self.fault = fault
        try:
            descriptor = self._stream.fileno()
        except OSError:  # it is none of the process's own
            return
        silence(descriptor)
