"""Whether and how a session trains its model anew while it trades."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt

from framework.config.component import component
from framework.errors import UserError, did_you_mean
from framework.learning.labels import Label
from framework.types import Interval

DRIFT = "drift"

_CLASS_SCORES = ("log_loss", "accuracy", "precision", "recall", "f1", "auc", "brier")
_VALUE_SCORES = ("rmse", "mae", "r2", "correlation", "pinball")
_RULE_SCORES = ("rule_return", "rule_return_after_fees")


def _occasion(value: object) -> object:
    """Return what is to lead to a retraining, read from text where it is a length."""
    if value is None or value == DRIFT or isinstance(value, Interval):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    try:
        return Interval.parse(str(value))
    except ValueError:
        raise ValueError(
            f"'{value}' is neither a length such as 1d, a number of bars, nor drift"
        ) from None


@component
class Learning:
    """When a session's model is trained anew, on what, and what the new one must prove."""

    retrain: Annotated[Interval | int | Literal["drift"] | None, BeforeValidator(_occasion)] = None
    """A length such as 1d, a number of bars, or ``drift``: once what the model sees has moved away
    from what it learned from; null: never."""

    window: Interval = Interval.parse("90d")
    """Length of what each retraining learns from; less where there is less."""

    judge_bars: PositiveInt = 672
    """The newest bars: not learned from, so that the new model and the running one are judged on
    them alike."""

    score: str | None = None
    """By which the new model must be no worse, a metric such as ``model_auc``; null: the log loss
    of classes, the root mean squared error of values."""

    gate: dict[str, float] = Field(default_factory=dict)
    """Metrics of the new model over the judged bars, and what they must reach."""

    timeout: Interval = Interval.parse("1h")
    """After which a retraining is given up."""

    wait: bool = False
    """Whether a session stands still while its model is trained, so that played candles give the
    same swaps at the same bars each time."""

    drift_limit: PositiveFloat = 0.25
    """Population stability index of the inputs from which on they have drifted."""

    drift_bars: PositiveInt = 96
    """From one look at the drift to the next."""

    def every_ns(self, interval: Interval) -> int | None:
        """Return the time from one retraining to the next; None: it is no fixed one.

        Parameters
        ----------
        interval : Interval
            Of the strategy.
        """
        if isinstance(self.retrain, Interval):
            return self.retrain.ns
        return self.retrain * interval.ns if isinstance(self.retrain, int) else None

    def judge_ns(self, interval: Interval) -> int:
        """Return the length of the judged bars."""
        return self.judge_bars * interval.ns

    def score_of(self, label: Label) -> str:
        """Return the metric by which two models of a label are compared."""
        return self.score or ("model_log_loss" if label.classes else "model_rmse")

    def require(self, label: Label | None) -> None:
        """Refuse scores that models of a label do not have.

        Raises
        ------
        UserError
            Naming each, and the nearest one that there is.
        """
        if label is None:
            asked: list[tuple[str, str]] = []
            if self.score is not None or self.gate:
                raise UserError(
                    "learning.score, learning.gate: this model learns no label to be judged by."
                )
        else:
            asked = [("learning.score", self.score_of(label))]
            asked += [(f"learning.gate.{name}", name) for name in self.gate]
        own = _CLASS_SCORES if label is not None and label.classes else _VALUE_SCORES
        names = [f"model_{name}" for name in (*own, *_RULE_SCORES)]
        faults = [
            f"{path}: '{name}' is no score of this model.{did_you_mean(name, names)}"
            for path, name in asked
            if name not in names
        ]
        if faults:
            raise UserError(*faults)
