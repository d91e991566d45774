"""How the page writes numbers, and what it says of a result in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from framework.records import Reason
from framework.results.outcome import Outcome
from framework.types import DAY_NS

Metrics = Mapping[str, float | int | None]

NONE = "n/a"
MINUS = "\u2212"
NARROW = "\u202f"  # narrow no-break space: thousands, and before the per cent sign

_FEW_TRADES = 30
_SHORT_DAYS = 90
_CONVINCING = 0.95


def words(name: str) -> str:
    """Return an identifier as words: ``TRAILING_STOP`` is ``trailing stop``."""
    return name.replace("_", " ").lower()


_PLAIN = {
    Reason.MAX_EXPOSURE: "exposure in all at its limit",
    Reason.MAX_PAIR_EXPOSURE: "exposure to the pair at its limit",
    Reason.MAX_POSITIONS: "as many positions as allowed",
    Reason.CORRELATION: "exposure to correlated pairs at its limit",
    Reason.DAILY_LOSS: "daily loss at its limit",
    Reason.MAX_DRAWDOWN: "drawdown at its limit",
    Reason.VOLATILITY: "volatility above its limit, or not known yet",
    Reason.ANOMALY: "anomaly score above its limit, or not known",
    Reason.NOT_TRADABLE: "no trades in the candle",
    Reason.MIN_NOTIONAL: "below the smallest order",
    Reason.REPLACED: "replaced by another order",
    Reason.TIME_IN_FORCE: "not filled in time",
    Reason.POST_ONLY: "would have filled at once, post-only",
    Reason.NO_PRICE: "no price for the order",
    Reason.NO_STOP: "no distance for its stop or target",
    Reason.NO_EDGE: "no edge to bet on by the Kelly rule",
    Reason.BORROW: "borrowing",
    Reason.PAUSE: "paused",
}
_REASONS = {reason.value: _PLAIN.get(reason, words(reason.name)) for reason in Reason}


def finite(value: object) -> float | None:
    """Return `value` as a float, or None where there is no finite number to show."""
    if isinstance(value, (int, float, np.number)) and math.isfinite(value):
        return float(value)
    return None


def number(value: object, digits: int = 2, *, sign: bool = False) -> str:
    """Return `value` with grouped thousands, or ``n/a``.

    Examples
    --------
    >>> number(-1234.5, 1).replace(NARROW, " ")
    '−1 234.5'
    >>> number(None)
    'n/a'
    """
    found = finite(value)
    if found is None:
        return NONE
    text = f"{found:+,.{digits}f}" if sign else f"{found:,.{digits}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace(",", NARROW).replace("-", MINUS)


def percent(value: object, digits: int | None = None, *, sign: bool = False) -> str:
    """Return the fraction `value` in per cent; fewer digits the larger it is.

    Examples
    --------
    >>> percent(0.1234, sign=True).replace(NARROW, " ")
    '+12.3 %'
    """
    found = finite(value)
    if found is None:
        return NONE
    if digits is None:
        size = abs(found)
        digits = 2 if size < 0.0995 else 1 if size < 9.995 else 0
        if -1 < found < -0.9995:  # not all is lost
            return f"{number(max(found * 100, -99.99), 2)}{NARROW}%"
    return f"{number(found * 100, digits, sign=sign)}{NARROW}%"


def price(value: object) -> str:
    """Return a price with six significant digits, however small.

    Examples
    --------
    >>> price(0.0000123456789), price(65000.0).replace(NARROW, " ")
    ('0.0000123457', '65 000')
    """
    found = finite(value)
    if found is None:
        return NONE
    if found == 0:
        return "0"
    digits = min(max(5 - math.floor(math.log10(abs(found))), 0), 14)
    text = number(found, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(days: float) -> str:
    """Return a length of time in the unit that a person would choose.

    Examples
    --------
    >>> span(0.5), span(45), span(800)
    ('12.0 hours', '45 days', '2.2 years')
    """
    if days < 2 / 24:
        return f"{days * 1440:.0f} minutes"
    if days < 2:
        return f"{days * 24:.1f} hours"
    if days < 3:
        return f"{days:.1f} days"
    return f"{days:.0f} days" if days < 730 else f"{days / 365:.1f} years"


def reason_words(code: int) -> str:
    """Return a `Reason` in plain words.

    Examples
    --------
    >>> reason_words(Reason.TRAILING_STOP), reason_words(Reason.POST_ONLY)
    ('trailing stop', 'would have filled at once, post-only')
    """
    return _REASONS.get(code, f"reason {code}")


def verdict(outcome: Outcome, metrics: Metrics) -> str:
    """Return the result in one sentence."""
    total = finite(metrics.get("total_return"))
    if len(outcome.time) == 0 or total is None:
        return "There is no result: no bar was traded."
    if not len(outcome.fills):
        said = "Never traded"
    elif total <= -0.99:
        said = f"Lost {'everything' if total <= -1 else 'nearly everything'} ({percent(total)})"
    elif abs(total) < 0.00005:
        said = "Ended where it began, after costs"
    else:
        said = f"{'Gained' if total > 0 else 'Lost'} {percent(abs(total))} after costs"
    held = finite(metrics.get("benchmark_return"))
    if held is None:
        return f"{said}."
    those = "the pair" if len(outcome.pairs) == 1 else f"all {len(outcome.pairs)} pairs equally"
    if abs(held) < 0.00005:
        return f"{said}; holding {those} would have changed nothing."
    done = "gained" if held > 0 else "lost"
    return f"{said}; holding {those} would have {done} {percent(abs(held))}."


def short_range(outcome: Outcome) -> list[str]:
    """Return a caution where figures of a year are made of much less than one."""
    days = len(outcome.time) * outcome.interval.ns / DAY_NS
    if not 0 < days < _SHORT_DAYS:
        return []
    return [
        f"The range is short ({span(days)}): a year's return and the Sharpe ratio are "
        "extrapolated from it."
    ]


def cautions(outcome: Outcome, metrics: Metrics) -> list[str]:
    """Return what a reader should know before believing the numbers, gravest first."""
    found = [
        f"The check “{words(check.name)}” did not pass: do not rely on these numbers."
        for check in outcome.checks
        if not check.passed
    ]
    found += outcome.notices
    if not outcome.checks:
        found.append("No check was run on this result.")
    found += short_range(outcome)
    trades = outcome.trades
    if 0 < len(trades) < _FEW_TRADES:
        many = "1 trade is" if len(trades) == 1 else f"{len(trades)} trades are"
        found.append(f"{many} too few to tell skill from luck.")
    held = int(np.count_nonzero(trades["open"]))
    if held:
        found.append(
            f"{held} position{' is' if held == 1 else 's are'} still open at the end, valued at "
            "the last close without the cost of leaving."
        )
    sure = finite(metrics.get("deflated_sharpe"))
    if sure is not None and sure < _CONVINCING and len(trades):
        found.append(
            "Counting every trial made, the probability that the Sharpe ratio is more than luck "
            f"is {percent(sure, 0)}; {percent(_CONVINCING, 0)} would be convincing."
        )
    paid = sum(finite(metrics.get(f"{cost}_paid")) or 0 for cost in ("fees", "slippage", "borrow"))
    if len(outcome.equity):
        net = float(outcome.equity[-1]) - outcome.initial_cash
        if net < 0 < net + paid:
            found.append("Before costs it gained: the costs alone made it lose.")
    return found


def minute(stamp: str) -> str:
    """Return an ISO 8601 time to the minute.

    Examples
    --------
    >>> minute("2024-01-31T12:30:00Z")
    '2024-01-31 12:30'
    """
    return str(stamp)[:16].replace("T", " ")
