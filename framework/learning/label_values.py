"""What the labels of one pair are, and on how many of the bars ahead each rests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.learning.labels import Label
from framework.learning.rows import Int32Array
from framework.learning.training_data import Float32Array
from framework.strategy.memory import fresh_every
from framework.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Labels of one pair's T bars.

    Parameters
    ----------
    values : (T,) float32
        A class counted from 0, or a value; NaN where none is known.
    last : (T,) int32
        The last bar whose close a label rests on; where there is a label, t + 1 at the earliest.
    """

    values: Float32Array
    last: Int32Array


def label_values(label: Label, close_T: FloatArray, traded_T: BoolArray) -> Labelled:
    """Return the labels of one pair, from its closes and from nothing else.

    A bar has a label where somebody traded in it, and where its close and those of the horizon
    ahead are known. All those bars must be there, also where a barrier is reached before: kept at
    the end only if decided early, labels would not be a fair sample.

    Barriers are looked for in closes, not in highs and lows: a candle does not tell which of the
    two came first.

    Parameters
    ----------
    label : Label
    close_T : (T,) float64
        Quote currency. No close after the last is asked for: cut it where the future begins.
    traded_T : (T,) bool
        Whether somebody traded in each candle.
    """
    bars, horizon = len(close_T), label.horizon
    log_close_T = np.log(np.ascontiguousarray(close_T))
    last_T = (np.arange(bars) + horizon).astype(np.int32)
    if label.kind == "triple_barrier":
        values_T, last_T = _barriers(label, log_close_T)
    elif label.kind == "volatility":
        values_T = _ahead(_deviation(log_close_T, horizon), horizon)
    else:
        values_T = _ahead(log_close_T, horizon) - log_close_T
        if label.kind == "direction":
            risen_T = (values_T > 0).astype(np.float64)
            values_T = np.where(np.abs(values_T) > label.neutral, risen_T, np.nan)
    unknown_T = np.cumsum(~np.isfinite(log_close_T))
    known_T = traded_T & (_ahead(unknown_T.astype(np.float64), horizon) == unknown_T)
    known_T &= np.isfinite(log_close_T) & np.isfinite(values_T)
    return Labelled(np.where(known_T, values_T, np.nan).astype(np.float32), last_T)


def _ahead(values_T: FloatArray, bars: int) -> FloatArray:
    """Return the values of some bars later, NaN where there are none."""
    ahead_T = np.full(len(values_T), np.nan)
    ahead_T[: max(len(values_T) - bars, 0)] = values_T[bars:]
    return ahead_T


def _deviation(log_close_T: FloatArray, bars: int) -> FloatArray:
    """Return the sample standard deviation of the newest log-returns at each bar, (T,)."""
    from framework.strategy.kernels.moments import rolling_std

    returns_T = np.diff(log_close_T, prepend=np.nan)
    deviation_T: FloatArray = rolling_std(returns_T, bars, fresh_every(bars))
    return deviation_T


def _barriers(label: Label, log_close_T: FloatArray) -> tuple[FloatArray, Int32Array]:
    """Return which barrier is reached first, and at which bar."""
    from framework.learning.kernels import first_barrier

    spread_T = _deviation(log_close_T, label.volatility_bars) * np.sqrt(label.horizon)
    upper_T, lower_T = label.upper * spread_T, label.lower * spread_T
    reached_T, last_T = first_barrier(log_close_T, upper_T, lower_T, label.horizon)
    return reached_T.astype(np.float64), last_T
