"""Track runs with Weights & Biases, on this machine or on its server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from framework.config.component import component
from framework.records import Begun, Ended
from framework.tracking.aside import require
from framework.tracking.parameters import parameters
from framework.tracking.tracked_aside import TrackedAside


@component
class Wandb(TrackedAside):
    """Keep runs for Weights & Biases; ``wandb sync`` uploads what was kept offline."""

    name: Literal["wandb"] = "wandb"
    """Of this tracker."""

    mode: Literal["offline", "online"] = "offline"
    """``offline``: files only; ``online``: sent at once, with the key in WANDB_API_KEY."""

    project: str = "framework"
    """Under which runs are grouped."""

    entity: str | None = None
    """User or team that the project belongs to; null: that of the key."""

    directory: str = "runs"
    """Where the folder ``wandb`` is made."""

    def prepare(self) -> None:
        """Refuse to begin where its package is not installed."""
        require("wandb", "wandb")

    def open(self, run: Begun) -> WandbRun:
        """Make the entry of `run`, in the process that tracks it."""
        import wandb

        logging.disable(logging.WARNING)
        place = Path(self.directory).resolve()
        place.mkdir(parents=True, exist_ok=True)
        entry = wandb.init(
            entity=self.entity,
            project=self.project,
            name=run.name,
            dir=str(place),
            mode=self.mode,
            config={**parameters(run.config), "directory": str(run.directory), **run.tags},
            settings=wandb.Settings(
                console="off", disable_code=True, disable_git=True, silent=True
            ),
        )
        return WandbRun(entry, self.largest)


class WandbRun:
    """One run's entry.

    Parameters
    ----------
    entry : wandb.Run
        As its package made it.
    largest : int
        Bytes of a file that is copied, at most.
    """

    def __init__(self, entry: Any, largest: int) -> None:
        self._entry = entry
        self._largest = largest
        self._charted: set[str] = set()

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Write figures of one step, each model's over its own epochs."""
        of_model = {name.rpartition("/")[0] for name in figures}
        for model in sorted(of_model - self._charted):
            self._entry.define_metric(f"{model}/*", step_metric=f"{model}/epoch")
        self._charted |= of_model
        self._entry.log({**figures, **{f"{model}/epoch": step for model in of_model}})

    def close(self, run: Ended) -> None:
        """Write how the run ended."""
        told = {"status": run.status, **run.tags}
        for file in run.files:
            if file.stat().st_size <= self._largest:
                self._entry.save(str(file), base_path=str(file.parent), policy="now")
            else:
                told[file.name] = str(file)
        self._entry.summary.update({**told, **run.metrics})
        self._entry.finish(exit_code=0 if run.status == "done" else 1)
