"""What holding would have brought: the benchmark of every run."""

from __future__ import annotations

import numpy as np

from framework.types import FloatArray


def hold_equally(close: FloatArray, cash: float) -> FloatArray:
    """Return the equity of buying equal shares of all pairs at their first close and holding them.

    Parameters
    ----------
    close : (T, N) float64
        Quote currency, NaN before a pair's first candle. A pair that starts later has its share of
        the cash wait until its first close; one without any price leaves it in cash.
    cash : float
        Quote currency.

    Returns
    -------
    (T,) float64
        At each close, free of costs.

    Examples
    --------
    >>> hold_equally(np.array([[10.0, np.nan], [20.0, 5.0], [20.0, 10.0]]), 100.0).tolist()
    [100.0, 150.0, 200.0]
    """
    bars, pairs = close.shape
    if pairs == 0:
        return np.full(bars, cash)
    equity = np.zeros(bars)
    share = cash / pairs
    for n in range(pairs):
        price = close[:, n]
        first = _first_price(price)
        equity[:first] += share
        if first < bars:
            equity[first:] += price[first:] * (share / price[first])
    return equity


def _first_price(price: FloatArray) -> int:
    if len(price) and price[0] > 0.0:
        return 0
    priced = price > 0.0
    return int(priced.argmax()) if priced.any() else len(price)
