"""What a sweep says: on the console and in its run.log."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, strftime
from typing import TYPE_CHECKING, TextIO

from framework.config.signals import say
from framework.config.stream import Stream
from framework.errors import OutsideFault

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress as Bar

_SECONDS = 10.0
"""Between two lines that tell how far a sweep is, where nobody watches a bar."""


class Voice:
    """Prints lines and tables, and writes them into a log once there is one.

    Parameters
    ----------
    redact : callable
        Masks the secrets in a text.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        from rich.console import Console

        self._redact = redact
        self._file: TextIO | None = None
        self._log: Stream | None = None
        self._output = Stream(sys.stdout)
        self._console = Console(file=self._output)  # type: ignore[arg-type]
        self._progress: Progress | None = None

    def log_into(self, file: Path) -> None:
        """Write everything said from now on into `file` as well."""
        self._file = file.open("a", encoding="utf-8", errors="backslashreplace")
        self._log = Stream(self._file)

    def say(self, text: str) -> None:
        """Print a line on standard error."""
        text = self._redact(text)
        say(f"{strftime('%H:%M:%S')} {text}")
        self.note(text)

    def note(self, text: str) -> None:
        """Write a line into the log only."""
        if self._log is not None:
            self._log.write(f"{strftime('%Y-%m-%d %H:%M:%S')} {self._redact(text)}\n")
            self._log.flush()

    def print(self, renderable: RenderableType) -> None:
        """Print a table on standard output and into the log."""
        from rich.console import Console

        self._console.print(renderable)
        if self._log is not None:
            Console(file=self._log, width=120, no_color=True).print(renderable)  # type: ignore[arg-type]
            self._log.flush()

    def progress(self, total: int, done: int) -> Progress:
        """Return a display of how far a sweep is."""
        bar = self._console.is_terminal and sys.stderr.isatty()
        return Progress(self, total, done, bar)

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            self._file.close()
            self._file = self._log = None

    def require_told(self, directory: Path) -> None:
        """Raise OutsideFault unless all that was said could be written."""
        for name, stream in (("standard output", self._output), ("run.log", self._log)):
            if stream is not None and stream.fault is not None:
                reason = stream.fault.strerror or stream.fault
                raise OutsideFault(
                    f"{name}: cannot be written ({reason}); the sweep is complete in {directory}."
                )


class Progress:
    """How far a sweep is: a bar where somebody watches, else a line now and then."""

    def __init__(self, voice: Voice, total: int, done: int, bar: bool) -> None:
        self._voice, self._total, self._before = voice, total, done
        self._started = self._said = perf_counter()
        self._bar = _bar(voice._console, total, done) if bar else None

    def show(self, done: int, best: str) -> None:
        """Tell how many trials are done and how good the best is."""
        now = perf_counter()
        rate = (done - self._before) / max(now - self._started, 1e-9)
        text = f"{done:,} of {self._total:,} trials, {rate:,.0f} a second{best}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=text)
        elif now - self._said >= _SECONDS:
            self._said = now
            self._voice.say(text)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _bar(console: Console, total: int, done: int) -> Bar:
    import rich.progress
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    bar = rich.progress.Progress(*columns, console=console, transient=True)
    bar.add_task("", total=total, completed=done)
    bar.start()
    return bar
