"""What came of many trials: a row of figures for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.engine.tally import FIGURES, SUMS
from framework.market.candles import Candles
from framework.types import YEAR_NS, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """What came of P trials over B bars each; figures as in ``metrics.json``, NaN for undefined.

    Parameters
    ----------
    initial_cash : float
        Of every trial, quote currency.
    bars : int
        Traded by every trial.
    final_equity, mean_equity : (P,) float64
        At the last close, and over all closes, quote currency.
    total_return : (P,) float64
        Final equity over initial cash, less one.
    volatility, sharpe : (P,) float64
        Annualised over 365 days.
    max_drawdown : (P,) float64
        Positive fraction of a peak.
    trades, fills : (P,) int64
        Round trips, those still open included; fills.
    fees_paid, slippage_paid, traded : (P,) float64
        Quote currency, over all fills; `traded` is their value.
    turnover : (P,) float64
        Value traded over mean equity, a year.
    orders_hash : tuple of str
        Of each trial, as `Simulation.orders_hash`; empty where they were not asked for.
    blocks : (P, blocks, 2) float64
        Sum and sum of squares of the per-bar returns in each equal stretch of the bars traded.
    """

    initial_cash: float
    bars: int
    final_equity: FloatArray
    mean_equity: FloatArray
    total_return: FloatArray
    volatility: FloatArray
    sharpe: FloatArray
    max_drawdown: FloatArray
    trades: IntArray
    fills: IntArray
    fees_paid: FloatArray
    slippage_paid: FloatArray
    traded: FloatArray
    turnover: FloatArray
    orders_hash: tuple[str, ...]
    blocks: FloatArray

    def __len__(self) -> int:
        return len(self.final_equity)


class Table:
    """Results of P trials in the making; threads write to rows of their own.

    Parameters
    ----------
    trials : int
        P.
    hashes : bool
        Whether their orders hashes are wanted.
    blocks : int
        Stretches of each whose returns are summed up.
    """

    def __init__(self, trials: int, hashes: bool, blocks: int) -> None:
        self.sums = np.zeros((trials, len(SUMS)))
        self.figures = np.zeros((trials, len(FIGURES)))
        self.hashes = [""] * (trials if hashes else 0)
        self.blocks = np.zeros((trials, blocks, 2))

    def trials(self, candles: Candles, first: int, cash: float) -> Trials:
        """Return the rows as `Trials`, closed to writing."""
        columns: dict[str, Any] = {name: self.sums[:, k].copy() for k, name in enumerate(SUMS)}
        columns |= {name: self.figures[:, k].copy() for k, name in enumerate(FIGURES)}
        columns["blocks"] = self.blocks
        for name in ("fills", "trades"):
            columns[name] = columns[name].astype(np.int64)
        bars = len(candles) - first
        years = bars / (YEAR_NS / candles.interval.ns)
        with np.errstate(all="ignore"):
            columns["total_return"] = columns["final_equity"] / cash - 1.0
            mean = columns["mean_equity"]
            columns["turnover"] = np.where(mean > 0.0, columns["traded"] / mean / years, np.nan)
        for array in columns.values():
            array.flags.writeable = False
        return Trials(initial_cash=cash, bars=bars, orders_hash=tuple(self.hashes), **columns)
