"""How much of a Sharpe ratio is skill: corrected for skew, fat tails and the number of trials.

Source: D. H. Bailey and M. López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection
Bias, Backtest Overfitting and Non-Normality", Journal of Portfolio Management 40 (5), 2014, 94-107.

Sharpe ratios here are per observation, not annualised, and kurtosis is that of Pearson (3 for a
normal distribution).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from framework.types import FloatArray

EULER_MASCHERONI = 0.5772156649015329
_NORMAL = NormalDist()


def probabilistic_sharpe(
    sharpe: float, benchmark: float, observations: int, skew: float, kurtosis: float
) -> float | None:
    """Return the probability that the true Sharpe ratio lies above `benchmark`.

    Parameters
    ----------
    sharpe, benchmark : float
        Measured ratio and the one to beat, per observation.
    observations : int
        Number of returns.
    skew, kurtosis : float
        Third and fourth standardised moments of the returns, ddof=0.

    Returns
    -------
    float or None
        Between 0 and 1; None with fewer than two observations or when the moments leave no
        variance to the estimate.

    Examples
    --------
    >>> probabilistic_sharpe(0.1, 0.1, 100, 0.0, 3.0)
    0.5
    """
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if observations < 2 or not 0.0 < variance < math.inf:
        return None
    score = (sharpe - benchmark) * math.sqrt(observations - 1) / math.sqrt(variance)
    return None if math.isnan(score) else _NORMAL.cdf(score)


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """Return the best Sharpe ratio to expect of so many trials without any skill.

    Parameters
    ----------
    trials : float
        Number of independent trials, not always whole; a single one expects 0.
    variance : float
        Of the trials' Sharpe ratios, in the unit (squared) that the answer has.

    Examples
    --------
    >>> round(expected_maximum_sharpe(10, 1.0), 4)
    1.5746
    """
    if trials <= 1.0:
        return 0.0
    gamma = EULER_MASCHERONI
    highest = (1.0 - gamma) * _NORMAL.inv_cdf(1.0 - 1.0 / trials) + gamma * _NORMAL.inv_cdf(
        1.0 - 1.0 / (trials * math.e)
    )
    return math.sqrt(variance) * max(highest, 0.0)  # below 0 where there is hardly a second trial


def deflated_sharpe(
    sharpe: float,
    observations: int,
    skew: float,
    kurtosis: float,
    trials: float,
    variance: float,
) -> float | None:
    """Return the probability of skill after the best of `trials` was picked.

    The probabilistic Sharpe ratio against what luck alone would have brought; see
    `probabilistic_sharpe` and `expected_maximum_sharpe` for parameters and units.

    Examples
    --------
    The paper's own example: annualised ratio 2.5 and variance of trials 0.5 over 250
    observations a year.

    >>> round(deflated_sharpe(2.5 / 250**0.5, 1250, -3.0, 10.0, 100, 0.5 / 250), 4)
    0.9004
    """
    luck = expected_maximum_sharpe(trials, variance)
    return probabilistic_sharpe(sharpe, luck, observations, skew, kurtosis)


def skew_and_kurtosis(returns: FloatArray) -> tuple[float, float]:
    """Return the third and fourth standardised moments of `returns` (T,), ddof=0.

    Both are NaN when the returns do not vary.
    """
    if len(returns) == 0:
        return math.nan, math.nan
    score = returns - returns.mean()
    square = score * score
    deviation = math.sqrt(square.mean())
    if not 0.0 < deviation < math.inf:
        return math.nan, math.nan
    score /= deviation
    # sums, not dot products: the bits of those depend on the threads of the linear algebra library
    np.multiply(score, score, out=square)
    score *= square
    square *= square
    return float(score.mean()), float(square.mean())
