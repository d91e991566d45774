"""Listing checkpoints in the database while a training keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, time_ns

from framework.errors import FrameworkError
from framework.learning.checkpoints import MANIFEST
from framework.modes.context import Context

RETRY_SECONDS = 600.0
"""After a row that could not be written, how long none is tried: each may wait for the database."""


class Keeping:
    """Writes a row for each checkpoint; where the database fails, training goes on without.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._warned = False
        self._next = 0.0

    def __call__(self, path: Path, step: int, figures: Mapping[str, float | int | None]) -> None:
        """Write the row of a checkpoint that is on the disk."""
        context = self._context
        assert context.database is not None and context.run_id is not None  # noqa: S101 - recorded
        if monotonic() < self._next:
            return
        try:
            context.database.checkpoints.keep(
                run_id=context.run_id,
                directory=path,
                sha256=hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest(),
                step=step,
                made_at=time_ns(),
                figures=figures,
            )
        except (FrameworkError, OSError) as fault:
            self._next = monotonic() + RETRY_SECONDS
            if not self._warned:
                context.logger.warning(f"{fault} Training goes on; this checkpoint is not listed.")
            self._warned = True
