"""Which unfinished training a run goes on with: its checkpoints are copied, it is left as it is."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import OutsideFault, UserError
from framework.learning.identity import Identity, differences
from framework.modes.context import Context

if TYPE_CHECKING:
    from framework.results.database import RunRow

FOLDER = "training"
"""Of a run's directory: where its trainers keep their state."""

_IDENTITY = "identity.json"
_LOCK = "lock"


def resume(context: Context, identity: Identity) -> Path:
    """Make this run's folder of training state, with what an earlier run left if it goes on.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    identity : dict of str to str
        What its result rests on.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UserError
        The run named by ``resume`` trains something else, or is still at it.
    """
    folder = context.run_dir / FOLDER
    folder.mkdir()
    wanted = context.settings.resume
    if wanted == "auto":
        earlier = _newest(context, identity)
    elif wanted == "never":
        earlier = None
    else:
        earlier = _named(context, wanted, identity)
    if earlier is not None:
        _copy(earlier, folder)
        context.logger.info(f"goes on with the training of {earlier}")
    (folder / _IDENTITY).write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder of training state, so that no other run goes on with it meanwhile."""
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _newest(context: Context, identity: Identity) -> Path | None:
    """Return the newest run that stopped in the middle of the same training."""
    told = False
    for row in reversed(_unfinished(context)):
        directory = Path(row.directory)
        found = _identity(directory)
        if found is None:
            continue
        lines = differences(found, identity)
        if lines:
            if not told:
                context.logger.info(
                    f"{directory.name} is unfinished, but another training: {lines[0]}"
                    + (f" and {len(lines) - 1} more" if len(lines) > 1 else "")
                )
            told = True
        elif _free(directory):
            return directory
    return None


def _named(context: Context, name: int | str, identity: Identity) -> Path:
    """Return the directory of the run that ``resume`` names, if it can be gone on with."""
    assert context.database is not None  # noqa: S101 - training is recorded
    path = Path(str(name))
    if not path.is_dir():
        row = context.database.find_run(name)
        if row is None:
            raise UserError(f"resume: '{name}' is neither auto, never nor a run.")
        path = Path(row.directory)
    found = _identity(path)
    if found is None:
        raise UserError(f"resume: {path} has kept no state of a training.")
    if lines := differences(found, identity):
        raise UserError(*(f"resume: {path} cannot be gone on with: {line}." for line in lines))
    if not _free(path):
        raise UserError(f"resume: {path} is still being trained by another process.")
    return path


def _unfinished(context: Context) -> list[RunRow]:
    assert context.database is not None  # noqa: S101 - training is recorded
    settings = context.settings
    return [
        row
        for row in context.database.runs()
        if row.mode == settings.mode.name
        and row.strategy == settings.strategy.name
        and row.status != "done"
        and row.id != context.run_id
    ]


def _identity(directory: Path) -> Identity | None:
    """Return what an earlier run trained; None where it kept nothing that can be read."""
    try:
        kept = json.loads((directory / FOLDER / _IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def _free(directory: Path) -> bool:
    """Tell whether no process is training there."""
    try:
        with locked(directory / FOLDER):
            return True
    except OSError:
        return False


def _copy(earlier: Path, folder: Path) -> None:
    """Copy the state that an earlier run kept."""
    for kept in sorted((earlier / FOLDER).iterdir()):
        if kept.is_dir():
            try:
                shutil.copytree(kept, folder / kept.name)
            except shutil.Error as fault:
                raise OutsideFault(f"{kept}: cannot be copied ({fault.args[0][0][2]}).") from fault
