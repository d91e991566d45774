"""The course of a training: learning rates, and when it has gone on long enough."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from framework.learning.training import Training


@dataclass(frozen=True, slots=True)
class Course:
    """What the losses of the epochs so far have led to.

    Parameters
    ----------
    best : float
        Lowest validation loss; infinite: none yet.
    best_epoch : int
        That had it, from 1; 0: none yet.
    waited : int
        Epochs since.
    steady : int
        Epochs since the best or since the learning rate was last halved.
    halvings : int
        Of the learning rate.
    """

    best: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    steady: int = 0
    halvings: int = 0

    def after(self, epoch: int, loss: float, training: Training) -> Course:
        """Return the course after an epoch that ended with a validation loss."""
        if loss < self.best:
            return replace(self, best=loss, best_epoch=epoch, waited=0, steady=0)
        waited, steady = self.waited + 1, self.steady + 1
        if training.schedule == "plateau" and steady >= _plateau(training):
            return replace(self, waited=waited, steady=0, halvings=self.halvings + 1)
        return replace(self, waited=waited, steady=steady)

    def is_over(self, training: Training) -> bool:
        """Tell whether training ends early."""
        return training.patience is not None and self.waited >= training.patience

    def rate(self, step: int, steps: int, training: Training) -> float:
        """Return the learning rate of a step, counted from 0, of all that there are."""
        rate = training.learning_rate
        rise = training.warmup_steps
        if step < rise:
            return rate * (step + 1) / rise
        if training.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - 1 - rise, 1)))
        return rate * 0.5**self.halvings

    def state(self) -> dict[str, Any]:
        """Return it as values that JSON has; `of` takes them."""
        return asdict(self) | {"best": None if math.isinf(self.best) else self.best}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Course:
        """Return the course that gave `state`."""
        return cls(**(state | {"best": math.inf if state["best"] is None else state["best"]}))


def _plateau(training: Training) -> int:
    """Return the epochs after which the learning rate is halved: half of those until the end."""
    return max((training.patience or 10) // 2, 1)
