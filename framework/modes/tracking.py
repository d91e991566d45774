"""Tell a tracker of a recorded run; what goes wrong with that is one line in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns

from framework import __version__
from framework.errors import OutsideFault
from framework.interfaces import Tracking
from framework.modes.context import Context
from framework.records import Begun, Ended

_FILES = ("report.html", "metrics.json")
_LONGEST = 300
"""Characters of a fault that are told: a server's may quote pages."""


@contextmanager
def tracked(context: Context) -> Iterator[None]:
    """Tell the tracker of the configuration that a run begins, and how it ended.

    Parameters
    ----------
    context : Context
        Of a run that has a row.
    """
    tracking = _begin(context)
    try:
        yield
    finally:
        if tracking is not None:
            _end(context, tracking)


def _begin(context: Context) -> Tracking | None:
    settings = context.settings
    try:
        return settings.tracking.begin(
            Begun(
                name=context.run_dir.name,
                directory=context.run_dir.resolve(),
                started_at=time_ns(),
                config=context.config,
                tags={
                    "run": str(context.run_id),
                    "strategy": settings.strategy.name,
                    "mode": settings.mode.name,
                    "version": __version__,
                },
            )
        )
    except Exception as fault:
        _warn(context, fault)
        return None


def _end(context: Context, tracking: Tracking) -> None:
    try:
        tracking.end(_ended(context))
    except Exception as fault:
        _warn(context, fault)


def _ended(context: Context) -> Ended:
    """Read how a run ended from what it left."""
    assert context.database is not None and context.run_id is not None  # noqa: S101 - recorded
    row = context.database.find_run(context.run_id)
    if row is None:
        raise OutsideFault("the run's row is gone")
    known = {
        name: getattr(row, name) for name in ("orders_hash", "data_hash", "exit_code", "error")
    }
    files = [context.run_dir.resolve() / name for name in _FILES]
    complete = files[-1].is_file()
    found = json.loads(files[-1].read_text(encoding="utf-8")) if complete else {}
    return Ended(
        status=row.status,
        ended_at=row.ended_at,
        tags={name: str(value) for name, value in known.items() if value is not None},
        metrics={name: value for name, value in found.items() if isinstance(value, int | float)},
        files=[file for file in files if file.is_file()],
    )


def _warn(context: Context, fault: Exception) -> None:
    line = " ".join(str(fault).split()) or type(fault).__name__
    context.logger.warning(f"tracking: {context.settings.tracking.name}: {line[:_LONGEST]}")
