"""The work that everything is timed on: its terms, and seeded series of prices.

Series are those of the peers where their folder has them, so that all see the same numbers; the
others are made here.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

FAST, SLOW = 20, 50
FEE = 0.001
CASH = 1_000_000.0
PAIRS = 5
YEAR = 35_040
"""15-minute bars of 365 days."""

_START_MS = 1_577_836_800_000  # 2020-01-01, UTC
_TREND_BARS = 200
_TREND = 0.1  # of the noise of a bar: enough for a crossover to earn what it pays

Table = npt.NDArray[np.float64]


def load(minutes: int, bars: int, pair: int = 0) -> Table:
    """Return one pair's candles.

    Returns
    -------
    (bars, 6) float64
        Open time in ms, open, high, low, close, volume.
    """
    name = f"m1_{bars}" if minutes == 1 else f"m{minutes}_P{pair}"
    file = Path(os.environ.get("PEERS", "")) / "data" / f"{name}.npy"
    if "PEERS" in os.environ and (minutes != 1 or pair == 0) and file.is_file():
        found: Table = np.load(file)
        if len(found) == bars:
            return found
    return _walk(minutes, bars, pair)


def _walk(minutes: int, bars: int, pair: int) -> Table:
    """Return a random walk with slow trends that ends where it began, in cents."""
    draw = np.random.default_rng([minutes, pair]).standard_normal((4, bars + _TREND_BARS))
    sigma = 0.0012 * minutes**0.5
    sums = np.cumsum(draw[1])
    trend = (sums[_TREND_BARS:] - sums[:-_TREND_BARS]) / _TREND_BARS**0.5
    noise, up, down = draw[0, :bars], np.abs(draw[2, :bars]), np.abs(draw[3, :bars])
    log = np.cumsum(sigma * (noise + _TREND * trend))
    log -= np.linspace(0.0, log[-1], bars)
    close = np.round(1_000.0 * (pair + 1) * np.exp(log), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    high = np.round(np.maximum(opened, close) * np.exp(sigma / 2 * up), 2)
    low = np.round(np.minimum(opened, close) * np.exp(-sigma / 2 * down), 2)
    volume = np.round(np.exp(3.0 + draw[2, -bars:]), 4)
    time = _START_MS + 60_000.0 * minutes * np.arange(bars)
    return np.column_stack([time, opened, high, low, close, volume])


def parameter_sets(count: int) -> list[dict[str, int]]:
    """Return crossovers of 20 fast and 50 slow averages, the fast one always the shorter."""
    fast, slow = range(5, 45, 2), range(50, 250, 4)
    return [{"fast": f, "slow": s} for f in fast for s in slow][:count]
