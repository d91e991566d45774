"""The gate that a trained model must pass before it is used unasked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from framework.errors import UserError, did_you_mean

SMALLER_IS_BETTER = frozenset(
    (
        *("max_drawdown", "max_drawdown_days", "volatility", "turnover", "exposure"),
        *("fees_paid", "slippage_paid", "borrow_paid", "model_brier", "model_log_loss"),
        *("model_rmse", "model_mae", "model_pinball"),
    )
)
"""Metrics whose bound is an upper one; that of all others is a lower one."""


def require_metrics(gate: Mapping[str, float]) -> None:
    """Refuse bounds on what no run measures; raise UserError naming the nearest metric."""
    from framework.results.metrics import NAMES

    if faults := [
        f"gate.{name}: is no metric.{did_you_mean(name, NAMES)}"
        for name in gate
        if name not in NAMES and not name.startswith("model_")
    ]:
        raise UserError(*faults)


def shortfalls(
    gate: Mapping[str, float], metrics: Mapping[str, float | int | None]
) -> tuple[str, ...]:
    """Return a line for each bound that is not reached; none where the gate is passed.

    Parameters
    ----------
    gate : mapping of str to float
        Name of a metric to its bound, itself allowed.
    metrics : mapping
        As in ``metrics.json``; what is missing, None or NaN reaches no bound.

    Examples
    --------
    >>> shortfalls({"sharpe": 1.0, "max_drawdown": 0.25}, {"sharpe": 0.4, "max_drawdown": 0.1})
    ('gate.sharpe: must be at least 1 (was 0.4).',)
    """
    lines = []
    for name, bound in gate.items():
        value = metrics.get(name)
        found = math.nan if value is None else float(value)
        upper = name in SMALLER_IS_BETTER
        if not (found <= bound if upper else found >= bound):
            word = "at most" if upper else "at least"
            shown = "not defined" if math.isnan(found) else f"{found:g}"
            lines.append(f"gate.{name}: must be {word} {bound:g} (was {shown}).")
    return tuple(lines)
