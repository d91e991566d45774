"""Candles made of trades."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from framework.market.live import Trade
from framework.market.rows import CandleRows
from framework.types import Interval


def candles_of(pair: str, trades: Sequence[Trade], interval: Interval) -> CandleRows:
    """Return the candles that `trades` make up; none where nothing was traded.

    Parameters
    ----------
    pair : str
        Of all trades.
    trades : sequence of Trade
        Ascending, each once.
    interval : Interval
        Of the candles.

    Examples
    --------
    >>> minute = Interval.parse("1m")
    >>> rows = candles_of("A-X", [Trade("A-X", "1", 61_000_000_000, 5.0, 2.0, 1)], minute)
    >>> rows.time.tolist(), rows.close.tolist(), rows.volume.tolist()
    ([60000000000], [5.0], [2.0])
    """
    time = np.array([interval.floor(trade.time) for trade in trades], np.int64)
    price = np.array([trade.price for trade in trades], np.float64)
    units = np.array([trade.units for trade in trades], np.float64)
    first = np.flatnonzero(np.diff(time, prepend=-1))
    if not len(first):
        return CandleRows(pair, time, price, price, price, price, units)
    after = np.append(first[1:], len(time))
    volume = [math.fsum(units[begin:end]) for begin, end in zip(first, after, strict=True)]
    return CandleRows(
        pair,
        time[first],
        price[first],
        np.maximum.reduceat(price, first),
        np.minimum.reduceat(price, first),
        price[after - 1],
        np.array(volume),
    )
