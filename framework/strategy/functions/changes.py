"""Functions of a value and an earlier one."""

from __future__ import annotations

import numpy as np

from framework.strategy.function import function
from framework.types import BoolArray, FloatArray

_GROUP = "Changes and crossings"


def _bars(bars: int) -> int:
    return bars


def _earlier(x: FloatArray, bars: int) -> FloatArray:
    """Return `x` of so many bars ago, NaN before the first."""
    earlier = np.full_like(x, np.nan)
    if bars < len(x):
        earlier[bars:] = x[: len(x) - bars]
    return earlier


@function(warm_up=_bars, warm_up_text="bars", memory=_bars, group=_GROUP, source="x - x[bars]")
def diff(x: FloatArray, bars: int = 1) -> FloatArray:
    """Change against `bars` bars ago, in the unit of `x`."""
    return x - _earlier(x, bars)


@function(warm_up=_bars, warm_up_text="bars", memory=_bars, group=_GROUP, source="x / x[bars] - 1")
def returns(x: FloatArray, bars: int = 1) -> FloatArray:
    """Change against `bars` bars ago, as a fraction (0.01 = 1 %)."""
    return x / _earlier(x, bars) - 1.0


@function(warm_up=_bars, warm_up_text="bars", memory=_bars, group=_GROUP, source="log(x / x[bars])")
def log_returns(x: FloatArray, bars: int = 1) -> FloatArray:
    """Logarithm of the ratio to the value `bars` bars ago."""
    return np.log(x / _earlier(x, bars))


@function(
    warm_up=1,
    warm_up_text="1",
    memory=1,
    group=_GROUP,
    source="a > b and a[1] <= b[1]",
)
def cross_above(a: FloatArray, b: FloatArray) -> BoolArray:
    """True where `a` is above `b` now and was not one bar ago."""
    from framework.strategy.kernels.crossing import crossed_above

    return crossed_above(a, b)


@function(
    warm_up=1,
    warm_up_text="1",
    memory=1,
    group=_GROUP,
    source="a < b and a[1] >= b[1]",
)
def cross_below(a: FloatArray, b: FloatArray) -> BoolArray:
    """True where `a` is below `b` now and was not one bar ago."""
    from framework.strategy.kernels.crossing import crossed_above

    return crossed_above(b, a)
