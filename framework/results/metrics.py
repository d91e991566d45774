"""The figures of a run, `metrics.json`'s names and meanings: one function each, NumPy only.

Returns are the T - 1 simple returns of the equity sampled at the strategy's interval. Ratios are
annualised over 365 days, with sample standard deviations (ddof=1) and a risk-free rate of zero.
What is not defined (a ratio over nothing, a year's growth of a lost account) is None, never NaN.
"""

from __future__ import annotations

import math

import numpy as np

from framework.records import Kind
from framework.results.outcome import Outcome
from framework.results.statistics import deflated_sharpe, skew_and_kurtosis
from framework.types import DAY_NS, YEAR_NS, FloatArray, RecordArray

Number = float | int | None
NAMES = tuple(
    (
        "total_return cagr sharpe sortino calmar max_drawdown max_drawdown_days volatility "
        "win_rate profit_factor expectancy trades exposure turnover fees_paid slippage_paid "
        "borrow_paid final_equity benchmark_return deflated_sharpe break_even_fee_bps bars"
    ).split()
)
"""What `compute` returns, in its order."""

_NO_TRIALS: FloatArray = np.empty(0)
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)  # of a ratio of two equities


def compute(outcome: Outcome, trial_sharpes: FloatArray = _NO_TRIALS) -> dict[str, Number]:
    """Return every metric of `outcome` under its fixed name.

    Parameters
    ----------
    outcome : Outcome
        A finished run.
    trial_sharpes : (M,) float64
        Annualised Sharpe ratios of the other trials ever run on the same data, NaN where one had
        none; this run is added to them for `deflated_sharpe`.

    Returns
    -------
    dict
        Finite numbers or None, in the order of the documentation:

        - ``total_return``: final equity over initial cash, less one.
        - ``cagr``, ``sharpe``, ``sortino``, ``calmar``, ``max_drawdown``, ``max_drawdown_days``,
          ``volatility``: see the functions of those names.
        - ``win_rate``: share of closed trades with a profit after fees and borrowing.
        - ``profit_factor``: profits over losses of the closed trades; None without a loss.
        - ``expectancy``: mean profit of a closed trade after fees and borrowing, quote currency.
        - ``trades``: round trips, those still open included.
        - ``exposure``: mean of the value held, long and short, over equity, at the bars' closes.
        - ``turnover``: value traded over mean equity, a year.
        - ``fees_paid``, ``slippage_paid``: quote currency, over all fills.
        - ``borrow_paid``: quote currency, charged for borrowing what was sold short.
        - ``final_equity``: at the last close, quote currency.
        - ``benchmark_return``: of `framework.results.benchmark.hold_equally`.
        - ``deflated_sharpe``: probability that the Sharpe ratio is no luck, see
          `framework.results.statistics`.
        - ``break_even_fee_bps``: see `break_even_fee_bps`.
        - ``bars``: number of bars traded on.
    """
    # what overflows on the way is not finite at its end, and undefined
    with np.errstate(all="ignore"):
        metrics = _compute(outcome, trial_sharpes)
    return {name: _defined(value) for name, value in metrics.items()}


def simple_returns(equity: FloatArray) -> FloatArray:
    """Return the T - 1 simple returns of `equity` (T,); empty once equity was not positive.

    A return on nothing or on a debt means nothing, so an account that was wiped out has none.
    """
    if len(equity) < 2 or not equity[:-1].min() > 0.0:
        return np.empty(0)
    returns: FloatArray = equity[1:] / equity[:-1]
    returns -= 1.0
    return returns


def cagr(initial: float, final: float, years: float) -> float | None:
    """Return the yearly growth that turns `initial` into `final` over `years` of bars.

    None when nothing is left to grow, or the figure is beyond a float.
    """
    if years <= 0.0 or initial <= 0.0 or final / initial <= 0.0:
        return None
    try:
        return math.expm1(math.log(final / initial) / years)
    except OverflowError:
        return None


def volatility(returns: FloatArray, per_year: float) -> float | None:
    """Return the standard deviation of `returns`, annualised; None with fewer than two."""
    if len(returns) < 2:
        return None
    return float(returns.std(ddof=1)) * math.sqrt(per_year)


def sharpe(returns: FloatArray, per_year: float) -> float | None:
    """Return mean over standard deviation of `returns`, annualised; None without deviation.

    A deviation within the rounding of the returns themselves is none.
    Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1), 1994.
    """
    deviation = volatility(returns, per_year)
    if deviation is None or not deviation > _ROUNDING * math.sqrt(per_year):
        return None
    return float(returns.mean()) * per_year / deviation


def sortino(returns: FloatArray, per_year: float) -> float | None:
    """Return mean over downside deviation of `returns`, annualised; None without a loss.

    The downside deviation is the root mean square of the losses, over all returns.
    Source: F. A. Sortino and L. N. Price, "Performance Measurement in a Downside Risk Framework",
    Journal of Investing 3 (3), 1994.
    """
    if len(returns) == 0:
        return None
    losses = np.minimum(returns, 0.0)
    losses *= losses
    downside = math.sqrt(float(losses.mean()) * per_year)
    if downside == 0.0:
        return None
    return float(returns.mean()) * per_year / downside


