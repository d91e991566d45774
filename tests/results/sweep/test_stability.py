"""Axes, neighbours, importance and decay, by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from framework.results.sweep.axes import read_axes
from framework.results.sweep.stability import (
    importance,
    judge_decay,
    judge_neighbourhood,
)


def grid(**values: list) -> dict[str, list]:
    rows = list(product(*values.values()))
    return {name: [row[k] for row in rows] for k, name in enumerate(values)}


def test_numbers_are_sorted_and_single_values_are_no_axis():
    axes = read_axes({"a": [30, 5, 30.0], "b": ["x", "x", "x"], "c": ["z", None, "z"]})
    assert [axis.name for axis in axes] == ["a", "c"]
    assert axes[0].values == (5, 30)
    assert axes[0].level.tolist() == [1, 0, 1]
    assert (axes[1].values, axes[1].numeric) == (("z", "None"), False)


def test_bins_of_many_numbers_hold_as_many_trials_each():
    [axis] = read_axes({"a": list(range(100))})
    group, labels = axis.binned(4)
    assert np.bincount(group).tolist() == [25, 25, 25, 25]
    assert labels == ("0 to 24", "25 to 49", "50 to 74", "75 to 99")
    assert axis.binned(100)[1][:2] == ("0", "1")


def test_bins_of_many_words_keep_the_most_frequent():
    [axis] = read_axes({"a": ["x", "y", "y", "z", "z", "w"]})
    group, labels = axis.binned(3)
    assert labels == ("y", "z", "others")
    assert group.tolist() == [2, 0, 0, 1, 1, 2]


def test_neighbours_on_a_grid_are_one_value_away():
    params = grid(a=[1, 2, 4, 9], b=[10, 20, 30])
    objective = np.array([0, 1, 2, 3, 8, 5, 6, 7, 4, 9, 9, 9]) * 1.0
    objective[9:] = 0.0
    axes = read_axes(params)
    near = judge_neighbourhood(axes, objective, 4)
    # (2, 20) is best with 8; around it all others with a in 1, 2, 4: 0 1 2 3 5 6 7 4
    assert near.grid
    assert near.trials == 8
    assert near.median == 3.5
    assert near.ratio == pytest.approx(3.5 / 8)
    corner = judge_neighbourhood(axes, np.where(np.arange(12) == 0, 10.0, objective), 0)
    assert (corner.trials, corner.median) == (3, 3.0)  # 1, 3, 8


def test_another_word_is_no_neighbour_and_neither_is_a_trial_that_does_not_count():
    params = grid(kind=["x", "y"], a=[1, 2, 3])
    objective = np.array([1.0, 4.0, np.nan, 9.0, 9.0, 9.0])
    near = judge_neighbourhood(read_axes(params), objective, 1)
    assert (near.trials, near.median, near.ratio) == (1, 1.0, 0.25)


def test_neighbours_of_a_random_design_are_the_nearest_in_rank():
    values = np.concatenate([np.linspace(0.0, 1.0, 10), [1e6]])
    params = {"a": values.tolist(), "b": values[::-1].tolist()}
    objective = np.arange(11) * 1.0
    near = judge_neighbourhood(read_axes(params), objective, 10)
    # 11 of 121 combinations; by rank the five before the last: 5 6 7 8 9
    assert (near.grid, near.trials, near.median) == (False, 5, 7.0)
    assert near.ratio == pytest.approx(0.7)


def test_a_best_trial_that_is_not_above_nought_has_no_ratio():
    near = judge_neighbourhood(read_axes({"a": [1, 2]}), np.array([-1.0, -3.0]), 0)
    assert (near.median, near.ratio) == (-3.0, None)
    assert judge_neighbourhood((), np.array([1.0]), 0) is None
    assert judge_neighbourhood(read_axes({"a": [1, 2]}), np.array([1.0, np.nan]), 0) is None


def test_importance_by_hand():
    params = grid(a=[1, 2], b=[1, 2, 3])
    objective = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 6.0])
    a, b = read_axes(params)
    # mean 3, total 9 + 4 + 1 + 1 + 4 + 9 = 28; a: means 1 and 5, between 6 * 4 = 24;
    # adjusted 1 - 4 / 28 * 5 / 4
    assert importance(a, objective) == pytest.approx(1 - 4 / 28 * 5 / 4)
    # b: means 2 3 4, between 4; adjusted 1 - 24 / 28 * 5 / 3 is below nought
    assert importance(b, objective) == 0.0


def test_importance_of_noise_is_small_and_of_the_only_cause_is_all():
    rng = np.random.default_rng(2)
    axes = read_axes({"a": rng.uniform(size=3000).tolist(), "b": rng.uniform(size=3000).tolist()})
    noise = rng.normal(size=3000)
    assert importance(axes[0], noise) < 0.02
    # ten bins of a straight line leave a hundredth of its variance
    straight = np.array(axes[0].values)[axes[0].level]
    assert importance(axes[0], straight) == pytest.approx(0.99, abs=0.002)
    assert importance(axes[1], straight) < 0.02


def test_importance_is_unknown_where_nothing_varies_or_trials_are_too_few():
    [axis] = read_axes({"a": [1, 2, 3]})
    assert importance(axis, np.array([1.0, 2.0, 3.0])) is None
    [axis] = read_axes({"a": [1, 1, 2, 2]})
    assert importance(axis, np.ones(4)) is None
    assert importance(axis, np.full(4, np.nan)) is None


def test_decay_by_hand():
    # Ten blocks of two returns, +-0.1 around each block's mean: seven early, three late.
    mean = np.array([[0.10] * 7 + [0.05] * 3, [0.05] * 7 + [0.10] * 3, [-0.1] * 10])
    sums = 2 * mean
    squares = 2 * (mean**2 + 0.01)
    decay = judge_decay(np.stack([sums, squares], axis=2), np.full(10, 2), best=1)
    # deviation over 14 returns: 0.1 * sqrt(14 / 13); over 6: 0.1 * sqrt(6 / 5)
    assert decay.chosen == 0
    assert decay.early == pytest.approx(1.0 / np.sqrt(14 / 13))
    assert decay.late == pytest.approx(0.5 / np.sqrt(6 / 5))
    assert decay.lost == pytest.approx(1 - 0.5 / np.sqrt(6 / 5) * np.sqrt(14 / 13))
    # the best tenth of three is the first alone
    assert (decay.decile_early, decay.decile_late) == (decay.early, decay.late)
    assert decay.decile_lost == decay.lost
    assert decay.best_early == pytest.approx(0.5 / np.sqrt(14 / 13))
    assert decay.best_late == pytest.approx(1.0 / np.sqrt(6 / 5))


def test_decay_of_losers_and_of_too_few_bars():
    losing = np.stack([np.full((2, 10), -0.1), np.full((2, 10), 0.02)], axis=2)
    assert judge_decay(losing, np.full(10, 2), best=0).lost is None
    assert judge_decay(losing, np.array([1] + [0] * 9), best=0) is None
    assert judge_decay(np.zeros((0, 10, 2)), np.full(10, 2), best=0) is None
