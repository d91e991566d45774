"""Candles of a longer interval from shorter ones, closed and complete ones only."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.errors import UserError
from framework.market.candles import Candles, Standing
from framework.types import BoolArray, ByteArray, FloatArray, IntArray, Interval


def resample(candles: Candles, interval: Interval) -> Candles:
    """Return candles of `interval`, each made of base candles that are all in `candles`.

    Open of the first base candle that is not missing, highest high, lowest low, last close, summed
    volume. Leading and trailing candles that lack base candles are left out, so the candles of a
    prefix are a prefix of the candles, bit for bit. A candle is missing if all of its base candles
    are, else provisional if one of them is, else flat if none of them traded, else confirmed.

    Parameters
    ----------
    candles : Candles
        (T, N) of the base interval.
    interval : Interval
        A multiple of the base interval.

    Returns
    -------
    Candles
        (K, N), K the whole candles of `interval` in the data.

    Raises
    ------
    UserError
        Candles of the base interval do not make up whole candles of `interval`.

    Examples
    --------
    >>> one, minute = np.ones((30, 1)), Interval.parse("1m")
    >>> base = Candles(("A-B",), minute, minute.ns * np.arange(30), one, one, one, one, one,
    ...                np.zeros((30, 1), np.uint8))
    >>> resample(base, Interval.parse("15m")).volume[:, 0].tolist()
    [15.0, 15.0]
    """
    base = candles.interval
    if base == interval:
        return candles
    if not base.divides(interval):
        raise UserError(
            f"interval: whole {base} candles do not make up {interval} (was {interval}); "
            f"choose a multiple of {base}."
        )
    count = interval.ns // base.ns
    if len(candles):
        start = (interval.ceil(int(candles.time[0])) - int(candles.time[0])) // base.ns
    else:
        start = 0
    bars = max((len(candles) - start) // count, 0)
    end = start + bars * count

    def parts(array: np.ndarray) -> np.ndarray:
        """Return (N, K, count) of (T, N), without copying."""
        return array[start:end].T.reshape(array.shape[1], bars, count)

    standing = parts(candles.standing)
    missing = standing == Standing.MISSING
    high, low, close = parts(candles.high), parts(candles.low), parts(candles.close)
    open_ = parts(candles.open)
    if missing.any():
        opened = _open_of_first_known(open_, missing)
        every = missing.all(axis=2, keepdims=True)
        hidden = missing & ~every
        high, low = np.where(hidden, -np.inf, high), np.where(hidden, np.inf, low)
    else:
        opened = open_[:, :, 0]
    return Candles(
        candles.pairs,
        interval,
        candles.time[start:end:count],
        opened.T,
        _fold(np.maximum, high).T,
        _fold(np.minimum, low).T,
        close[:, :, -1].T,
        _fold(np.add, np.where(missing, 0.0, parts(candles.volume))).T,
        _standing(standing, missing).T,
        candles.recorded,
    )


def last_closed(
    time_T: IntArray, interval: Interval, coarse_time: IntArray, coarse_interval: Interval
) -> IntArray:
    """Return which coarse candle was the last to have closed when each base candle closes.

    Parameters
    ----------
    time_T : (T,) int64
        Open times of the base candles, UTC ns.
    interval : Interval
        Of the base candles.
    coarse_time : (K,) int64
        Open times of the coarse candles, UTC ns, rising.
    coarse_interval : Interval
        Of the coarse candles.

    Returns
    -------
    (T,) int64
        Index into `coarse_time`; -1 while none has closed.

    Examples
    --------
    >>> hour = Interval.parse("1h")
    >>> last_closed(hour.ns * np.arange(4), hour, 2 * hour.ns * np.arange(2), Interval.parse("2h"))
    array([-1,  0,  0,  1])
    """
    bars = len(coarse_time)
    if not bars:
        return np.full(len(time_T), -1, np.int64)
    first_close = int(coarse_time[0]) + coarse_interval.ns
    if int(coarse_time[-1]) - int(coarse_time[0]) == (bars - 1) * coarse_interval.ns:
        index = (time_T + (interval.ns - first_close)) // coarse_interval.ns
        return np.clip(index, -1, bars - 1).astype(np.int64, copy=False)
    return np.searchsorted(coarse_time + coarse_interval.ns, time_T + interval.ns, "right") - 1


def _fold(ufunc: Any, parts: FloatArray) -> FloatArray:
    """Return (N, K) from (N, K, count), folded strictly from left to right.

    NumPy's own reductions choose an order of summing by shape, so that the sum of a candle could
    change in its last bit with the number of candles after it.
    """
    folded = parts[:, :, 0].copy()
    for part in range(1, parts.shape[2]):
        ufunc(folded, parts[:, :, part], out=folded)
    return folded


def _open_of_first_known(open_: FloatArray, missing: BoolArray) -> FloatArray:
    """Return (N, K) opens of the first base candle that is not missing, else of the first."""
    first = np.argmin(missing, axis=2)[:, :, None]
    opened: FloatArray = np.take_along_axis(open_, first, axis=2)[:, :, 0]
    return opened


def _standing(standing: ByteArray, missing: BoolArray) -> ByteArray:
    """Return (N, K) standings from (N, K, count)."""
    result = np.full(standing.shape[:2], Standing.CONFIRMED, np.uint8)
    result[~(standing == Standing.CONFIRMED).any(axis=2)] = Standing.FLAT
    result[(standing == Standing.PROVISIONAL).any(axis=2)] = Standing.PROVISIONAL
    result[missing.all(axis=2)] = Standing.MISSING
    return result
