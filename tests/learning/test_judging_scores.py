"""Scores, groups and the simplest rule, against hand-worked figures and scikit-learn."""

import math

import numpy as np
import pytest

from framework.learning.labels import Label
from framework.learning.score_rows import (
    Predictions,
    calibration_of,
    chance_error,
    confusion_of,
    groups_of,
    labels_of,
    score_row,
)
from framework.learning.simple_rule import equity_of, long_when

DIRECTION = Label(kind="direction", horizon=4)
BARRIERS = Label(kind="triple_barrier", horizon=4)
RETURN = Label(kind="return", horizon=4)


def predictions(label, came_TN, **outputs):
    return Predictions.of(label, outputs, np.asarray(came_TN, np.float32))


def random_direction(seed, shape=(400, 3)):
    rng = np.random.default_rng(seed)
    p_TN = rng.uniform(0.3, 0.7, shape).round(2)
    came_TN = (rng.random(shape) < p_TN).astype(float)
    came_TN[rng.random(shape) < 0.1] = np.nan
    p_TN[rng.random(shape) < 0.1] = np.nan
    known = np.isfinite(came_TN) & np.isfinite(p_TN)
    return p_TN, came_TN, known


def test_scores_of_direction_are_those_of_scikit_learn():
    from sklearn import metrics

    p_TN, came_TN, known = random_direction(1)
    row = score_row("all", predictions(DIRECTION, came_TN, p_up=p_TN))
    came, p = came_TN[known], p_TN[known]
    assert row.samples == np.count_nonzero(known)
    assert row.scores["auc"] == pytest.approx(metrics.roc_auc_score(came, p), abs=1e-12)
    assert row.scores["brier"] == pytest.approx(metrics.brier_score_loss(came, p), abs=1e-12)
    assert row.scores["log_loss"] == pytest.approx(metrics.log_loss(came, p), abs=1e-12)
    said = p > 0.5
    assert row.scores["accuracy"] == pytest.approx(metrics.accuracy_score(came, said))
    assert row.scores["precision"] == pytest.approx(metrics.precision_score(came, said))
    assert row.scores["recall"] == pytest.approx(metrics.recall_score(came, said))
    assert row.scores["f1"] == pytest.approx(metrics.f1_score(came, said))
    assert row.scores["majority"] == max(came.mean(), 1 - came.mean())


def test_scores_and_confusion_of_three_classes_are_those_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(2)
    p_TNC = rng.dirichlet([2, 3, 2], (300, 2))
    came_TN = rng.integers(0, 3, (300, 2)).astype(float)
    found = predictions(
        BARRIERS, came_TN, p_down=p_TNC[..., 0], p_flat=p_TNC[..., 1], p_up=p_TNC[..., 2]
    )
    came, p, said = came_TN.ravel(), p_TNC.reshape(-1, 3), p_TNC.reshape(-1, 3).argmax(axis=1)
    scores = score_row("all", found).scores
    auc = metrics.roc_auc_score(came, p, multi_class="ovr", average="macro")
    assert scores["auc"] == pytest.approx(auc, abs=1e-12)
    assert scores["f1"] == pytest.approx(metrics.f1_score(came, said, average="macro"))
    assert np.array_equal(confusion_of(found), metrics.confusion_matrix(came, said))
    assert [one.output for one in calibration_of(found)] == ["p_down", "p_flat", "p_up"]


