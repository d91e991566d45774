"""A whole sweep judged: noise, an edge, and sweeps of which little can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sweep_sample import BLOCKS, sample_trials

from framework.results.sweep.judgement import Tried, judge, ranked

FAST = {"strategy.params.fast": list(range(200))}


def test_figures_are_flat_finite_numbers_or_none():
    figures = judge(sample_trials(FAST, past_sharpes=np.array([0.5, math.nan]))).figures()
    assert all(
        value is None or (isinstance(value, (int, float)) and math.isfinite(value))
        for value in figures.values()
    )
    assert figures["trials"] == figures["trials_counted"] == 200
    assert figures["trials_on_data"] == 202
    # sums of 128 stretches with a common factor of one half
    assert figures["mean_correlation"] == pytest.approx(0.5, abs=0.1)
    assert figures["effective_trials"] == pytest.approx(
        figures["mean_correlation"] + (1 - figures["mean_correlation"]) * 200
    )
    assert figures["deflated_sharpe_effective"] >= figures["deflated_sharpe"]


def test_one_trial_with_an_edge_is_found_and_believed():
    # 0.08 a bar over its risk is an annualised ratio of 0.08 * sqrt(35040) = 15
    tried = sample_trials(FAST, edge=lambda row: 0.08 * (row == 60))
    figures = judge(tried).figures()
    assert figures["best_trial"] == 60
    assert figures["best_sharpe"] == pytest.approx(15, abs=4)
    assert figures["deflated_sharpe"] > 0.99
    assert figures["pbo"] < 0.02
    assert figures["decay"] < 0.5
    assert figures["neighbourhood"] < 0.5  # it stands alone


def test_noise_is_not_believed():
    deflated = [judge(sample_trials(FAST, seed=seed)).luck.deflated for seed in range(20)]
    assert sum(value < 0.95 for value in deflated) >= 19
    assert np.median(deflated) < 0.75


def test_trials_that_failed_are_left_out_but_counted():
    tried = sample_trials(FAST)
    sharpe, blocks = tried.metrics["sharpe"].copy(), tried.blocks.copy()
    best = int(np.argmax(sharpe))
    failed = [index for index in (0, 5, best + 1) if index != best]
    sharpe[failed], blocks[failed] = np.nan, np.nan
    some = Tried(FAST, {"sharpe": sharpe}, sharpe, blocks, tried.block_bars, tried.per_year)
    kept = np.setdiff1d(np.arange(200), failed)
    rest = Tried(
        {"strategy.params.fast": kept.tolist()}, {"sharpe": sharpe[kept]}, sharpe[kept],
        blocks[kept], tried.block_bars, tried.per_year, index=kept,
    )  # fmt: skip
    one, other = judge(some).figures(), judge(rest).figures()
    assert (one["trials"], one["trials_counted"]) == (200, 200 - len(failed))
    for name in ("best_trial", "pbo", "pbo_slope", "decay", "best_early_sharpe"):
        assert one[name] == other[name]
    assert one["expected_maximum_sharpe"] > other["expected_maximum_sharpe"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_sweep_of_none_or_one(count: int):
    nothing = np.zeros(0)
    tried = Tried(
        {"a": [1] * count}, {"sharpe": np.ones(count)} if count else {}, np.ones(count),
        np.ones((count, BLOCKS, 2)), np.full(BLOCKS, 9), 365.0, past_sharpes=nothing,
    )  # fmt: skip
    figures = judge(tried).figures()
    assert figures["trials"] == count
    assert figures["best_trial"] == (0 if count else None)
    for name in ("pbo", "deflated_sharpe", "neighbourhood", "expected_maximum_sharpe"):
        assert figures[name] is None


def test_ranked_leaves_out_what_does_not_count_and_keeps_equals_in_order():
    assert ranked(np.array([1.0, math.nan, 3.0, 1.0, 3.0])).tolist() == [2, 4, 0, 3]
