"""What a saved model is of: its class, settings and pairs, which must be those it is loaded for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from framework.errors import UserError
from framework.learning.checkpoints import Arrays, load_whole, save_whole
from framework.learning.model import Model

_OF_NO_MATTER = ("name", "from_run")


def settings_of(model: Model) -> dict[str, Any]:
    """Return all settings that the result depends on, as JSON has them, and the model's class."""
    fields: dict[str, Any] = TypeAdapter(type(model)).dump_python(model, mode="json")
    kept = {name: value for name, value in fields.items() if name not in _OF_NO_MATTER}
    return {"class": f"{type(model).__module__}.{type(model).__qualname__}", **kept}


def save_model(
    directory: Path, model: Model, pairs: tuple[str, ...], arrays: Mapping[str, Any]
) -> None:
    """Write the arrays of a trained model, and what it is of."""
    save_whole(directory, arrays, {"model": settings_of(model), "pairs": list(pairs)})


def load_model(directory: Path, model: Model) -> tuple[Arrays, tuple[str, ...]]:
    """Return arrays and pairs that `save_model` wrote of the same model.

    Raises
    ------
    UserError
        Of another model, or of one with other settings.
    OutsideFault
        A file is missing, damaged or cannot be read.
    """
    arrays, state = load_whole(directory)
    refuse_others(state["model"], settings_of(model), str(directory))
    return arrays, tuple(state["pairs"])


def refuse_others(kept: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> None:
    """Raise a fault that names the first setting in which `kept`, found at `where`, differs.

    Raises
    ------
    UserError
        There is one.
    """
    if kept.get("class") != wanted["class"]:
        raise UserError(
            f"model: {where} holds a {_last(kept.get('class'))}, "
            f"and this is a {_last(wanted['class'])}."
        )
    for name in [*wanted, *(name for name in kept if name not in wanted)]:
        before, now = kept.get(name), wanted.get(name)
        if _ordered(before) != _ordered(now):
            raise UserError(
                f"model.{name}: {where} was trained with {_shown(before, now)} "
                f"(is {_shown(now, before)})."
            )


def _last(path: Any) -> str:
    return str(path).rpartition(".")[2]


def _ordered(value: Any) -> Any:
    """Return mappings as lists, since the order of inputs counts."""
    return list(value.items()) if isinstance(value, Mapping) else value


def _shown(value: Any, other: Any) -> str:
    """Return a value, of mappings only what differs from the other."""
    if not (isinstance(value, Mapping) and isinstance(other, Mapping)):
        return str(value)
    apart = {name: part for name, part in value.items() if other.get(name) != part}
    return str(apart) if apart else f"the order {', '.join(value)}"
