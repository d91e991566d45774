"""Cross-validation against a plain and slow version of itself, and on cases with a known answer."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.results.sweep.overfitting import cross_validate


def sums_of(returns: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of each stretch of (P, T) returns, (P, B, 2)."""
    parts = np.split(returns, np.cumsum(lengths)[:-1], axis=1)
    return np.stack([[part.sum(1) for part in parts], [(part**2).sum(1) for part in parts]]).T


def plainly(returns: np.ndarray, lengths: np.ndarray, stretches: int) -> list[tuple[float, ...]]:
    """Return logit and Sharpe ratios of every split, from the returns themselves, bar by bar."""
    blocks = np.split(returns, np.cumsum(lengths)[:-1], axis=1)
    groups = [np.hstack(part) for part in _parts(blocks, stretches)]
    found = []
    for chosen in combinations(range(stretches), stretches // 2):
        inside = np.hstack([groups[k] for k in chosen])
        outside = np.hstack([groups[k] for k in range(stretches) if k not in chosen])
        past, future = ([_sharpe(row) for row in half] for half in (inside, outside))
        best = past.index(max(past))
        below = sum(value < future[best] for value in future)
        level = sum(value == future[best] for value in future)
        relative = (below + (level + 1) / 2) / (len(future) + 1)
        found.append((math.log(relative / (1 - relative)), past[best], future[best]))
    return sorted(found)


def _parts(blocks: list[np.ndarray], stretches: int) -> list[list[np.ndarray]]:
    starts = [len(blocks) * k // stretches for k in range(stretches + 1)]
    return [blocks[low:high] for low, high in pairwise(starts)]


def _sharpe(returns: np.ndarray) -> float:
    return float(returns.mean() / returns.std()) if returns.std() > 0 else 0.0


@settings(max_examples=40, deadline=None)
@given(
    trials=st.integers(2, 9),
    stretches=st.sampled_from([2, 4, 6, 8]),
    lengths=st.lists(st.integers(1, 6), min_size=8, max_size=20),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_split_is_as_the_plain_version_has_it(trials, stretches, lengths, seed):
    returns = np.random.default_rng(seed).normal(0.001, 0.01, (trials, sum(lengths)))
    bars = np.array(lengths)
    found = cross_validate(sums_of(returns, bars), bars, stretches)
    expected = plainly(returns, bars, stretches)
    assert len(found.logits) == math.comb(stretches, stretches // 2)
    mine = sorted(zip(found.logits, found.before, found.after, strict=True))
    np.testing.assert_allclose(sorted(found.logits), [row[0] for row in expected], atol=1e-12)
    np.testing.assert_allclose(
        sorted(row[1:] for row in mine), sorted(row[1:] for row in expected), rtol=1e-7, atol=1e-9
    )


def test_three_trials_in_four_stretches_by_hand():
    # Two returns a stretch, 0.1 to either side of the mean given here; S = 4 gives six splits.
    mean = np.array([[0.9, 0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1], [0.05, 0.05, 0.05, 0.05]])
    returns = np.repeat(mean, 2, axis=1) + np.tile([0.1, -0.1], 4)
    bars = np.full(4, 2)
    found = cross_validate(sums_of(returns, bars), bars, stretches=4)
    # The first trial has mean 0.45 and variance 0.45**2 + 0.01 in a half with stretch 1, a ratio
    # of 0.45 / sqrt(0.2125) = 0.976, and 0 in the other. The second has 0.1 / 0.1 = 1 in every
    # half and is always picked; the third 0.05 / 0.1.
    assert set(found.chosen.tolist()) == {1}
    np.testing.assert_allclose(found.before, 1.0)
    np.testing.assert_allclose(found.after, 1.0)
    # Highest of three: 3 / 4 relative, logit log(3).
    np.testing.assert_allclose(found.logits, math.log(3))
    assert found.probability == 0.0
    assert found.loss == 0.0
    assert math.isnan(found.slope)


def test_what_is_good_in_one_half_alone_is_always_overfit():
    # Each of two trials gains in two stretches and loses in the others: whoever is best in a half
    # is worst in the other.
    mean = np.array([[0.1, 0.1, -0.1, -0.1], [-0.1, -0.1, 0.1, 0.1]])
    returns = np.repeat(mean, 2, axis=1) + np.tile([0.1, -0.1], 4)
    bars = np.full(4, 2)
    found = cross_validate(sums_of(returns, bars), bars, stretches=4)
    # In the splits {1, 2} and {3, 4} the picked one is last: log((1/3) / (2/3)); in the other four
    # both have 0 in both halves and share the middle: log(1) = 0.
    np.testing.assert_allclose(sorted(found.logits), [-math.log(2)] * 2 + [0.0] * 4, atol=1e-12)
    assert found.probability == 1.0
    assert found.loss == pytest.approx(2 / 6)
    # before 1 1 0 0 0 0, after -1 -1 0 0 0 0: after is the negative of before
    assert found.slope == pytest.approx(-1.0)


def test_pure_noise_is_overfit_half_of_the_time():
    shares = []
    for seed in range(12):
        returns = np.random.default_rng(seed).normal(0.0, 0.01, (100, 128 * 8))
        bars = np.full(128, 8)
        shares.append(cross_validate(sums_of(returns, bars), bars).probability)
    # One sweep of noise has a deviation of about 0.15 around one half.
    assert 0.38 < np.mean(shares) < 0.62


def test_one_trial_that_is_truly_better_is_no_overfitting():
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0, 0.01, (100, 128 * 8))
    returns[17] += 0.003
    bars = np.full(128, 8)
    found = cross_validate(sums_of(returns, bars), bars)
    assert found.probability < 0.01
    assert np.mean(found.chosen == 17) > 0.98
    assert len(found.logits) == 12_870


def test_trials_that_never_trade_have_a_ratio_of_nought():
    returns = np.zeros((3, 16))
    returns[0] = np.tile([-0.02, 0.01], 8)
    bars = np.full(16, 1)
    found = cross_validate(sums_of(returns, bars), bars, stretches=4)
    # One that loses in every half and two that do nothing: the second is picked, level with the
    # third, 2.5 of 4 in rank.
    np.testing.assert_allclose(found.logits, math.log(2.5 / 1.5))
    assert set(found.chosen.tolist()) == {1}
    assert found.loss == 0.0


@pytest.mark.parametrize(
    ("trials", "blocks", "bars"), [(1, 16, 5), (0, 16, 5), (4, 15, 5), (4, 16, 0)]
)
def test_too_little_to_say_anything(trials: int, blocks: int, bars: int):
    assert cross_validate(np.zeros((trials, blocks, 2)), np.full(blocks, bars)) is None


def test_the_input_is_left_as_it_was():
    rng = np.random.default_rng(0)
    blocks, bars = rng.normal(size=(5, 32, 2)) ** 2, np.full(32, 9)
    before = blocks.copy()
    cross_validate(blocks, bars)
    np.testing.assert_array_equal(blocks, before)