def test_scores_of_values_are_those_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(3)
    came = rng.normal(0, 0.01, (500, 1)).astype(np.float32)
    forecast = 0.3 * came + rng.normal(0, 0.01, (500, 1))
    low, high = forecast - 0.01, forecast + 0.012
    scores = score_row(
        "all", predictions(RETURN, came, forecast=forecast, q05=low, q50=forecast, q95=high)
    ).scores
    y, f = came.ravel().astype(float), forecast.ravel()
    assert scores["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, f))
    assert scores["r2"] == pytest.approx(metrics.r2_score(y, f))
    assert scores["correlation"] == pytest.approx(np.corrcoef(y, f)[0, 1])
    losses = [
        metrics.mean_pinball_loss(y, quantile.ravel(), alpha=level)
        for quantile, level in ((low, 0.05), (forecast, 0.5), (high, 0.95))
    ]
    assert scores["pinball"] == pytest.approx(np.mean(losses))
    assert scores["correlation_error"] == pytest.approx(1 / math.sqrt(500 / 4 - 1))


def test_the_error_of_chance_counts_bars_over_the_horizon_and_pairs_once():
    came_TN = np.tile([[0.0], [1.0]], (50, 3))  # 100 bars of 3 pairs, half of them rise
    found = predictions(DIRECTION, came_TN, p_up=np.full((100, 3), 0.5))
    # n = 100 / 4 = 25, half of them up: sqrt(26 / (12 * 12.5 * 12.5))
    assert chance_error(found) == pytest.approx(math.sqrt(26 / 1875))
    alone = math.sqrt(301 / (12 * 150 * 150))
    assert chance_error(found, overlapping=False) == pytest.approx(alone)


def test_the_error_of_chance_is_how_far_scores_of_noise_are_spread():
    rng = np.random.default_rng(4)
    scores = []
    for _ in range(400):
        came = rng.permutation(np.repeat([0.0, 1.0], [60, 140]))[:, None]
        found = predictions(DIRECTION, came, p_up=rng.random((200, 1)))
        scores.append(score_row("", found).scores["auc"])
    assert np.std(scores) == pytest.approx(chance_error(found, overlapping=False), rel=0.12)


def test_scores_of_no_sample_are_none():
    empty = predictions(DIRECTION, [[np.nan]], p_up=np.array([[0.4]]))
    row = score_row("fold", empty)
    assert row.samples == 0
    assert set(row.scores.values()) == {None}
    assert calibration_of(empty)[0].bins == ()
    assert groups_of(np.zeros(0), np.zeros(0)) == ()


def test_groups_are_tenths_and_equal_predictions_stay_together():
    values = np.arange(20, dtype=float)
    groups = groups_of(values, 2 * values)
    assert [(g.low, g.high, g.outcome, g.samples) for g in groups[:2]] == [
        (0, 1, 1.0, 2), (2, 3, 5.0, 2),
    ]  # fmt: skip
    assert len(groups) == 10
    tied = groups_of(np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 2, 2]), np.arange(10.0))
    assert [(g.low, g.high, g.outcome, g.samples) for g in tied] == [
        (1, 1, 3.5, 8), (2, 2, 8.5, 2),
    ]  # fmt: skip


def test_calibration_is_what_was_said_and_what_came_by_tenths():
    p = np.repeat([0.2, 0.8], 50)[:, None]
    came = np.concatenate([np.arange(50) < 5, np.arange(50) < 35]).astype(float)[:, None]
    (found,) = calibration_of(predictions(DIRECTION, came, p_up=p))
    told = [(round(b.predicted, 12), b.observed, b.samples) for b in found.bins]
    assert told == [(0.2, 0.1, 50), (0.8, 0.7, 50)]


def test_labels_of_all_pairs_are_known_where_the_horizon_is():
    close = np.array([[1.0, 4], [2, 3], [3, 2], [2, 5], [1, 6]])
    labels = labels_of(Label(horizon=2), close, np.ones((5, 2), bool))
    expected = [[1, 0], [np.nan, 1], [0, 1], [np.nan] * 2, [np.nan] * 2]
    np.testing.assert_array_equal(labels, expected)


def test_the_simplest_rule_earns_and_pays_what_is_worked_out_by_hand():
    nan = np.nan
    close = np.array([[10.0, nan], [20, nan], [10, 5], [30, 10]])
    long = np.array([[True, False], [False, True], [True, True], [False, True]])
    # pair 0: bought at 10, sold at 20, bought at 10, sold at 30; pair 1: its price is not known
    # at the second close, so its share moves from 5 to 10 only
    free = equity_of(long, close, 0.0)
    assert free.tolist() == pytest.approx([1.0, 1.5, 1.5, (6 + 2) / 2])
    paid = equity_of(long, close, 0.01)
    k = 0.99
    expected = [(k + 1) / 2, (2 * k**2 + k) / 2, (2 * k**3 + k) / 2, (6 * k**4 + 2 * k) / 2]
    assert paid.tolist() == pytest.approx(expected)


def test_each_label_has_its_rule_and_no_prediction_is_never_long():
    nan, none = np.nan, np.zeros((3, 1), np.float32)
    up = np.array([[0.4], [0.6], [nan]])
    assert long_when(DIRECTION, {"p_up": up}, none, 0).ravel().tolist() == [False, True, False]
    down = np.array([[0.3], [0.7], [nan]])
    barriers = long_when(BARRIERS, {"p_up": up, "p_down": down}, none, 0)
    assert barriers.ravel().tolist() == [True, False, False]
    forecast = np.array([[-0.1], [0.1], [nan]])
    returns = long_when(RETURN, {"forecast": forecast}, none, 0)
    assert returns.ravel().tolist() == [False, True, False]
    # labels of the first two bars were known before bar 4, those of a horizon of 2 after not
    known = np.array([[1.0], [3], [50], [50], [50]], np.float32)
    calm = long_when(
        Label(kind="volatility", horizon=2), {"forecast": np.array([[1.9], [2.1]])}, known, 4
    )
    assert calm.ravel().tolist() == [True, False]
