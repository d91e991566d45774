"""Functions of the time at which a candle opens, UTC."""

from __future__ import annotations

import numpy as np

from framework.strategy.function import function
from framework.types import DAY_NS, FloatArray, IntArray

_GROUP = "Calendar"
_HOUR_NS = DAY_NS // 24
_THURSDAY = 3  # 1970-01-01


@function(memory=0, group=_GROUP, source="UTC")
def hour(time: IntArray) -> FloatArray:
    """Hour of the day at which the candle opened, 0..23, UTC."""
    return (time % DAY_NS // _HOUR_NS).astype(np.float64)


@function(memory=0, group=_GROUP, source="ISO 8601, counted from 0")
def weekday(time: IntArray) -> FloatArray:
    """Day of the week on which the candle opened, Monday 0 .. Sunday 6, UTC."""
    return ((time // DAY_NS + _THURSDAY) % 7).astype(np.float64)
