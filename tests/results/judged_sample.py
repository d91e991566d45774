"""Judgements of models made up for the report's tests: plausible, no model behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.results.model_judgement import (
    Calibration,
    CalibrationBin,
    Group,
    Histogram,
    Importance,
    ModelJudgement,
    Regime,
    RuleEquity,
    ScoreRow,
    SeedBand,
)
from framework.results.outcome import Outcome

CLASS_SCORES = {
    "log_loss": 0.6912, "accuracy": 0.5271, "precision": 0.5312, "recall": 0.4987, "f1": 0.5144,
    "auc": 0.5384, "brier": 0.2489, "majority": 0.5031, "auc_error": 0.0066,
}  # fmt: skip
VALUE_SCORES = {
    "mae": 0.00412, "rmse": 0.00634, "r2": 0.0021, "correlation": 0.0513, "pinball": 0.00163,
    "correlation_error": 0.011,
}  # fmt: skip


def rows(names: tuple[str, ...], scores: dict[str, float], samples: int) -> tuple[ScoreRow, ...]:
    return tuple(ScoreRow(name, samples // len(names), scores) for name in names)


def of_direction(outcome: Outcome, **changes: Any) -> ModelJudgement:
    """Return the judgement of a model that predicts whether prices rise."""
    rng = np.random.default_rng(3)
    time = outcome.time + outcome.interval.ns
    bars = len(time)
    free, held = (np.exp(np.cumsum(rng.normal(0.00002, 0.002, bars))) for _ in range(2))
    seeds = np.exp(np.cumsum(rng.normal(0.00001, 0.002, (3, bars // 4)), axis=1))
    p = np.linspace(0.44, 0.57, 10)
    values: dict[str, Any] = {
        "model": "lightgbm",
        "predicts": "direction over 4 bars",
        "score": "auc",
        "rows": rows(("all",), CLASS_SCORES, 5 * bars),
        "folds": rows(tuple(f"test {fold}" for fold in range(1, 6)), CLASS_SCORES, 5 * bars),
        "pairs": rows(outcome.pairs, CLASS_SCORES, 5 * bars),
        "classes": ("down", "up"),
        "confusion": ((41_020, 33_102), (38_441, 36_999)),
        "calibration": (
            Calibration(
                "p_up",
                tuple(CalibrationBin(float(x), float(0.5 + 0.6 * (x - 0.5)), 1_234) for x in p),
            ),
        ),
        "outcome": "log-return over 4 bars",
        "groups": tuple(
            Group(float(x), float(x) + 0.01, float(0.008 * (x - 0.5)), 1_234) for x in p
        ),
        "importances": (
            Importance("return_1", 0.31, 0.0142, 0.0031),
            Importance("range", 0.44, 0.0051, 0.0022),
            Importance("hour_sin", 0.25, -0.0004, 0.0011),
        ),
        "permuted": "By how much AUC falls when one input is moved in time.",
        "rule": RuleEquity("long while p_up > 0.5", 10.0, time, free, free**0.5 * 0.7, held),
        "seeds": SeedBand(5, (8, 9, 10), (0.531, 0.534, 0.541), time[: bars // 4], seeds),
    }
    return ModelJudgement(**(values | changes))


def of_barriers(outcome: Outcome) -> ModelJudgement:
    """Return the judgement of a model that predicts one of three classes."""
    bins = tuple(CalibrationBin(x / 10, x / 11, 400) for x in range(1, 8))
    return of_direction(
        outcome,
        predicts="triple barrier over 24 bars",
        classes=("down", "flat", "up"),
        confusion=((300, 20, 100), (90, 40, 80), (200, 30, 310)),
        calibration=tuple(Calibration(f"p_{name}", bins) for name in ("down", "flat", "up")),
        seeds=None,
    )


def of_values(outcome: Outcome) -> ModelJudgement:
    """Return the judgement of a model that predicts returns."""
    return of_direction(
        outcome,
        model="gru",
        predicts="return over 4 bars",
        score="correlation",
        rows=rows(("all",), VALUE_SCORES, 900),
        folds=rows(("test 1", "test 2"), VALUE_SCORES, 900),
        pairs=rows(outcome.pairs, {name: None for name in VALUE_SCORES}, 900),
        classes=(),
        confusion=(),
        calibration=(),
        importances=tuple(
            Importance(name, None, loss, None) for name, loss in (("a", 0.01), ("b", -0.002))
        ),
    )


def of_regimes() -> ModelJudgement:
    """Return the judgement of a model that names regimes."""
    return ModelJudgement(
        model="hmm",
        predicts="regime",
        score="",
        rows=(ScoreRow("all", 900, {}),),
        regimes=(
            Regime(0, 600, 2 / 3, 0.00002, 0.0011),
            Regime(1, 300, 1 / 3, -0.00014, 0.0063),
        ),
    )


def of_anomaly() -> ModelJudgement:
    """Return the judgement of a model that scores how strange a bar is."""
    counts = np.array([0, 40, 300, 260, 120, 60, 30, 10, 4, 1])
    return ModelJudgement(
        model="isolation_forest",
        predicts="anomaly",
        score="",
        rows=(ScoreRow("all", 825, {}),),
        outcome="size of the log-return into the next bar",
        groups=tuple(Group(x / 10, x / 10 + 0.1, 0.001 * 1.3**x, 82) for x in range(10)),
        histogram=Histogram("anomaly", np.linspace(0, 1, 11), counts),
    )
