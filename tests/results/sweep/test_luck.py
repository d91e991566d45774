"""Correlation, effective trials and the deflated Sharpe ratio of a sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framework.results.statistics import expected_maximum_sharpe
from framework.results.sweep.luck import Luck, effective_trials, judge_luck, mean_correlation


def test_mean_correlation_is_that_of_the_whole_matrix():
    rng = np.random.default_rng(4)
    returns = rng.normal(size=(40, 128)) * 0.01 + 0.7 * rng.normal(size=128) * 0.01
    matrix = np.corrcoef(returns)
    expected = matrix[np.triu_indices(40, 1)].mean()
    assert mean_correlation(returns) == pytest.approx(expected, rel=1e-12)


def test_trials_that_do_not_vary_have_no_correlation():
    rng = np.random.default_rng(4)
    returns = rng.normal(size=(3, 50))
    idle = np.zeros((2, 50))
    idle[1] = 0.001
    expected = np.corrcoef(returns)[np.triu_indices(3, 1)].mean()
    assert mean_correlation(np.vstack([returns, idle])) == pytest.approx(expected, rel=1e-12)
    assert mean_correlation(idle) == 0.0
    assert mean_correlation(returns[:1]) == 0.0


def test_opposite_trials_have_a_correlation_of_minus_one():
    one = np.array([[0.01, -0.02, 0.03]])
    assert mean_correlation(np.vstack([one, -one])) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("trials", "correlation", "expected"),
    # the paper's formula: 0.5 + 0.5 * 100; no correlation leaves all, full correlation one
    [(100, 0.5, 50.5), (100, 0.0, 100.0), (100, 1.0, 1.0), (100, -0.3, 100.0)],
)
def test_effective_trials(trials: int, correlation: float, expected: float):
    assert effective_trials(trials, correlation) == pytest.approx(expected)


def _spread(count: int, variance: float) -> np.ndarray:
    """Return `count` numbers, an even one, whose sample variance is exactly `variance`."""
    size = math.sqrt(variance * (count - 1) / count)
    return np.tile([size, -size], count // 2)


def _of_the_paper(trials: int, past: int = 0, effective: float = 1.0) -> Luck:
    """Return the judgement of the paper's example with `past` of its trials made before.

    Annualised ratio 2.5, 1250 daily returns, skew -3, kurtosis 10, variance of trials 1/2.
    """
    sharpes = _spread(trials, 0.5)
    return judge_luck(
        2.5, sharpes[past:], sharpes[:past], effective,
        observations=1250, skew=-3.0, kurtosis=10.0, per_year=250.0,
    )  # fmt: skip


def test_the_papers_example():
    luck = _of_the_paper(100)
    assert luck.deflated == pytest.approx(0.9004, abs=5e-5)
    # 0.1132 a day in the paper
    assert luck.expected == pytest.approx(0.1132 * math.sqrt(250), abs=1e-3)
    # With 46 trials it would have been just convincing.
    assert _of_the_paper(46).deflated == pytest.approx(0.9505, abs=5e-5)


def test_past_trials_count_like_those_of_the_sweep():
    luck = _of_the_paper(100, past=54)
    assert luck.trials == 100
    assert luck.deflated == pytest.approx(0.9004, abs=5e-5)


def test_counting_independent_trials_only_adds_the_past_ones():
    luck = _of_the_paper(100, past=40, effective=6.0)
    assert luck.deflated == pytest.approx(0.9004, abs=5e-5)
    assert luck.deflated_effective == pytest.approx(0.9505, abs=5e-5)


def test_past_trials_without_a_ratio_count_as_trials():
    past = np.full(54, np.nan)
    luck = judge_luck(
        1.0, _spread(46, 0.5), past, 46.0,
        observations=1250, skew=0.0, kurtosis=3.0, per_year=250.0,
    )  # fmt: skip
    assert luck.trials == 100
    assert luck.expected == pytest.approx(expected_maximum_sharpe(100, 0.5))


def test_a_sweep_of_one_has_no_luck_to_speak_of():
    luck = judge_luck(
        1.0, np.ones(1), np.zeros(0), 1.0, observations=100, skew=0.0, kurtosis=3.0, per_year=365.0
    )
    assert (luck.expected, luck.deflated) == (None, None)


def test_hardly_more_than_one_trial_expects_nothing_and_never_less():
    expected = [expected_maximum_sharpe(count, 1.0) for count in (1.0, 1.001, 1.2, 1.9, 2.0, 2.1)]
    assert expected[:3] == [0.0, 0.0, 0.0]
    assert expected == sorted(expected)
    # two: (1 - g) * 0 + g * 0.900, g = 0.5772; no step on either side of it
    assert expected[4] == pytest.approx(0.5196, abs=1e-3)
    assert expected[5] - expected[3] < 0.15
