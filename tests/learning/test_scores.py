"""Scores against scikit-learn, and by hand where it has no word for them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from framework.learning import scores

CLOSE = {"rel": 1e-12, "abs": 1e-13}


def made(classes: int, weighted: bool, seed: int, count: int = 500) -> tuple[Any, Any, Any]:
    """Return labels, probabilities with many ties, and weights, a tenth of them 0."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count).astype(np.float32)
    p = rng.integers(1, 6, (count, classes)).astype(float)
    p[np.arange(count), labels.astype(int)] += rng.integers(0, 4, count)
    p /= p.sum(axis=1, keepdims=True)
    weights = rng.random(count) * (rng.random(count) > 0.1) if weighted else None
    return labels, p[:, 1] if classes == 2 else p, weights


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_of_two_classes_are_those_of_the_judge(weighted: bool, seed: int) -> None:
    labels, p, weights = made(2, weighted, seed)
    found = scores.class_scores(labels, p, weights)
    said = p > 0.5
    by = {"sample_weight": weights}
    assert found == pytest.approx(
        {
            "log_loss": metrics.log_loss(labels, p, **by),
            "accuracy": metrics.accuracy_score(labels, said, **by),
            "precision": metrics.precision_score(labels, said, **by),
            "recall": metrics.recall_score(labels, said, **by),
            "f1": metrics.f1_score(labels, said, **by),
            "auc": metrics.roc_auc_score(labels, p, **by),
            "brier": metrics.brier_score_loss(labels, p, **by),
        },
        **CLOSE,
    )
    assert list(found) == ["log_loss", "accuracy", "precision", "recall", "f1", "auc", "brier"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_of_three_classes_are_those_of_the_judge(weighted: bool, seed: int) -> None:
    labels, p, weights = made(3, weighted, seed)
    found = scores.class_scores(labels, p, weights)
    said = p.argmax(axis=1)
    by = {"sample_weight": weights}
    auc = np.mean([metrics.roc_auc_score(labels == c, p[:, c], **by) for c in range(3)])
    assert found == pytest.approx(
        {
            "log_loss": metrics.log_loss(labels, p, **by),
            "accuracy": metrics.accuracy_score(labels, said, **by),
            "precision": metrics.precision_score(labels, said, average="macro", **by),
            "recall": metrics.recall_score(labels, said, average="macro", **by),
            "f1": metrics.f1_score(labels, said, average="macro", **by),
            "auc": auc,
            "brier": metrics.brier_score_loss(labels, p, **by),
        },
        **CLOSE,
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_two_columns_score_as_the_second_alone(weighted: bool) -> None:
    labels, p, weights = made(2, weighted, 0)
    both = np.stack((1 - p, p), axis=1)
    assert scores.class_scores(labels, both, weights) == scores.class_scores(labels, p, weights)


def test_a_class_never_predicted_has_precision_zero() -> None:
    found = scores.class_scores(np.array([0, 1, 1, 0]), np.array([0.1, 0.5, 0.2, 0.3]))
    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
    assert found["accuracy"] == 0.5  # a half is not more likely than a half
    assert found["auc"] == 0.75  # of four pairs, only 0.2 against 0.3 is in the wrong order


def test_one_class_alone_has_no_auc() -> None:
    found = scores.class_scores(np.ones(3), np.array([0.5, 0.6, 0.9]))
    assert math.isnan(found["auc"])
    assert found["recall"] == pytest.approx(2 / 3)


def test_auc_is_the_mean_over_the_classes_that_occur() -> None:
    labels = np.array([0, 0, 1, 1])
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1]])
    assert scores.auc(labels, p) == (0.625 + 1) / 2  # of class 0: 1 + 1 + 0 + a half of 4


def test_certainty_that_fails_costs_a_finite_loss() -> None:
    loss = scores.log_loss(np.array([1.0]), np.array([0.0]))
    assert loss == pytest.approx(52 * math.log(2), rel=1e-12)


@pytest.mark.parametrize("weights", [None, np.zeros(0)])
def test_no_samples_have_no_scores(weights: Any) -> None:
    empty = np.zeros(0)
    found = [
        *scores.class_scores(empty, empty, weights).values(),
        *scores.value_scores(empty, empty, weights).values(),
        scores.pinball(empty, empty, 0.5, weights),
    ]
    assert len(found) == 12
    assert all(math.isnan(value) for value in found)


def test_weights_of_nothing_leave_no_scores() -> None:
    found = scores.class_scores(np.array([0, 1]), np.array([0.2, 0.8]), np.zeros(2))
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_confusion_matrix_is_the_judges(classes: int, weighted: bool) -> None:
    labels, p, weights = made(classes, weighted, 1)
    said = scores.predicted(p)
    found = scores.confusion(labels, said, classes, weights)
    expected = metrics.confusion_matrix(labels, said, sample_weight=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_class_never_seen_has_its_row_and_column() -> None:
    found = scores.confusion(np.array([0, 1]), np.array([1, 1]), 3)
    np.testing.assert_array_equal(found, [[0, 1, 0], [0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_scores_of_values_are_those_of_the_judge(weighted: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outcome = (rng.standard_normal(400) + 3).astype(np.float32)
    forecast = 0.3 * outcome + rng.standard_normal(400)
    weights = rng.random(400) if weighted else None
    by = {"sample_weight": weights}
    cov = np.cov(outcome, forecast, aweights=weights)
    assert scores.value_scores(outcome, forecast, weights) == pytest.approx(
        {
            "mae": metrics.mean_absolute_error(outcome, forecast, **by),
            "rmse": metrics.root_mean_squared_error(outcome, forecast, **by),
            "r2": metrics.r2_score(outcome, forecast, **by),
            "correlation": cov[0, 1] / math.sqrt(cov[0, 0] * cov[1, 1]),
        },
        **CLOSE,
    )
    for level in (0.05, 0.5, 0.95):
        expected = metrics.mean_pinball_loss(outcome, forecast, alpha=level, **by)
        assert scores.pinball(outcome, forecast, level, weights) == pytest.approx(expected, **CLOSE)


def test_a_constant_has_no_correlation() -> None:
    found = scores.value_scores(np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    assert math.isnan(found["correlation"])
    assert found["r2"] == -1  # squares 1 + 0 over 1/4 + 1/4
    found = scores.value_scores(np.array([2.0, 2.0]), np.array([1.0, 2.0]))
    assert math.isnan(found["r2"])
    assert found["mae"] == 0.5


samples = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40
)


@settings(max_examples=200, deadline=None)
@given(samples)
def test_whole_weights_are_repeated_samples(drawn: list[tuple[int, int, int]]) -> None:
    labels, quarters, counts = np.array(drawn).T
    p = quarters / 4
    weighted = scores.class_scores(labels, p, counts)
    repeated = scores.class_scores(np.repeat(labels, counts), np.repeat(p, counts))
    assert weighted == pytest.approx(repeated, nan_ok=True, **CLOSE)


@settings(max_examples=200, deadline=None)
@given(samples)
def test_auc_is_the_share_of_pairs_in_order(drawn: list[tuple[int, int, int]]) -> None:
    labels, quarters, _ = np.array(drawn).T
    pairs = [
        (up > down) + 0.5 * (up == down)
        for up in quarters[labels == 1]
        for down in quarters[labels == 0]
    ]
    found = scores.auc(labels, quarters / 4)
    assert found == pytest.approx(np.mean(pairs) if pairs else math.nan, nan_ok=True, **CLOSE)
