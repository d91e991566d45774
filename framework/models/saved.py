"""What a saved model is of: its class and settings, which must be those it is loaded for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.learning.checkpoints import Arrays, load_whole, save_whole
from framework.learning.identity import Identity, differences, flattened
from framework.learning.model import Model

_OF_NO_MATTER = ("name", "from_run")


def save_model(directory: Path, model: Model, arrays: Mapping[str, Any]) -> None:
    """Write the arrays of a trained model, and what it is of."""
    save_whole(directory, arrays, {"of": _settings(model)})


def load_model(directory: Path, model: Model) -> Arrays:
    """Return the arrays that `save_model` wrote of the same model.

    Raises
    ------
    UserError
        Of another model, or of one with other settings.
    OutsideFault
        A file is missing, damaged or cannot be read.
    """
    arrays, state = load_whole(directory)
    refuse_others(state["of"], _settings(model), directory)
    return arrays


def refuse_others(then: Identity, now: Identity, where: Path) -> None:
    """Raise a fault that says how what was kept at `where` differs from what is wanted now.

    Raises
    ------
    UserError
        It does.
    """
    apart = differences(then, now)
    if apart:
        raise UserError(f"{where}: holds another model: {'; '.join(apart)}.")


def _settings(model: Model) -> Identity:
    return {"class": type(model).__name__} | flattened(model, "model", _OF_NO_MATTER)
