"""A strategy's signals on the finer candles that its orders fill on."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from framework.market.candles import Candles
from framework.records import Signals
from framework.types import IntArray

_HELD = "trailing_stop"  # counts at every bar past, all else at the decision only


def closing_bars(candles: Candles, decided: Candles) -> IntArray:
    """Return which of `candles` closes together with each of `decided`, (K,).

    Parameters
    ----------
    candles : Candles
        T bars.
    decided : Candles
        K bars of a multiple of their interval, whole ones, over the same range.

    Examples
    --------
    >>> from framework.market.resample import resample
    >>> from framework.types import Interval
    >>> one, minute = np.ones((7, 1)), Interval.parse("1m")
    >>> candles = Candles(("A-B",), minute, minute.ns * np.arange(7), one, one, one, one, one,
    ...                   np.zeros((7, 1), np.uint8))
    >>> closing_bars(candles, resample(candles, Interval.parse("3m"))).tolist()
    [2, 5]
    """
    closing: IntArray = np.searchsorted(
        candles.time + candles.interval.ns, decided.time + decided.interval.ns
    )
    return closing


def spread(signals: Signals, closing: IntArray, bars: int) -> Signals:
    """Return `signals` of K bars on T: each at the bar that closes with its own, else nothing.

    Nothing is false for a flag and NaN for a number. Only the distance of a trailing stop holds
    until the next one: it counts at the bars between two decisions, too.

    Parameters
    ----------
    signals : Signals
        (K, N).
    closing : (K,) int64
        Of `closing_bars`.
    bars : int
        T.
    """
    if len(closing) == bars:
        return signals
    return Signals(
        **{
            field.name: None if values is None else _spread(values, closing, bars, field.name)
            for field in fields(Signals)
            for values in (getattr(signals, field.name),)
        }
    )


def _spread(values_KN: Any, closing_K: IntArray, bars: int, name: str) -> Any:
    """Return one signal (T, N), stored pair by pair."""
    nothing = False if values_KN.dtype == np.bool_ else np.nan
    spread_TN = np.full((values_KN.shape[1], bars), nothing, values_KN.dtype).T
    if name == _HELD:
        last = np.searchsorted(closing_K, np.arange(bars), side="right") - 1
        spread_TN[last >= 0] = values_KN[last[last >= 0]]
    else:
        spread_TN[closing_K] = values_KN
    return spread_TN
