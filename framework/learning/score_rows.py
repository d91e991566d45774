"""Scores of what a model predicted against what came, all of it or some of its samples.

Legend: T bars, N pairs, K samples, C classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framework.learning.label_values import label_values
from framework.learning.labels import Label
from framework.learning.scores import class_scores, confusion, pinball, value_scores
from framework.learning.scores import predicted as likeliest
from framework.learning.training_data import Float32Array
from framework.results.model_judgement import Calibration, CalibrationBin, Group, ScoreRow
from framework.types import BoolArray, FloatArray, IntArray

CLASSES = {
    "direction": ("down", "up"),
    "triple_barrier": ("down", "flat", "up"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model of a label predicted, where it is known what came.

    Parameters
    ----------
    label : Label
        What it predicts.
    bar, pair : (K,) int64
        Of each sample, by bar and then by pair.
    came : (K,) float64
        The label.
    outputs : dict of str to (K,) float64
        By name.
    """

    label: Label
    bar: IntArray
    pair: IntArray
    came: FloatArray
    outputs: dict[str, FloatArray]

    @classmethod
    def of(
        cls, label: Label, predicted: dict[str, FloatArray], labels_TN: Float32Array
    ) -> Predictions:
        """Return the samples among (T, N) predictions and labels: where neither is NaN."""
        known_TN = np.isfinite(labels_TN)
        for values_TN in predicted.values():
            known_TN = known_TN & np.isfinite(values_TN)
        bar, pair = np.nonzero(known_TN)
        return cls(
            label,
            bar,
            pair,
            labels_TN[known_TN].astype(np.float64),
            {name: values_TN[known_TN] for name, values_TN in predicted.items()},
        )

    def __len__(self) -> int:
        return len(self.bar)

    def take(self, chosen_K: BoolArray) -> Predictions:
        """Return some of the samples."""
        outputs = {name: values[chosen_K] for name, values in self.outputs.items()}
        return Predictions(
            self.label, self.bar[chosen_K], self.pair[chosen_K], self.came[chosen_K], outputs
        )

    @property
    def probabilities(self) -> FloatArray:
        """Of class 1 of two, (K,), or of each of more, (K, C)."""
        if self.label.classes == 2:
            return self.outputs["p_up"]
        return np.stack([self.outputs[f"p_{name}"] for name in CLASSES[self.label.kind]], axis=1)

    @property
    def leaning(self) -> FloatArray:
        """The prediction as one number, (K,): the higher, the more of the label is expected."""
        if self.label.kind == "triple_barrier":
            return self.outputs["p_up"] - self.outputs["p_down"]
        return self.outputs["p_up" if self.label.classes else "forecast"]


def labels_of(label: Label, close_TN: FloatArray, traded_TN: BoolArray) -> Float32Array:
    """Return the labels of all pairs over all bars, (T, N) float32, NaN where unknown."""
    labels_TN = np.full(close_TN.shape, np.nan, np.float32)
    for pair in range(close_TN.shape[1]):
        labels_TN[:, pair] = label_values(label, close_TN[:, pair], traded_TN[:, pair]).values
    return labels_TN


def main_score(label: Label) -> str:
    """Return the name of the score that stands for all."""
    return "auc" if label.classes else "correlation"


def score_row(of: str, found: Predictions) -> ScoreRow:
    """Return all scores of some samples.

    Besides those of `framework.learning.scores`: ``majority``, the share of the most frequent
    class, which is the accuracy of always predicting it; ``auc_error`` and ``correlation_error``,
    the standard error that the score has where nothing is known, see `chance_error`; ``pinball``,
    the mean over all quantiles predicted.
    """
    label = found.label
    scores: dict[str, float]
    if label.classes:
        count_C = np.bincount(found.came.astype(np.int64), minlength=label.classes)
        scores = class_scores(found.came, found.probabilities)
        scores["majority"] = float(count_C.max() / len(found)) if len(found) else math.nan
    else:
        scores = value_scores(found.came, found.outputs["forecast"])
        losses = [
            pinball(found.came, values, int(name[1:]) / 100)
            for name, values in found.outputs.items()
            if re.fullmatch(r"q\d\d", name)
        ]
        if losses:
            scores["pinball"] = float(np.mean(losses))
    scores[f"{main_score(label)}_error"] = chance_error(found)
    return ScoreRow(of, len(found), {k: _defined(v) for k, v in scores.items()})


def chance_error(found: Predictions, *, overlapping: bool = True) -> float:
    """Return the standard error of the main score where predictions have nothing to do with labels.

    Of AUC it is that of Mann and Whitney (1947), the mean over classes where there are more than
    two; of a correlation 1 / sqrt(n - 1). Labels that overlap, and pairs that move together, are
    not independent: n is taken as the number of bars with a sample over the label's horizon, the
    fewest that it can be.

    Parameters
    ----------
    found : Predictions
    overlapping : bool
        Whether labels are as the market made them; False: each is drawn by itself.
    """
    count = float(len(found))
    if count and overlapping:
        count = min(count, len(np.unique(found.bar)) / found.label.horizon)
    if count <= 2.0:
        return math.inf
    if not found.label.classes:
        return 1.0 / math.sqrt(count - 1.0)
    share_C = np.bincount(found.came.astype(np.int64), minlength=found.label.classes) / len(found)
    chosen = share_C[1:] if found.label.classes == 2 else share_C
    errors = [
        math.sqrt((count + 1.0) / (12.0 * count * share * count * (1.0 - share)))
        for share in chosen.tolist()
        if 0.0 < share < 1.0
    ]
    return float(np.mean(errors)) if errors else math.inf


def confusion_of(found: Predictions) -> tuple[tuple[int, ...], ...]:
    """Return the number of samples by class that came and by likeliest class."""
    table = confusion(found.came, likeliest(found.probabilities), found.label.classes)
    return tuple(tuple(row) for row in table.astype(np.int64).tolist())


def calibration_of(found: Predictions) -> tuple[Calibration, ...]:
    """Return how often each class came by tenths of its probability."""
    p = found.probabilities
    if found.label.classes == 2:
        return (Calibration("p_up", _bins(p, found.came == 1)),)
    return tuple(
        Calibration(f"p_{name}", _bins(p[:, c], found.came == c))
        for c, name in enumerate(CLASSES[found.label.kind])
    )


def groups_of(values: FloatArray, outcome: FloatArray) -> tuple[Group, ...]:
    """Return the mean outcome by tenths of some values, both (K,)."""
    return tuple(
        Group(float(values[at].min()), float(values[at].max()), float(outcome[at].mean()), len(at))
        for at in _tenths(values)
    )


def _bins(p: FloatArray, came: BoolArray) -> tuple[CalibrationBin, ...]:
    return tuple(
        CalibrationBin(float(p[at].mean()), float(came[at].mean()), len(at)) for at in _tenths(p)
    )


def _tenths(values: FloatArray) -> Sequence[npt.NDArray[np.intp]]:
    """Return the positions of each tenth, lowest first; equal values stay together."""
    if not len(values):
        return ()
    edges = np.unique(np.quantile(values, np.arange(1, 10) / 10))
    tenth = np.searchsorted(edges, values, side="right")
    return [np.flatnonzero(tenth == number) for number in np.unique(tenth).tolist()]


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
