"""Go through a session's journal as a backtest, and compare every decision and fill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from framework.config.component import component
from framework.errors import UserError
from framework.modes.context import Context

if TYPE_CHECKING:
    from framework.modes.settings import Settings


@component
class Replay:
    """Replay the session named by ``run=DIR``."""

    recorded: ClassVar[bool] = False

    name: Literal["replay"] = "replay"
    """Of this mode."""

    def prepare(self, context: Context) -> None:
        """Refuse to replay nothing."""
        if context.settings.run is None:
            raise UserError("run: name the session to replay, a directory or an id: run=DIR.")

    def run(self, context: Context) -> None:
        """Compare, and print that all was identical.

        Raises
        ------
        CheckFailed
            Naming the first difference: bar, pair, what it was, both values.
        UserError
            There is no such session.
        OutsideFault
            Its files are damaged.
        """
        from framework.modes.session_files import read_session
        from framework.session.replay import replay

        settings = context.settings
        assert settings.run is not None  # noqa: S101 - seen to by prepare
        directory = _directory(settings.run, settings)
        session = read_session(directory, settings.plugins)
        replayed = replay(directory, session.pipeline, session.warmup, session.inputs)
        context.print(replayed.line)


def _directory(named: int | str, settings: Settings) -> Path:
    """Return the directory of a run named by path, name or id."""
    from framework.results.database import open_database

    path = Path(str(named))
    if path.is_file():
        return path.parent
    if path.is_dir():
        return path
    row = open_database(settings.database, create=False).find_run(named)
    if row is None:
        raise UserError(f"run: '{named}' is neither a directory nor a run.")
    return Path(row.directory)
