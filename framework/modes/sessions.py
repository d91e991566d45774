"""Where a session keeps itself, and which unfinished one a run goes on with."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.disk import whole_file
from framework.errors import UserError
from framework.modes.context import Context

if TYPE_CHECKING:
    from framework.results.database import RunRow

_IDENTITY = "identity.json"
_LOCK = "lock"
_APART = (
    *("run_dir", "database", "report", "verify", "resume", "run", "runs", "search", "sweep"),
    *("mode", "notify", "tracking", "monitor", "evaluation", "gate", "sanity", "training", "store"),
    *("learning", "store_options", "hydra"),
)
"""Parts of the configuration that do not tell two sessions apart."""


def identity_of(context: Context) -> dict[str, str]:
    """Return a digest of each part of the configuration that makes a session what it is."""
    import yaml

    tree: dict[str, Any] = yaml.safe_load(context.config)
    return {
        name: hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()
        for name, part in sorted(tree.items())
        if name not in _APART
    }


def keep_identity(folder: Path, identity: dict[str, str]) -> None:
    """Write what a session is, so that `find_session` finds it."""
    if _identity(folder) == identity:
        return
    with whole_file(folder / _IDENTITY, durable=True) as beside:
        beside.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")


def find_session(context: Context, folder: str) -> RunRow | None:
    """Return the run of the session to go on with, None where a new one begins.

    Parameters
    ----------
    context : Context
        With its database open.
    folder : str
        Of a run's directory, in which sessions keep themselves.

    Raises
    ------
    UserError
        The session is running already, or ``resume`` names another or none.
    """
    wanted = context.settings.resume
    if wanted == "never":
        return None
    identity = identity_of(context)
    assert context.database is not None  # noqa: S101 - a session is recorded
    if wanted != "auto":
        row = context.database.find_run(wanted)
        if row is None:
            raise UserError(f"resume: '{wanted}' is neither auto, never nor a run.")
        _require_same(Path(row.directory) / folder, identity)
        _require_free(Path(row.directory), folder)
        return row
    for row in reversed(context.database.runs()):
        place = Path(row.directory) / folder
        if row.mode == context.settings.mode.name and row.status != "done":
            if _identity(place) == identity:
                _require_free(Path(row.directory), folder)
                return row
    return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a session's folder, so that it is not run twice; raise OSError where it is held."""
    with (folder / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _require_free(directory: Path, folder: str) -> None:
    try:
        with locked(directory / folder):
            return
    except OSError:
        raise UserError(
            f"mode: this session is running already, in {directory}; resume=never starts another "
            "one beside it."
        ) from None


def _require_same(place: Path, identity: dict[str, str]) -> None:
    kept = _identity(place)
    if kept is None:
        raise UserError(f"resume: {place.parent} is no session.")
    unlike = [name for name in {**kept, **identity} if kept.get(name) != identity.get(name)]
    if unlike:
        raise UserError(
            f"resume: {place.parent} is another session: it differs in {', '.join(unlike)}."
        )


def _identity(place: Path) -> dict[str, str] | None:
    try:
        kept = json.loads((place / _IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None
