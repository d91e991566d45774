"""What the report's charts share: a line, and the ends of the axis of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.results.outcome import Outcome
from framework.results.page.series import moments, numbers
from framework.types import FloatArray, IntArray

Figure = dict[str, Any]


def whole_range(outcome: Outcome) -> list[int]:
    """Return the ends of the axis of time; one bar gets some room around it."""
    room = outcome.interval.ns * (len(outcome.time) == 1)
    ends = [int(outcome.time[0]) - room, int(outcome.time[-1]) + outcome.interval.ns + room]
    return moments(np.array(ends, np.int64))


def draw_line(
    name: str,
    time: IntArray,
    values: FloatArray,
    color: str,
    *,
    width: float,
    hover: str,
    axis: str = "y",
) -> Figure:
    """Return a line; a single value is drawn as a point."""
    return {
        "type": "scatter",
        "mode": "lines" if len(values) > 1 else "markers",
        "name": name,
        "x": moments(time),
        "y": numbers(values),
        "yaxis": axis,
        "line": {"color": color, "width": width},
        "marker": {"color": color},
        "hovertemplate": hover,
    }
