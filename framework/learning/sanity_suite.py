"""Does training find what is there, and nothing else? One fold is fitted anew, in short.

Shuffled labels: the labels of all bars, of the train part and of those after it, change places.
Nothing can be known of them, so what is predicted later must score as chance does; a better score
means that labels reach the predictions on some other way than by learning. (To shuffle those of the
train part alone and to score against true ones would accuse a model of a volatility that any two
measures of it share.)

Planted signal: the same labels come in the order of one input, disturbed by noise. A model that
cannot find that has not the means to learn.

Legend: N pairs, T bars, F inputs, K seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist

import numpy as np

from framework.learning.judge import rule_equity
from framework.learning.labels import Label
from framework.learning.model import Model
from framework.learning.rows import Rows
from framework.learning.sanity import Sanity
from framework.learning.score_rows import Predictions, chance_error, main_score, score_row
from framework.learning.scores import auc
from framework.learning.training import Training
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.workshop import Workshop
from framework.market.candles import Candles
from framework.results.model_judgement import SANITY, SeedBand
from framework.results.outcome import Check
from framework.types import FloatArray

ERRORS = 3.0
"""Standard errors within which a score is chance."""

FOUND = 1 / 3
"""Of what is gained by knowing the planted signal itself, the least that must be gained."""

NOISE = 0.5
"""Standard deviation of what disturbs the planted signal, whose own is 1."""

Show = Callable[[int, int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refits:
    """One fold to be fitted anew, and the bars after it.

    Parameters
    ----------
    model : Model
        With a label.
    training : Training
        As bounded by `in_short`.
    seed : int
        Of the first refit.
    fold : int
        Its number.
    data : TrainingData
        As cut by `newest`.
    start : int
        The first bar of `data` among the T.
    first, end : int
        The bars predicted, after the train part.
    candles : Candles
        (T, N).
    inputs_NTF : (N, T, F) float32
        What the model sees.
    labels_TN : (T, N) float32
        True labels, NaN where unknown.
    show : callable
        Told a refit's number, steps done, steps in all, and figures of the moment.
    """

    model: Model
    training: Training
    seed: int
    fold: int
    data: TrainingData
    start: int
    first: int
    end: int
    candles: Candles
    inputs_NTF: Float32Array
    labels_TN: Float32Array
    show: Show

    @property
    def label(self) -> Label:
        """What the model learns."""
        if self.model.label is None:
            raise ValueError(f"{self.model.name} learns no label")
        return self.model.label

    def predict(self, number: int, data: TrainingData, seed: int) -> dict[str, FloatArray]:
        """Fit on `data`, and return what is predicted of the bars after it."""
        workshop = Workshop(training=self.training, seed=seed, show=partial(self.show, number))
        trained = self.model.trainer(workshop).train(data)
        begin = self.first - self.model.window + 1
        return trained.predict(self.inputs_NTF[:, begin : self.end], self.model.window - 1)

    def relabelled(self, labels_TN: Float32Array) -> TrainingData:
        """Return the same samples with other labels, all of one weight."""
        own = labels_TN[self.start : self.start + len(self.data.time)].T
        known_NT = np.isfinite(self.data.labels_NT)
        return replace(
            self.data,
            labels_NT=np.where(known_NT, own, np.nan).astype(np.float32),
            weights_NT=(self.data.weights_NT > 0).astype(np.float32),
        )

    def found(self, predicted: dict[str, FloatArray], labels_TN: Float32Array) -> Predictions:
        """Return what was predicted of the later bars, against some labels."""
        return Predictions.of(self.label, predicted, labels_TN[self.first : self.end])


def run_suite(
    sanity: Sanity, refits: Refits, generator: np.random.Generator
) -> tuple[tuple[Check, ...], SeedBand | None]:
    """Make the tests that are asked for.

    Parameters
    ----------
    sanity : Sanity
        Which.
    refits : Refits
        Of what.
    generator : numpy Generator
        Of labels and noise.

    Returns
    -------
    tuple of Check, and SeedBand or None
    """
    checks = []
    number = 0
    if sanity.shuffled:
        number += 1
        checks.append(_shuffled(refits, number, generator))
    if sanity.planted:
        number += 1
        checks.append(_planted(refits, number, generator))
    band = _seeds(refits, number, sanity.seeds) if sanity.seeds else None
    return tuple(checks), band


def in_short(training: Training, sanity: Sanity) -> Training:
    """Return how a refit is fitted: as the model itself, but within bounds and to its end."""
    epochs = min(training.epochs, sanity.epochs)
    return replace(training, epochs=epochs, duration=None, until=None)


def newest(data: TrainingData, samples: int) -> tuple[TrainingData, int]:
    """Return the newest samples, with the bars that they need, and the first of those bars."""
    train = data.train.take(slice(-samples, None))
    validation = data.validation.take(slice(-samples, None))
    first = max(int(train.bar.min()) - data.window + 1, 0)
    cut = replace(
        data,
        time=data.time[first:],
        inputs_NTF=data.inputs_NTF[:, first:],
        labels_NT=data.labels_NT[:, first:],
        weights_NT=data.weights_NT[:, first:],
        train=Rows(train.pair, train.bar - np.int32(first)),
        validation=Rows(validation.pair, validation.bar - np.int32(first)),
    )
    return cut, first


def in_order_of(order_TN: FloatArray, labels_TN: Float32Array) -> Float32Array:
    """Return the same labels, the lowest where `order_TN` is lowest; NaN stays where it is."""
    arranged_TN = np.full_like(labels_TN, np.nan)
    known_TN = np.isfinite(labels_TN)
    arranged = np.empty(np.count_nonzero(known_TN), np.float32)
    arranged[np.argsort(order_TN[known_TN], kind="stable")] = np.sort(labels_TN[known_TN])
    arranged_TN[known_TN] = arranged
    return arranged_TN


def _shuffled(refits: Refits, number: int, generator: np.random.Generator) -> Check:
    labels_TN = in_order_of(generator.random(refits.labels_TN.shape), refits.labels_TN)
    predicted = refits.predict(number, refits.relabelled(labels_TN), refits.seed)
    found = refits.found(predicted, labels_TN)
    score, chance = _score(found), _chance(refits.label)
    room = ERRORS * chance_error(found, overlapping=False)
    true = _score(refits.found(predicted, refits.labels_TN))
    passed = math.isnan(score) or abs(score - chance) <= room
    return Check(
        SANITY[0],
        passed,
        f"{_called(refits)} {_number(score)} on {len(found):,} later samples of shuffled labels; "
        f"chance gives {chance:g} ± {room:.3f} (against the true labels {_number(true)})",
    )


def _planted(refits: Refits, number: int, generator: np.random.Generator) -> Check:
    name, signal_TN = _signal(refits)
    noise_TN = generator.normal(0.0, NOISE, signal_TN.shape)
    labels_TN = in_order_of(signal_TN + noise_TN, refits.labels_TN)
    found = refits.found(refits.predict(number, refits.relabelled(labels_TN), refits.seed),
                         labels_TN)  # fmt: skip
    score, chance = _score(found), _chance(refits.label)
    best = _best(found, signal_TN[refits.first : refits.end][found.bar, found.pair])
    needed = max(
        chance + FOUND * (best - chance), chance + ERRORS * chance_error(found, overlapping=False)
    )
    return Check(
        SANITY[1],
        score >= needed,
        f"{_called(refits)} {_number(score)} on {len(found):,} later samples of labels made of "
        f"'{name}' and noise; at least {_number(needed)} is needed, the signal itself gives "
        f"{_number(best)}",
    )


def _seeds(refits: Refits, number: int, count: int) -> SeedBand:
    seeds = tuple(refits.seed + 1 + k for k in range(count))
    scores, curves = [], []
    time = refits.candles.time[:0]
    for k, seed in enumerate(seeds, start=1):
        predicted = refits.predict(number + k, refits.data, seed)
        scores.append(_score(refits.found(predicted, refits.labels_TN)))
        whole = {
            name: np.concatenate([np.full((refits.first, values.shape[1]), np.nan), values])
            for name, values in predicted.items()
        }
        rule = rule_equity(
            refits.label, refits.candles[: refits.end], whole, refits.labels_TN[: refits.end],
            refits.first, 0.0,
        )  # fmt: skip
        time = rule.time
        curves.append(rule.free)
    return SeedBand(refits.fold, seeds, tuple(scores), time, np.array(curves))


def _signal(refits: Refits) -> tuple[str, FloatArray]:
    """Return the input with the most different values, and its normal scores, (T, N).

    Ranks are those among the bars of its pair, from the first learned from on.
    """
    span = slice(refits.start, refits.end)
    inputs_NTF = refits.inputs_NTF[:, span]
    different = [len(np.unique(inputs_NTF[:, :, f])) for f in range(inputs_NTF.shape[2])]
    chosen = int(np.argmax(different))
    signal_TN = np.zeros(refits.labels_TN.shape)
    for n, values_T in enumerate(inputs_NTF[:, :, chosen]):
        known_T = np.isfinite(values_T)
        levels, level = np.unique(values_T[known_T], return_inverse=True)
        if len(levels) > 1:
            below = np.cumsum(np.bincount(level))
            middle = (below - 0.5 * np.bincount(level)) / below[-1]
            normal = np.array([NormalDist().inv_cdf(share) for share in middle.tolist()])
            signal_TN[span, n][known_T] = normal[level]
    return refits.data.inputs[chosen], signal_TN


def _best(found: Predictions, signal: FloatArray) -> float:
    """Return the score of knowing the signal."""
    classes = found.label.classes
    if classes == 2:
        return auc(found.came, signal)
    if classes:
        return auc(found.came, np.stack([-signal, -np.abs(signal), signal], axis=1))
    return float(np.corrcoef(found.came, signal)[0, 1]) if len(found) > 1 else math.nan


def _score(found: Predictions) -> float:
    value = score_row("", found).scores[main_score(found.label)]
    return math.nan if value is None else float(value)


def _chance(label: Label) -> float:
    return 0.5 if label.classes else 0.0


def _called(refits: Refits) -> str:
    return "AUC" if refits.label.classes else "correlation"


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.3f}"