def drawdown(equity: FloatArray, initial: float) -> tuple[float | None, int]:
    """Return the deepest fall from a peak, as a positive fraction, and the longest time under one.

    The initial cash is the first peak. The time is in bars from the last bar at a peak to the first
    back at it, or to the end; a bar under the initial cash counts from the first.
    """
    if len(equity) == 0:
        return None, 0
    peak = np.maximum.accumulate(equity)
    np.maximum(peak, initial, out=peak)
    depth = 1.0 - float((equity / peak).min()) if peak[0] > 0.0 else None
    at_peak = np.flatnonzero(equity >= peak)
    start = -1 if equity[0] < initial else 0
    stays = np.diff(at_peak, prepend=start, append=len(equity) - 1)
    longest = int(stays[stays > 1].max(initial=0))
    tail = len(equity) - 1 - (int(at_peak[-1]) if len(at_peak) else start)
    return depth, max(longest, tail)


def exposure(gross: FloatArray, equity: FloatArray) -> float | None:
    """Return the mean of `gross` over `equity`, at the bars with any equity."""
    if len(equity) == 0:
        return None
    if equity.min() > 0.0:
        return float((gross / equity).mean())
    alive = equity > 0.0
    return float((gross[alive] / equity[alive]).mean()) if alive.any() else None


def turnover(traded: float, equity: FloatArray, per_year: float) -> float | None:
    """Return `traded` value over mean equity, a year."""
    mean = float(equity.mean()) if len(equity) else 0.0
    return traded / mean / (len(equity) / per_year) if mean > 0.0 else None


def break_even_fee_bps(profit: float, fees: float, traded: float) -> float | None:
    """Return the fee on every fill at which this ledger's result would be nil.

    In basis points of the value traded, slippage and borrowing kept: ``(profit + fees) / traded``.
    Negative when the run loses even free of fees; None when nothing was traded.

    Examples
    --------
    >>> break_even_fee_bps(profit=30.0, fees=20.0, traded=10_000.0)
    50.0
    """
    return (profit + fees) / traded * 10_000.0 if traded > 0.0 else None


def _compute(outcome: Outcome, trial_sharpes: FloatArray) -> dict[str, Number]:
    equity = outcome.equity
    interval_ns = outcome.interval.ns
    per_year = YEAR_NS / interval_ns
    returns = simple_returns(equity)
    fills = outcome.fills
    charged = outcome.events["quote"][outcome.events["kind"] == Kind.CHARGED]
    traded = float(np.abs(fills["quote"]).sum())
    fees = float(fills["fee"].sum())
    final = float(equity[-1]) if len(equity) else outcome.initial_cash
    benchmark = outcome.benchmark
    growth = cagr(outcome.initial_cash, final, len(equity) / per_year)
    depth, longest_bars = drawdown(equity, outcome.initial_cash)
    ratio = sharpe(returns, per_year)
    return {
        "total_return": final / outcome.initial_cash - 1.0,
        "cagr": growth,
        "sharpe": ratio,
        "sortino": sortino(returns, per_year),
        "calmar": growth / depth if growth is not None and depth else None,
        "max_drawdown": depth,
        "max_drawdown_days": longest_bars * interval_ns / DAY_NS,
        "volatility": volatility(returns, per_year),
        **_of_trades(outcome.trades),
        "exposure": exposure(outcome.gross, equity),
        "turnover": turnover(traded, equity, per_year),
        "fees_paid": fees,
        "slippage_paid": float(fills["slippage"].sum()),
        "borrow_paid": float(charged.sum()),
        "final_equity": final,
        "benchmark_return": (
            float(benchmark[-1]) / outcome.initial_cash - 1.0 if len(benchmark) else None
        ),
        "deflated_sharpe": _deflated(returns, ratio, per_year, trial_sharpes),
        "break_even_fee_bps": break_even_fee_bps(final - outcome.initial_cash, fees, traded),
        "bars": len(equity),
    }


def _of_trades(trades: RecordArray) -> dict[str, Number]:
    """Return the figures of the round trips."""
    pnl = trades["pnl"][~trades["open"]]
    losses = -float(pnl[pnl < 0.0].sum())
    return {
        "win_rate": float((pnl > 0.0).mean()) if len(pnl) else None,
        "profit_factor": float(pnl[pnl > 0.0].sum()) / losses if losses > 0.0 else None,
        "expectancy": float(pnl.mean()) if len(pnl) else None,
        "trades": len(trades),
    }


def _deflated(
    returns: FloatArray, ratio: float | None, per_year: float, trial_sharpes: FloatArray
) -> float | None:
    """Return the deflated Sharpe ratio of this run among all trials on its data."""
    if ratio is None:
        return None
    known = trial_sharpes[np.isfinite(trial_sharpes)]
    all_known = np.append(known, ratio)
    variance = float(all_known.var(ddof=1)) / per_year if len(all_known) > 1 else 0.0
    skew, kurtosis = skew_and_kurtosis(returns)
    return deflated_sharpe(
        ratio / math.sqrt(per_year),
        len(returns),
        skew,
        kurtosis,
        len(trial_sharpes) + 1,
        variance,
    )


def _defined(value: Number) -> Number:
    return value if value is not None and math.isfinite(value) else None
