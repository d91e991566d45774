import numpy as np
import pytest

from framework.backtest.causality import LONGEST_NOISE, with_noise_after
from framework.market.candles import COLUMNS, Candles
from framework.types import Interval


def walk(bars, pairs=2, seed=1):
    generator = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(generator.normal(0, 0.01, (bars, pairs)), axis=0))
    open_ = np.vstack([close[:1], close[:-1]])
    return Candles(
        tuple(f"P{n}-AUD" for n in range(pairs)),
        Interval.parse("15m"),
        np.arange(bars) * Interval.parse("15m").ns,
        open_,
        np.maximum(open_, close),
        np.minimum(open_, close),
        close,
        np.ones((bars, pairs)),
        np.zeros((bars, pairs), np.uint8),
    )


@pytest.mark.parametrize("cut", [0, 10, 98])
def test_noise_keeps_the_past_and_changes_every_later_value(cut):
    candles = walk(100)
    noisy = with_noise_after(candles, cut, np.random.default_rng(3))
    for name in COLUMNS:
        before, after = getattr(candles, name), getattr(noisy, name)
        assert np.array_equal(before[: cut + 1], after[: cut + 1])
        assert not np.any(before[cut + 1 :] == after[cut + 1 :])
    assert np.all(noisy.high >= noisy.low)
    assert np.all(noisy.high >= np.maximum(noisy.open, noisy.close))


def test_noise_after_a_cut_is_bounded_in_length():
    noisy = with_noise_after(walk(LONGEST_NOISE * 2), 5, np.random.default_rng(3))
    assert len(noisy) == 6 + LONGEST_NOISE
