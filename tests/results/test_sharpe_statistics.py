"""Probabilistic and deflated Sharpe ratios, by the paper's own figures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framework.results.statistics import (
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    skew_and_kurtosis,
)


def test_deflated_sharpe_of_the_papers_example() -> None:
    # annualised ratio 2.5, 250 observations a year, 5 years, 100 trials of annualised variance 0.5
    luck = expected_maximum_sharpe(100, 0.5 / 250)
    assert luck == pytest.approx(0.1132, abs=5e-5)
    probability = deflated_sharpe(2.5 / math.sqrt(250), 1250, -3.0, 10.0, 100, 0.5 / 250)
    assert probability == pytest.approx(0.9004, abs=5e-5)


def test_deflated_sharpe_of_the_papers_example_with_fewer_trials() -> None:
    # the paper: with 46 trials the same strategy would have passed at 95 %
    probability = deflated_sharpe(2.5 / math.sqrt(250), 1250, -3.0, 10.0, 46, 0.5 / 250)
    assert probability == pytest.approx(0.9505, abs=5e-5)


def test_probabilistic_sharpe_of_normal_returns_is_a_z_test() -> None:
    # 0.1 * sqrt(99) / sqrt(1 + 0.1**2 / 2) = 0.992513...
    assert probabilistic_sharpe(0.1, 0.0, 100, 0.0, 3.0) == pytest.approx(0.83953, abs=1e-5)


def test_more_trials_need_more_skill() -> None:
    lucks = [expected_maximum_sharpe(trials, 1.0) for trials in (1, 2, 10, 100, 1000)]
    assert lucks[0] == 0.0
    assert lucks == sorted(lucks)


def test_expected_maximum_is_near_what_many_draws_give() -> None:
    draws = np.random.default_rng(5).normal(0.0, 2.0, (20_000, 50)).max(axis=1)
    assert expected_maximum_sharpe(50, 4.0) == pytest.approx(draws.mean(), rel=0.02)


def test_probability_without_variance_or_observations_is_undefined() -> None:
    assert probabilistic_sharpe(0.1, 0.0, 1, 0.0, 3.0) is None
    assert probabilistic_sharpe(0.1, 0.0, 100, math.nan, math.nan) is None
    assert probabilistic_sharpe(1.0, 0.0, 100, 1.0, 1.0) is None


def test_moments_by_hand() -> None:
    # 0 0 0 4: mean 1, deviations -1 -1 -1 3, squares 1 1 1 9, variance 3, cubes sum 24
    skew, kurtosis = skew_and_kurtosis(np.array([0.0, 0.0, 0.0, 4.0]))
    assert skew == pytest.approx(24 / 4 / 3**1.5)
    assert kurtosis == pytest.approx((1 + 1 + 1 + 81) / 4 / 9)
    assert all(math.isnan(moment) for moment in skew_and_kurtosis(np.ones(5)))
    assert all(math.isnan(moment) for moment in skew_and_kurtosis(np.empty(0)))
