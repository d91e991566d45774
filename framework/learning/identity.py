"""What makes two trainings the same: equal identities end with equal bits on one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from framework.config.component import is_component
from framework.learning.model import Model
from framework.learning.training import Training
from framework.learning.training_data import TrainingData
from framework.learning.workshop import Earlier

_FREE = ("duration", "until", "checkpoint_steps", "checkpoint_minutes", "keep", "warm_start")
"""Of `Training`: what changes when state is kept, and never what it is, and what only names the
models begun with, which count by their digests."""

_PACKAGES = ("numpy", "keras", "jax", "tensorflow", "torch", "lightgbm", "scikit-learn", "hmmlearn")

Identity = dict[str, str]


def identity_of(
    model: Model,
    training: Training,
    seed: int,
    data: Sequence[TrainingData],
    begins: Sequence[Earlier | None],
) -> Identity:
    """Return all that the result of a training rests on, by configuration path.

    Parameters
    ----------
    model, training, seed
        Of all folds.
    data, begins : sequence
        Of each fold, what it learns from and what it begins with.
    """
    kept: Identity = {}
    kept |= flattened(model, "model", ("from_run",)) | flattened(training, "training", _FREE)
    kept["training.threads"] = str(training.threads or 1)
    kept["seed"] = str(seed)
    for fold, (own, begun) in enumerate(zip(data, begins, strict=True), start=1):
        kept[f"data of fold {fold}"] = own.digest
        if begun is not None:
            kept[f"earlier model of fold {fold}"] = begun.sha256
    for package in _PACKAGES:
        try:
            kept[f"version of {package}"] = version(package)
        except PackageNotFoundError:
            kept[f"version of {package}"] = "none"
    return kept


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a line for each way in which two identities differ."""
    return [
        f"{name} was {then.get(name, 'none')}, is {now.get(name, 'none')}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]


def flattened(value: Any, path: str, without: Sequence[str] = ()) -> Identity:
    """Return the fields of a component, and of those in it, by configuration path.

    Examples
    --------
    >>> from framework.learning.labels import Label
    >>> flattened(Label(horizon=8), "model.label")["model.label.horizon"]
    '8'
    """
    if is_component(type(value)):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, Mapping):
        own = dict(value)
    else:
        return {path: "null" if value is None else str(value)}
    kept: Identity = {}
    for name, held in own.items():
        if name not in without:
            kept |= flattened(held, f"{path}.{name}")
    return kept
