"""Where a session's lines are printed: plain, or above a table that changes, on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from framework.config.stream import Stream
from framework.session.errands import Errands

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_ROOM = 10_000
_CLOSING_S = 10.0


class Screen:
    """Prints without keeping anybody waiting.

    Parameters
    ----------
    console : Console
        On which lines are printed.
    errors : Stream
        Standard error; on the same terminal its lines go above the table, too.
    table : callable
        Returns the table to show; called once a second, in another thread.
    """

    def __init__(
        self, console: Console, errors: Stream, table: Callable[[], RenderableType]
    ) -> None:
        self._console = console
        self._errors = errors
        self._table = table
        self._live: Live | None = None
        self._unsaid = 0

    def __enter__(self) -> Self:
        from rich.live import Live

        self._errands = Errands("screen", _ROOM)
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._table,
                refresh_per_second=1,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            if self._errors.isatty():
                self._errors.divert(lambda text: self.line(text.rstrip("\n")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._errors.divert(None)
        done = self._errands.close(_CLOSING_S)
        if self._live is not None and done:
            self._live.stop()

    def line(self, text: str) -> None:
        """Print a line, in time; where too many wait it is left out, and their number said."""
        unsaid = self._unsaid
        if self._errands.give(lambda: self._print(text, unsaid)):
            self._unsaid = 0
        else:
            self._unsaid += 1

    def _print(self, text: str, unsaid: int) -> None:
        if unsaid:
            text = f"({unsaid:,} lines were not shown; run.log has them)\n{text}"
        whole = not self._console.is_terminal  # where lines may be read by a program
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=whole)
