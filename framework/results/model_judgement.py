"""How well a model predicted out of sample: plain figures, made above and shown here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from framework.types import DAY_NS, FloatArray, IntArray, format_times

Number = float | int | None

SANITY = ("shuffled labels", "planted signal")
"""Names of the checks of a model's training."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Scores of all samples, of a fold or of a pair, by name; None where one is not defined."""

    of: str
    samples: int
    scores: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Samples with similar probabilities: what was said, and how often it came true."""

    predicted: float
    observed: float
    samples: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one probability, from the lowest to the highest."""

    output: str
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Samples with similar predictions, from `low` to `high`, and their mean outcome."""

    low: float
    high: float
    outcome: float
    samples: int


@dataclass(frozen=True, slots=True)
class Importance:
    """What one input counts.

    Parameters
    ----------
    input : str
        Its name.
    gain : float or None
        Its share in the models' own terms, mean over the folds.
    loss : float or None
        What the score loses without it, mean over folds and repetitions.
    spread : float or None
        Standard deviation of that.
    """

    input: str
    gain: Number
    loss: Number
    spread: Number


@dataclass(frozen=True, slots=True)
class Regime:
    """Bars of one regime, and the log-returns into the bars after them."""

    regime: int
    samples: int
    share: float
    mean_return: float
    volatility: float


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How an output is spread: B counts between B + 1 edges."""

    output: str
    edges: FloatArray
    counts: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RuleEquity:
    """What the simplest rule on the prediction makes of 1, over all pairs equally.

    Parameters
    ----------
    rule : str
        In words.
    fee_bps : float
        Of each purchase and each sale in `paid`.
    time : (T,) int64
        Closing times, UTC ns.
    free, paid, held : (T,) float64
        Without costs, with fees, and of holding all pairs.
    """

    rule: str
    fee_bps: float
    time: IntArray
    free: FloatArray
    paid: FloatArray
    held: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SeedBand:
    """One fold fitted anew with other seeds, in short: how far luck moves the result.

    Parameters
    ----------
    fold : int
        Its number.
    seeds : tuple of int
        K.
    scores : tuple of float
        Of each.
    time : (T,) int64
        Closing times, UTC ns.
    free_KT : (K, T) float64
        Equity of the simple rule of each, without costs.
    """

    fold: int
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    time: IntArray
    free_KT: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelJudgement:
    """All that is told of a model.

    Parameters
    ----------
    model : str
        Name of the choice.
    predicts : str
        What it predicts, in words.
    score : str
        Name of the score that stands for all: ``auc``, ``correlation``, or empty without labels.
    rows, folds, pairs : tuple of ScoreRow
        Of all samples (one row), by fold, and by pair.
    classes : tuple of str
        Names of the C classes.
    confusion : tuple of tuple of int
        (C, C) samples by true and by predicted class.
    calibration : tuple of Calibration
        Of each probability.
    outcome : str
        What the groups are held against, in words.
    groups : tuple of Group
        Samples by tenths of the prediction.
    importances : tuple of Importance
        In the order of the inputs.
    permuted : str
        How the loss without an input was found; empty where it was not.
    rule : RuleEquity, optional
    regimes : tuple of Regime
    histogram : Histogram, optional
    seeds : SeedBand, optional
    """

    model: str
    predicts: str
    score: str
    rows: tuple[ScoreRow, ...] = ()
    folds: tuple[ScoreRow, ...] = ()
    pairs: tuple[ScoreRow, ...] = ()
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: tuple[Calibration, ...] = ()
    outcome: str = ""
    groups: tuple[Group, ...] = ()
    importances: tuple[Importance, ...] = ()
    permuted: str = ""
    rule: RuleEquity | None = None
    regimes: tuple[Regime, ...] = ()
    histogram: Histogram | None = None
    seeds: SeedBand | None = None

    def metrics(self) -> dict[str, Number]:
        """Return the plain figures for ``metrics.json``, each with ``model_`` before its name."""
        found: dict[str, Number] = {}
        for row in self.rows:
            found |= {"samples": row.samples, **row.scores}
        if self.rule is not None and len(self.rule.time):
            found["rule_return"] = float(self.rule.free[-1]) - 1.0
            found["rule_return_after_fees"] = float(self.rule.paid[-1]) - 1.0
        if self.seeds is not None:
            found["seeds_lowest"] = min(self.seeds.scores)
            found["seeds_highest"] = max(self.seeds.scores)
        return {f"model_{name}": _defined(value) for name, value in found.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; curves at the last close of each UTC day."""
        told: dict[str, Any] = _plain(self)
        return told


def _defined(value: Number) -> Number:
    return None if value is None or not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        items = {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(items.get("time"), np.ndarray):
            items = _daily(items)
        return {name: _plain(item) for name, item in items.items()}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    return _defined(value) if isinstance(value, float) else value


def _daily(items: dict[str, Any]) -> dict[str, Any]:
    """Return curves over the time of bars as curves over days."""
    time = items["time"]
    last = np.flatnonzero(np.diff((time - 1) // DAY_NS, append=np.iinfo(np.int64).max))
    cut = {
        name: item[..., last]
        for name, item in items.items()
        if isinstance(item, np.ndarray) and item.shape[-1:] == time.shape
    }
    return {**items, **cut, "time": format_times(time[last])}
