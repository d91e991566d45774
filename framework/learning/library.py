"""Trained models on disk: one directory for each stage of a schedule, and what they need to fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framework.errors import OutsideFault, UserError
from framework.learning.model import Model
from framework.learning.schedule import Schedule, Stage
from framework.learning.workshop import Earlier

FILE = "schedule.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What models were trained on, and can predict from alone.

    Parameters
    ----------
    model : str
        Name of the choice.
    pairs : tuple of str
        In their order.
    interval : str
        Of the bars.
    inputs : mapping of str to str
        Name to canonical expression, in their order.
    """

    model: str
    pairs: tuple[str, ...]
    interval: str
    inputs: Mapping[str, str]

    def differences(self, other: Fit) -> list[str]:
        """Return a line for each way in which `other`, that of a run to come, differs."""
        lines = []
        for name in ("model", "pairs", "interval"):
            then, now = getattr(self, name), getattr(other, name)
            if then != now:
                lines.append(f"{name} was {_shown(then)}, is {_shown(now)}")
        for name in dict.fromkeys([*self.inputs, *other.inputs]):
            expression, current = self.inputs.get(name, "none"), other.inputs.get(name, "none")
            if expression != current:
                lines.append(f"model.inputs.{name} was {expression}, is {current}")
        if not lines and list(self.inputs) != list(other.inputs):
            lines.append("model.inputs came in another order")
        return lines


def save_schedule(directory: Path, schedule: Schedule, fit: Fit) -> None:
    """Write every model of a schedule into an empty directory, the list of them last.

    Parameters
    ----------
    directory : Path
        Made if it is missing.
    schedule : Schedule
        What is kept.
    fit : Fit
        What it was trained on.

    Raises
    ------
    OutsideFault
        A file cannot be written.
    """
    stages = []
    for number, stage in enumerate(schedule.stages, start=1):
        place = directory / f"model_{number}"
        place.mkdir(parents=True)
        stage.trained.save(place)
        stages.append(
            {
                "directory": place.name,
                "fold": stage.fold,
                "start_ns": stage.start_ns,
                "end_ns": stage.end_ns,
            }
        )
    kept = {
        "model": fit.model,
        "pairs": list(fit.pairs),
        "interval": fit.interval,
        "inputs": dict(fit.inputs),
        "outputs": list(schedule.outputs),
        "stages": stages,
    }
    (directory / FILE).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def load_schedule(directory: Path, model: Model, fit: Fit) -> Schedule:
    """Read the models that `save_schedule` wrote.

    Parameters
    ----------
    directory : Path
        Where they are.
    model : Model
        The choice that they are models of.
    fit : Fit
        What they are to predict from.

    Raises
    ------
    UserError
        There are none, or they were trained on something else.
    OutsideFault
        A file is damaged or cannot be read.
    """
    stages = _stages(directory, model, fit, "model.from")
    return Schedule(model.outputs, tuple(stage for stage, _ in stages), model.sees)


def load_earlier(directory: Path, model: Model, fit: Fit) -> list[tuple[int, Earlier]]:
    """Read the models that `save_schedule` wrote, for trainings to begin with.

    Parameters
    ----------
    directory, model, fit
        As `load_schedule` takes them.

    Returns
    -------
    list of (int, Earlier)
        Each with the end of what it learned from, UTC ns, which they are in the order of.

    Raises
    ------
    UserError, OutsideFault
        As `load_schedule` does.
    """
    stages = _stages(directory, model, fit, "training.warm_start")
    return [(stage.end_ns, Earlier(stage.trained, digest_of(place))) for stage, place in stages]


def _stages(directory: Path, model: Model, fit: Fit, asked_by: str) -> list[tuple[Stage, Path]]:
    """Return every stage of a schedule, and where its model lies."""
    file = directory / FILE
    if not file.is_file():
        raise UserError(
            f"{asked_by}: {directory.parent} holds no trained models; a run of mode=train does."
        )
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        then = Fit(
            model=kept["model"],
            pairs=tuple(kept["pairs"]),
            interval=kept["interval"],
            inputs=kept["inputs"],
        )
        spans = [(s["fold"], s["start_ns"], s["end_ns"], s["directory"]) for s in kept["stages"]]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise OutsideFault(f"{file}: cannot be read as a list of models ({fault}).") from fault
    if lines := then.differences(fit):
        raise UserError(
            *(f"{asked_by}: {directory.parent} does not fit this run: {line}." for line in lines)
        )
    try:
        return [
            (Stage(fold, start_ns, end_ns, model.load(directory / place)), directory / place)
            for fold, start_ns, end_ns, place in spans
        ]
    except UserError as fault:
        raise UserError(*(f"{asked_by}: {line}" for line in fault.faults)) from None


def digest_of(directory: Path) -> str:
    """Return the SHA-256 over all files of saved models, by name, as a hexadecimal string."""
    hasher = hashlib.sha256()
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        hasher.update(f"{file.relative_to(directory)} {file.stat().st_size}\n".encode())
        hasher.update(file.read_bytes())
    return hasher.hexdigest()


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
