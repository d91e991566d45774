"""The market's steps: units down, stops down, targets up."""

from __future__ import annotations

import math

from framework.engine.compiled import compiled

_ULPS = 1e-12  # relative: 0.3 is three steps of 0.1, although 0.3 / 0.1 is a little less


@compiled
def round_down(value: float, step: float) -> float:
    """Return the largest multiple of `step` up to `value`; `value` when `step` is 0."""
    if step <= 0.0 or not math.isfinite(value):
        return value
    return math.floor(value / step * (1.0 + _ULPS)) * step


@compiled
def round_up(value: float, step: float) -> float:
    """Return the smallest multiple of `step` from `value` on; `value` when `step` is 0."""
    if step <= 0.0 or not math.isfinite(value):
        return value
    return math.ceil(value / step * (1.0 - _ULPS)) * step
