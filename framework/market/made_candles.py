"""Candles made of trades, or of shorter candles; none where nothing was traded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from framework.market.live import Trade
from framework.market.rows import CandleRows
from framework.types import Interval


def candles_of(pair: str, trades: Sequence[Trade], interval: Interval) -> CandleRows:
    """Return the candles that `trades` make up.

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
    time = np.array([trade.time for trade in trades], np.int64)
    price = np.array([trade.price for trade in trades], np.float64)
    units = np.array([trade.units for trade in trades], np.float64)
    return merged(CandleRows(pair, time, price, price, price, price, units), interval)


def merged(rows: CandleRows, interval: Interval) -> CandleRows:
    """Return ascending `rows` put together to candles of `interval`.

    Volumes are summed exactly and rounded once, so that they equal what an exchange adds up in
    decimals, whatever the order.
    """
    opens = rows.time - (rows.time - interval.offset_ns) % interval.ns
    first = np.flatnonzero(np.diff(opens, prepend=-1))
    if not len(first):
        return rows
    after = np.append(first[1:], len(rows))
    units = rows.volume.tolist()
    volume = [_sum(units[begin:end]) for begin, end in zip(first, after, strict=True)]
    return CandleRows(
        rows.pair,
        opens[first],
        rows.open[first],
        np.maximum.reduceat(rows.high, first),
        np.minimum.reduceat(rows.low, first),
        rows.close[after - 1],
        np.array(volume),
    )


def _sum(units: list[float]) -> float:
    try:
        return math.fsum(units)
    except (OverflowError, ValueError):  # raw rows may hold what cannot be added up
        return sum(units)
