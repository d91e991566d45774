"""Sweeps made up for tests: seeded returns, no market behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from framework.results.sweep.judgement import Tried

BLOCKS = 128
PER_YEAR = 35_040.0


def sample_trials(
    params: Mapping[str, Sequence[Any]],
    *,
    edge: Callable[[int], float] = lambda row: 0.0,
    bars: int = 80,
    common: float = 0.5,
    seed: int = 1,
    **changes: Any,
) -> Tried:
    """Return trials whose returns share a factor; `edge` is each one's mean per bar over its risk.

    Only the sums over `BLOCKS` stretches of `bars` returns are drawn, from their distributions.
    """
    rng = np.random.default_rng(seed)
    count = len(next(iter(params.values())))
    mean = np.array([edge(row) for row in range(count)])
    shared = rng.normal(0.0, 1.0, BLOCKS)
    own = rng.normal(0.0, 1.0, (count, BLOCKS))
    noise = math.sqrt(common) * shared + math.sqrt(1.0 - common) * own
    sums = mean[:, None] * bars + noise * math.sqrt(bars)
    squares = rng.chisquare(bars - 1, (count, BLOCKS)) + sums * sums / bars
    risk = 0.002
    blocks = np.stack([sums * risk, squares * risk**2], axis=2)
    total, returns = blocks.sum(axis=1), bars * BLOCKS
    average = total[:, 0] / returns
    deviation = np.sqrt((total[:, 1] - total[:, 0] * average) / (returns - 1))
    sharpe = average / deviation * math.sqrt(PER_YEAR)
    metrics = {
        "sharpe": sharpe,
        "total_return": np.expm1(total[:, 0]),
        "max_drawdown": rng.uniform(0.05, 0.4, count),
        "trades": rng.integers(10, 400, count).astype(np.float64),
    }
    values: dict[str, Any] = {
        "params": params,
        "metrics": metrics,
        "objective": sharpe,
        "blocks": blocks,
        "block_bars": np.full(BLOCKS, bars),
        "per_year": PER_YEAR,
        "skew": -0.1,
        "kurtosis": 5.0,
    }
    return Tried(**(values | changes))
