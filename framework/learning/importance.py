"""What each input of a model counts: in its own terms, and by what is lost without it.

Legend: N pairs, T bars, F inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from framework.learning.labels import Label
from framework.learning.model import TrainedModel
from framework.learning.schedule import Schedule
from framework.learning.score_rows import Predictions, main_score, score_row
from framework.learning.training_data import Float32Array
from framework.results.model_judgement import Importance
from framework.types import IntArray

REPEATS = 3

SAID = (
    "By how much {score} falls, out of sample, when one input's series is moved in time, round the "
    "end, by a number of bars drawn anew {repeats} times, for all pairs alike: within a window its "
    "bars stay in order, but they belong to another time. {bars:,} bars of each pair, the newest "
    "of {folds}."
)


def importances(
    label: Label,
    schedule: Schedule,
    names: Sequence[str],
    inputs_NTF: Float32Array,
    labels_TN: Float32Array,
    time: IntArray,
    window: int,
    *,
    samples: int,
    generator: np.random.Generator,
    advance: Callable[[], None] = lambda: None,
) -> tuple[tuple[Importance, ...], str]:
    """Return what each input counts, and how that was found.

    Parameters
    ----------
    label : Label
    schedule : Schedule
        The models.
    names : sequence of str
        Of the F inputs.
    inputs_NTF : (N, T, F) float32
        What they see.
    labels_TN : (T, N) float32
        NaN where unknown.
    time : (T,) int64
        Open times, UTC ns.
    window : int
        Bars that one prediction sees.
    samples : int
        Most predictions of all models for one input and repetition; 0: nothing is moved.
    generator : numpy Generator
        Of the moves.
    advance : callable
        Called after each input of each model.
    """
    gain = gains(schedule, names)
    starts = [int(np.searchsorted(time, stage.end_ns)) for stage in schedule.stages]
    spans = [span for span in pairwise([*starts, len(time)]) if span[1] > span[0]]
    bars = samples // max(len(spans) * inputs_NTF.shape[0], 1)
    losses: dict[str, list[float]] = {name: [] for name in names}
    tested = 0
    for stage, (begin, end) in zip(schedule.stages, pairwise([*starts, len(time)]), strict=True):
        first = max(begin, end - bars, window - 1)
        if end - first > 2:
            lost = _losses(
                label, stage.trained, inputs_NTF[:, first - window + 1 : end],
                labels_TN[first:end], window - 1, generator, advance,
            )  # fmt: skip
            for name, values in zip(names, lost, strict=True):
                losses[name].extend(values)
            tested = max(tested, end - first)
    said = "" if not tested else SAID.format(
        score=main_score(label).replace("auc", "AUC"),
        repeats=REPEATS,
        bars=tested,
        folds=f"each of {len(spans)} models" if len(spans) > 1 else "the model",
    )  # fmt: skip
    return tuple(
        Importance(name, gain.get(name), *_mean_and_spread(losses[name])) for name in names
    ), said


def gains(schedule: Schedule, names: Sequence[str]) -> dict[str, float]:
    """Return the share of each input in the models' own terms, mean over those that have any."""
    shares = []
    for stage in schedule.stages:
        own = stage.trained.importance()
        total = sum(own.values())
        if own and total > 0:
            shares.append({name: own.get(name, 0.0) / total for name in names})
    return {name: float(np.mean([share[name] for share in shares])) for name in names if shares}


def _losses(
    label: Label,
    trained: TrainedModel,
    inputs_NTF: Float32Array,
    labels_TN: Float32Array,
    first: int,
    generator: np.random.Generator,
    advance: Callable[[], None],
) -> list[list[float]]:
    """Return what the score of one model loses without each input, for each repetition."""
    base = _score(label, trained, inputs_NTF, labels_TN, first)
    moved_NTF = np.array(inputs_NTF)
    bars = moved_NTF.shape[1]
    lost = []
    for f in range(moved_NTF.shape[2]):
        values = []
        for _ in range(REPEATS):
            shift = int(generator.integers(1, bars))
            moved_NTF[:, :, f] = np.roll(inputs_NTF[:, :, f], shift, axis=1)
            values.append(base - _score(label, trained, moved_NTF, labels_TN, first))
        moved_NTF[:, :, f] = inputs_NTF[:, :, f]
        lost.append(values)
        advance()
    return lost


def _score(
    label: Label,
    trained: TrainedModel,
    inputs_NTF: Float32Array,
    labels_TN: Float32Array,
    first: int,
) -> float:
    found = Predictions.of(label, trained.predict(inputs_NTF, first), labels_TN)
    value = score_row("", found).scores[main_score(label)]
    return float("nan") if value is None else float(value)


def _mean_and_spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return None, None
    return float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None
