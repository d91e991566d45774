"""Signals without their entries, for bars in which a person told the strategy to pause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from framework.records import Signals
from framework.types import BoolArray

_ENTRIES = {"enter": False, "enter_short": False, "target": np.nan}


def muted(signals: Signals, quiet: BoolArray) -> Signals:
    """Return `signals` that open nothing in the bars that are `quiet`.

    Exits stay. A target, which may be both, leaves the position alone. What waits to open or
    enlarge a position is called back.

    Parameters
    ----------
    signals : Signals
        (T, N).
    quiet : (T,) bool
        The bars.
    """
    if not quiet.any():
        return signals
    changed: dict[str, Any] = {}
    for name, nothing in _ENTRIES.items():
        values = getattr(signals, name)
        if values is not None:
            changed[name] = np.where(quiet[:, None], nothing, values)
            changed["withdraw"] = np.broadcast_to(quiet[:, None], values.shape)
    return replace(signals, **changed)
