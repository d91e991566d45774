"""How a sampler explores a space: the schema of ``hydra/sweeper=optuna``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from framework.config.component import component
from framework.sweep.space import MOST_TRIALS

Sampler = Literal["tpe", "random", "grid", "cmaes", "nsga2"]


@component
class SamplerSettings:
    """What ``conf/hydra/sweeper/optuna.yaml`` holds."""

    sampler: Sampler = "tpe"
    """Who chooses the next trials."""

    n_trials: PositiveInt = Field(default=200, le=MOST_TRIALS)
    """Trials that this sweep makes."""

    batch: PositiveInt = 20
    """Trials asked for at once, before any of them has a result."""

    startup: PositiveInt | None = Field(default=None, ge=2)
    """Trials drawn at random before ``tpe`` and ``cmaes`` learn, size of a generation of ``nsga2``;
    null: 10, 10 and 50."""

    seed: NonNegativeInt = 7
    """Of everything drawn."""

    storage: str | None = None
    """SQLAlchemy URL of the study; null: ``study.db`` in the sweep's directory."""

    study: str | None = Field(default=None, min_length=1, max_length=200)
    """Name of the study; sweeps with the same name and storage learn from each other's trials.
    Null: the name of the sweep's directory."""
