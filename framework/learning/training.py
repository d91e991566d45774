"""How models are fitted: optimiser, schedule, early stopping, and how often state is kept."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, NonNegativeInt, PositiveFloat, PositiveInt

from framework.config.component import component
from framework.types import Interval, parse_time


def _moment(value: str) -> str:
    """Refuse what is neither a time of day nor a date and time."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        try:
            parse_time(value)
        except ValueError:
            raise ValueError(
                f"'{value}' is no UTC time, such as 06:30 or 2030-01-31T06:30"
            ) from None
    return value


@component
class Training:
    """How models are fitted, and what is kept of it."""

    epochs: PositiveInt = 30
    """Passes over the samples, at most."""

    batch: PositiveInt = 256
    """Samples in one step."""

    learning_rate: PositiveFloat = 0.001
    """Of Adam, at its highest."""

    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    """Of the learning rate: as it is, falling to nothing at the last step, or halved after each
    `patience / 2` epochs without a better validation loss."""

    warmup_steps: NonNegativeInt = 0
    """Steps over which the learning rate rises from nothing."""

    clip_norm: PositiveFloat | None = 1.0
    """Largest norm of all gradients together; null: no bound."""

    patience: PositiveInt | None = 5
    """Epochs without a better validation loss after which training ends; null: never."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """Of products within a step; state is always float32."""

    threads: PositiveInt | None = None
    """Processor threads, on which the bits of the result depend; null: one."""

    checkpoint_steps: PositiveInt | None = None
    """Steps after which state is kept; null: by time alone."""

    checkpoint_minutes: PositiveFloat = 5.0
    """Minutes after which state is kept, besides each epoch's end."""

    warm_start: int | str | None = None
    """Run whose trained models training begins with, by directory or id, or ``latest``; null: it
    begins from nothing. Each fold begins with the newest that had learned from no later bar."""

    keep: PositiveInt = 3
    """Checkpoints kept, the newest, besides the best."""

    duration: Interval | None = None
    """Time after which training pauses, such as 8h; null: it runs to its end."""

    until: Annotated[str, AfterValidator(_moment)] | None = None
    """UTC time at which training pauses, 06:30 or 2030-01-31T06:30; null: it runs to its end."""
