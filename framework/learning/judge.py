"""How good models are, by what they predicted of bars that they had not seen.

Legend: T bars, N pairs, F inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.learning.importance import importances
from framework.learning.labels import Label
from framework.learning.model import Model
from framework.learning.schedule import Schedule
from framework.learning.score_rows import (
    CLASSES,
    Predictions,
    calibration_of,
    confusion_of,
    groups_of,
    labels_of,
    main_score,
    score_row,
)
from framework.learning.simple_rule import RULES, equity_of, long_when
from framework.learning.training_data import Float32Array
from framework.market.candles import Candles
from framework.records import Part
from framework.results.benchmark import hold_equally
from framework.results.model_judgement import (
    Histogram,
    ModelJudgement,
    Regime,
    RuleEquity,
    ScoreRow,
)
from framework.types import FloatArray

_BINS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What a model is judged by.

    Parameters
    ----------
    model : Model
        The choice.
    schedule : Schedule
        Its trained models.
    candles : Candles
        (T, N) that it predicted on, warm-up included.
    names : tuple of str
        Of the F inputs.
    inputs_NTF : (N, T, F) float32
        What it saw.
    predicted : dict of str to (T, N) float64
        By output, NaN where nothing was predicted.
    first : int
        Bar of the first prediction that counts.
    parts : sequence of Part
        Stretches scored by themselves, as indices into the T bars.
    fee : float
        Of the simple rule's purchases and sales, as a fraction.
    """

    model: Model
    schedule: Schedule
    candles: Candles
    names: tuple[str, ...]
    inputs_NTF: Float32Array
    predicted: dict[str, FloatArray]
    first: int
    parts: Sequence[Part]
    fee: float


def judge(
    evidence: Evidence,
    generator: np.random.Generator,
    *,
    samples: int = 20_000,
    advance: Callable[[], None] = lambda: None,
) -> ModelJudgement:
    """Return what can be told of a model.

    Parameters
    ----------
    evidence : Evidence
        Its predictions, and what they are held against.
    generator : numpy Generator
        Of what is drawn.
    samples : int
        Most predictions for each input and repetition, to find what is lost without it; 0: none.
    advance : callable
        Called after each input of each model that was left out.
    """
    label = evidence.model.label
    told: dict[str, Any]
    if label is None:
        told = _of_unlabelled(evidence)
    else:
        told = _of_labelled(evidence, label)
        told["importances"], told["permuted"] = importances(
            label,
            evidence.schedule,
            evidence.names,
            evidence.inputs_NTF,
            told.pop("labels_TN"),
            evidence.candles.time,
            evidence.model.window,
            samples=samples,
            generator=generator,
            advance=advance,
        )
    return ModelJudgement(model=evidence.model.name, **told)


def rule_equity(
    label: Label,
    candles: Candles,
    predicted: dict[str, FloatArray],
    labels_TN: Float32Array,
    first: int,
    fee: float,
) -> RuleEquity:
    """Return what the simplest rule on predictions brings from bar `first` on."""
    long_TN = long_when(label, predicted, labels_TN, first)[first:]
    close_TN = candles.close[first:]
    return RuleEquity(
        RULES[label.kind],
        fee * 1e4,
        candles.time[first:] + candles.interval.ns,
        equity_of(long_TN, close_TN, 0.0),
        equity_of(long_TN, close_TN, fee),
        hold_equally(close_TN, 1.0),
    )


def _of_labelled(evidence: Evidence, label: Label) -> dict[str, Any]:
    candles, first = evidence.candles, evidence.first
    labels_TN = labels_of(label, candles.close, candles.traded)
    judged_TN = labels_TN.copy()
    judged_TN[:first] = np.nan
    found = Predictions.of(label, evidence.predicted, judged_TN)
    if label.kind == "volatility":
        outcome_K, outcome = found.came, f"volatility of a bar over the next {label.horizon}"
    else:
        ahead_TN = _log_return(candles.close, label.horizon)
        outcome_K, outcome = (
            ahead_TN[found.bar, found.pair],
            f"log-return over {label.horizon} bars",
        )
    return {
        "predicts": f"{label.kind.replace('_', ' ')} over {label.horizon} bars",
        "score": main_score(label),
        "rows": (score_row("all", found),),
        "folds": _by_part(found, evidence.parts),
        "pairs": tuple(
            score_row(pair, found.take(found.pair == n)) for n, pair in enumerate(candles.pairs)
        ),
        "classes": CLASSES.get(label.kind, ()),
        "confusion": confusion_of(found) if label.classes else (),
        "calibration": calibration_of(found) if label.classes else (),
        "outcome": outcome,
        "groups": groups_of(found.leaning, outcome_K),
        "rule": rule_equity(label, candles, evidence.predicted, labels_TN, first, evidence.fee),
        "labels_TN": labels_TN,
    }


def _by_part(found: Predictions, parts: Sequence[Part]) -> tuple[ScoreRow, ...]:
    rows = []
    for part in parts:
        inside = found.take((found.bar >= part.start) & (found.bar < part.end))
        rows.append(score_row(f"{part.name} {part.fold}", inside))
    return tuple(rows)


def _of_unlabelled(evidence: Evidence) -> dict[str, Any]:
    """Return what a model without labels says of the bars that follow: regimes, or a score."""
    first, close = evidence.first, evidence.candles.close
    next_TN = _log_return(close, 1)[first:]
    output = evidence.model.outputs[0]
    score_TN = evidence.predicted[output][first:]
    known_TN = np.isfinite(score_TN) & np.isfinite(next_TN)
    score_K, next_K = score_TN[known_TN], next_TN[known_TN]
    rows = (ScoreRow("all", len(score_K), {}),)
    if output == "regime":
        return {
            "predicts": "regime",
            "score": "",
            "rows": rows,
            "regimes": tuple(
                _regime(int(number), next_K[score_K == number], len(score_K))
                for number in np.unique(score_K).tolist()
            ),
        }
    counts, edges = np.histogram(score_K, _BINS, (0.0, 1.0))
    return {
        "predicts": output,
        "score": "",
        "rows": rows,
        "outcome": "size of the log-return into the next bar",
        "groups": groups_of(score_K, np.abs(next_K)),
        "histogram": Histogram(output, edges, counts.astype(np.int64)),
    }


def _regime(number: int, returns: FloatArray, samples: int) -> Regime:
    return Regime(
        number,
        len(returns),
        len(returns) / samples,
        float(returns.mean()),
        float(returns.std(ddof=1)) if len(returns) > 1 else 0.0,
    )


def _log_return(close_TN: FloatArray, bars: int) -> FloatArray:
    """Return the log-return over the bars ahead, (T, N), NaN where it is not known."""
    ahead_TN = np.full(close_TN.shape, np.nan)
    count = max(len(close_TN) - bars, 0)
    ahead_TN[:count] = np.log(close_TN[bars:] / close_TN[:count])
    return ahead_TN
