"""What a mode is given to work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from framework.config.stream import Stream
from framework.errors import OutsideFault
from framework.modes.settings import Settings

if TYPE_CHECKING:
    from loguru import Logger
    from rich.console import Console, RenderableType
    from rich.progress import Progress

    from framework.config.secrets import Redactor
    from framework.results.database import Database


@dataclass(kw_only=True)
class Context:
    """One run's settings, its place to write and its voice."""

    settings: Settings
    config: str
    """The composed configuration as YAML, without secrets."""

    overrides: tuple[str, ...]
    """What the command line changed, without secrets."""

    redact: Redactor
    """Masks the secrets of the configuration in a text."""

    logger: Logger
    console: Console
    output: Stream
    """Standard output, on which `console` prints."""

    errors: Stream
    """Standard error, on which `logger` writes."""

    sweeping: bool = False
    """Whether the run is one of a sweep."""

    run_dir: Path = Path()
    """The run's own directory, once it is recorded."""

    database: Database | None = None
    run_id: int | None = None
    started: float = field(default_factory=perf_counter)
    """Moment of the performance counter, for durations only."""

    _log: Stream | None = None
    _log_console: Console | None = None

    @contextmanager
    def logged_into(self, file: Path) -> Iterator[None]:
        """Write everything printed meanwhile into `file` as well, with more detail.

        It stays small however long that is, see `RollingFile`.
        """
        from rich.console import Console as RichConsole

        from framework.config.rolling_file import KEPT, LIMIT, RollingFile

        with closing(RollingFile(file, LIMIT, KEPT)) as opened:
            self._log = Stream(opened)
            self._log_console = RichConsole(file=self._log, width=120, no_color=True)  # type: ignore[arg-type]
            sink = self.logger.add(
                self._log,
                format="{time:YYYY-MM-DD HH:mm:ss.SSS} {level} {message}",
                level="DEBUG",
                backtrace=False,
                diagnose=False,  # would write the values of variables, secrets among them
            )
            try:
                yield
            finally:
                self.logger.remove(sink)
                self._log_console = None

    def print(self, renderable: RenderableType) -> None:
        """Print a table or text on the console and into the run's log."""
        self.console.print(renderable)
        if self._log_console is not None:
            self._log_console.print(renderable)

    def seconds(self) -> float:
        """Return the wall time since the run began."""
        return perf_counter() - self.started

    def require_told(self) -> None:
        """Raise OutsideFault unless all that was printed and logged could be written."""
        done = f"; the run is complete in {self.run_dir}" if self.run_id is not None else ""
        for name, stream in (("standard output", self.output), ("run.log", self._log)):
            if stream is not None and stream.fault is not None:
                reason = stream.fault.strerror or stream.fault
                raise OutsideFault(f"{name}: cannot be written ({reason}){done}.")

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Yield a progress display that is gone when its work is done."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as progress:
            yield progress
