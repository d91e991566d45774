"""Functions of the last so many bars of a series.

Compiled loops are imported by the call: to list or check functions must not load the compiler.
"""

from __future__ import annotations

from framework.strategy.function import MAX_BARS, function
from framework.strategy.memory import fresh_every, of_sums
from framework.types import FloatArray

_GROUP = "Over the last bars"
_TWO = {"bars": (2.0, float(MAX_BARS))}


def _all_but_one(bars: int, **_: float) -> int:
    return bars - 1


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=of_sums,
    group=_GROUP,
    source="Arithmetic mean",
)
def mean(x: FloatArray, bars: int) -> FloatArray:
    """Mean of the last `bars` values: the simple moving average. Equal windows have equal means,
    and a constant window has exactly that constant: the values decide a tie, not rounding.
    """
    from framework.strategy.kernels.sums import rolling_mean

    return rolling_mean(x, bars)


@function(warm_up=_all_but_one, warm_up_text="bars - 1", memory=of_sums, group=_GROUP, source="Sum")
def sum(x: FloatArray, bars: int) -> FloatArray:
    """Sum of the last `bars` values, carried with its rounding error."""
    from framework.strategy.kernels.sums import rolling_sum

    return rolling_sum(x, bars)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=of_sums,
    group=_GROUP,
    ranges=_TWO,
    source="Sample standard deviation, divisor bars - 1",
)
def std(x: FloatArray, bars: int) -> FloatArray:
    """Standard deviation of the last `bars` values (of a sample: divisor bars - 1)."""
    from framework.strategy.kernels.moments import rolling_std

    return rolling_std(x, bars, fresh_every(bars))


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=_all_but_one,
    group=_GROUP,
    source="Minimum",
)
def min(x: FloatArray, bars: int) -> FloatArray:
    """Smallest of the last `bars` values."""
    from framework.strategy.kernels.extremes import rolling_min

    return rolling_min(x, bars)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=_all_but_one,
    group=_GROUP,
    source="Maximum",
)
def max(x: FloatArray, bars: int) -> FloatArray:
    """Largest of the last `bars` values."""
    from framework.strategy.kernels.extremes import rolling_max

    return rolling_max(x, bars)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=of_sums,
    group=_GROUP,
    ranges=_TWO,
    source="Standard score, with `mean` and `std`",
)
def zscore(x: FloatArray, bars: int) -> FloatArray:
    """Distance from the mean of the last `bars` values, in standard deviations; NaN where all are
    equal.
    """
    return (x - mean(x, bars)) / std(x, bars)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=_all_but_one,
    group=_GROUP,
    ranges=_TWO,
    source="Percentile rank, ties midway",
)
def rank(x: FloatArray, bars: int) -> FloatArray:
    """Where the value stands among the last `bars`: 0 the lowest, 1 the highest, ties midway."""
    from framework.strategy.kernels.order import rolling_rank

    return rolling_rank(x, bars)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=_all_but_one,
    group=_GROUP,
    ranges={"level": (0.0, 1.0)},
    source="Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996, type 7",
)
def quantile(x: FloatArray, bars: int, level: float) -> FloatArray:
    """Value below which the share `level` (0..1) of the last `bars` values lies."""
    from framework.strategy.kernels.order import rolling_quantile

    return rolling_quantile(x, bars, level)


@function(
    warm_up=_all_but_one,
    warm_up_text="bars - 1",
    memory=of_sums,
    group=_GROUP,
    ranges=_TWO,
    source="Pearson's correlation",
)
def corr(x: FloatArray, y: FloatArray, bars: int) -> FloatArray:
    """Correlation of two series over the last `bars` bars, -1..1; NaN where one is constant."""
    from framework.strategy.kernels.moments import rolling_corr

    return rolling_corr(x, y, bars, fresh_every(bars))
