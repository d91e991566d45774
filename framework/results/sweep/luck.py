"""How much of the best trial's Sharpe ratio luck explains, given how many were tried.

Source: D. H. Bailey and M. López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection
Bias, Backtest Overfitting and Non-Normality", Journal of Portfolio Management 40 (5), 2014, 94-107.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from framework.results.statistics import deflated_sharpe, expected_maximum_sharpe
from framework.types import FloatArray


@dataclass(frozen=True, slots=True)
class Luck:
    """What to expect of trials without skill, and how sure one can be that the best has some.

    Parameters
    ----------
    trials : int
        Every trial of this sweep, and every one made on the data before.
    expected : float or None
        Best Sharpe ratio to expect of so many without skill, annualised.
    deflated : float or None
        Probability that the best trial's Sharpe ratio is more than luck.
    effective : float
        Independent trials that this sweep amounts to.
    deflated_effective : float or None
        The probability where only those, and the earlier ones, count: never lower.
    """

    trials: int
    expected: float | None
    deflated: float | None
    effective: float
    deflated_effective: float | None


def mean_correlation(block_returns: FloatArray) -> float:
    """Return the mean correlation of all pairs of trials.

    The P x P matrix is never made: with every trial scaled to mean 0 and length 1, all its entries
    sum to the squared length of the trials' sum. Trials whose returns do not vary have no
    correlation and are left out.

    Parameters
    ----------
    block_returns : (P, B) float64
        Return of each trial in each of B stretches of time.

    Returns
    -------
    float
        Between -1 and 1; 0 with fewer than two trials that vary.

    Examples
    --------
    >>> round(mean_correlation(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])), 9)
    1.0
    """
    centred = block_returns - block_returns.mean(axis=1, keepdims=True)
    length = np.sqrt((centred * centred).sum(axis=1))
    varies = length > 1e-12 * np.abs(block_returns).max(axis=1, initial=0.0)
    count = int(np.count_nonzero(varies))
    if count < 2:
        return 0.0
    total = (centred[varies] / length[varies, None]).sum(axis=0)
    correlation = (float((total * total).sum()) - count) / (count * (count - 1))
    return min(max(correlation, -1.0), 1.0)


def effective_trials(trials: int, correlation: float) -> float:
    """Return how many independent trials so many correlated ones amount to.

    ``correlation + (1 - correlation) * trials``, the paper's appendix on the number of independent
    trials. A negative mean correlation counts as none: there are never more than were made.

    Examples
    --------
    >>> effective_trials(100, 0.25)
    75.25
    """
    shared = max(correlation, 0.0)
    return shared + (1.0 - shared) * trials


def judge_luck(
    best: float,
    sharpes: FloatArray,
    past: FloatArray,
    effective: float,
    *,
    observations: int,
    skew: float,
    kurtosis: float,
    per_year: float,
) -> Luck:
    """Return what luck explains of the best trial's Sharpe ratio.

    Every trial counts. Correlated ones differ less, which the variance of their Sharpe ratios shows
    already: to count fewer of them, too, would allow for correlation twice. On 200 markets without
    any edge, traded without costs, that took 13 sweeps for skill at 95 %; counting all, 8.

    Parameters
    ----------
    best : float
        Sharpe ratio of the best trial, annualised.
    sharpes, past : (P,) and (Q,) float64
        Of all trials of this sweep, the best included, and of all trials made on the same data
        before, annualised; NaN where one had none. Those count as trials, too.
    effective : float
        Independent trials that this sweep amounts to.
    observations : int
        Returns of the best trial.
    skew, kurtosis : float
        Of those returns, as `framework.results.statistics.skew_and_kurtosis` gives them.
    per_year : float
        Bars in 365 days.
    """
    trials = len(sharpes) + len(past)
    known = np.concatenate([sharpes, past])
    known = known[np.isfinite(known)]
    if len(known) < 2 or not math.isfinite(best):
        return Luck(trials, None, None, effective, None)
    variance = float(known.var(ddof=1)) / per_year
    strict, lenient = (
        deflated_sharpe(best / math.sqrt(per_year), observations, skew, kurtosis, count, variance)
        for count in (trials, effective + len(past))
    )
    expected = expected_maximum_sharpe(trials, variance) * math.sqrt(per_year)
    return Luck(trials, expected, strict, effective, lenient)
