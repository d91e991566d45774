"""The checkpoints that trainings have kept, and how far those are that have not ended."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framework.results.connection import Url, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedTraining:
    """A training that has not ended, and the newest checkpoint that it kept.

    Parameters
    ----------
    run_id : int
        Of its run.
    strategy : str
        That the model is trained for.
    run : Path
        Directory of the run.
    checkpoint : Path
        Directory of the checkpoint.
    step : int
        Steps done, of one model.
    made_at : int
        UTC ns.
    figures : mapping
        Of its last epoch.
    """

    run_id: int
    strategy: str
    run: Path
    checkpoint: Path
    step: int
    made_at: int
    figures: Mapping[str, float | int | None]


class CheckpointList:
    """The table of checkpoints; transactions are short and each has its own connection.

    Parameters
    ----------
    url : Url
        Of a database of the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url

    def keep(
        self,
        *,
        run_id: int,
        directory: str | os.PathLike[str],
        sha256: str,
        step: int,
        made_at: int,
        figures: Mapping[str, float | int | None],
    ) -> None:
        """Write the row of a checkpoint.

        Parameters
        ----------
        run_id : int
            Of the run that keeps it.
        directory : path
            Its own; older ones are removed in time, their rows stay.
        sha256 : str
            Of its manifest.
        step : int
            Steps done.
        made_at : int
            UTC ns.
        figures : mapping
            Of the last epoch.
        """
        row = {
            "run_id": run_id,
            "directory": str(Path(directory).resolve()),
            "sha256": sha256,
            "step": int(step),
            "made_at": int(made_at),
            "metrics": json.dumps({name: _finite(value) for name, value in figures.items()}),
        }
        with connect(self._url, write=True) as connection:
            connection.insert("checkpoint", tuple(row), [tuple(row.values())])

    def unfinished(self) -> list[UnfinishedTraining]:
        """Return the trainings that have not ended since the last one of their strategy that did.

        Oldest first; one that has kept nothing yet is not among them.
        """
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT run.id, run.strategy, run.directory, checkpoint.directory, "
                "checkpoint.step, checkpoint.made_at, checkpoint.metrics "
                "FROM checkpoint JOIN run ON run.id = checkpoint.run_id "
                "WHERE checkpoint.id IN (SELECT MAX(id) FROM checkpoint GROUP BY run_id) "
                "AND run.status <> 'done' AND NOT EXISTS (SELECT 1 FROM run AS later "
                "WHERE later.mode = run.mode AND later.strategy = run.strategy "
                "AND later.status = 'done' AND later.id > run.id) ORDER BY run.id"
            )
        return [
            UnfinishedTraining(
                run_id=run_id,
                strategy=strategy,
                run=Path(run),
                checkpoint=Path(checkpoint),
                step=step,
                made_at=made_at,
                # PostgreSQL's driver has read it already
                figures=json.loads(figures) if isinstance(figures, str) else figures,
            )
            for run_id, strategy, run, checkpoint, step, made_at, figures in rows
        ]


def _finite(value: float | int | None) -> float | int | None:
    """Return a figure as JSON has it: what is not defined in an epoch is no fault of it."""
    return value if value is not None and math.isfinite(value) else None
