"""How a sweep's figures are spread, and what picking the best was worth, as Plotly figures.

Of bounded size whatever the number of trials; colours are names of CSS variables, as in
`framework.results.plots`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.results.page.series import numbers
from framework.results.sweep.overfitting import Overfitting
from framework.types import FloatArray, IntArray

Figure = dict[str, Any]

_BINS = 60
_POINTS = 600
_HALF = 20  # bins on either side of a logit of 0


def spread_figure(
    values: FloatArray, name: str, marks: list[tuple[str, float | None, str]]
) -> Figure | None:
    """Return how a figure is spread over the trials, with lines where `marks` say.

    Parameters
    ----------
    values : (P,) float64
        NaN is left out; what lies far below the rest is put into the first bar.
    name : str
        Of the figure.
    marks : list of (label, value, colour)
        Lines from bottom to top.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    floor = max(float(known.min()), low - 4 * (high - low)) if high > low else float(known.min())
    top = float(known.max())
    if not top > floor:
        floor, top = middle - 0.5, middle + 0.5
    count, edges = np.histogram(
        np.maximum(known, floor), min(_BINS, max(10, math.isqrt(len(known)))), (floor, top)
    )
    shown = [mark for mark in marks if mark[1] is not None and math.isfinite(mark[1])]
    return {
        "data": [_bars(edges, count, ["--accent"] * len(count), "trials")],
        "layout": {
            "bargap": 0,
            "showlegend": False,
            "xaxis": {"title": {"text": name}, "hoverformat": ""},
            "yaxis": {"title": {"text": "Trials"}},
            "shapes": [
                {
                    "type": "line",
                    "x0": value,
                    "x1": value,
                    "y0": 0,
                    "y1": 1,
                    "yref": "paper",
                    "line": {"color": color, "width": 1.6, "dash": "dash"},
                }
                for _, value, color in shown
            ],
            "annotations": [
                {
                    "x": value,
                    "y": 1 - 0.09 * place,
                    "yref": "paper",
                    "text": label,
                    "showarrow": False,
                    "xanchor": "right",
                    "xshift": -5,
                    "bgcolor": "--surface",
                    "font": {"color": color, "size": 12},
                }
                for place, (label, value, color) in enumerate(shown)
            ],
        },
    }


def logit_figure(found: Overfitting | None) -> Figure | None:
    """Return how the logits of the ranks are spread: at or below 0, the lower half."""
    if found is None:
        return None
    reach = float(np.abs(found.logits).max()) or 1.0
    width = reach / _HALF
    # A logit of exactly 0 counts with the lower half.
    bins = np.clip(np.ceil(found.logits / width) - 1, -_HALF, _HALF - 1).astype(np.int64) + _HALF
    count = np.bincount(bins, minlength=2 * _HALF)
    edges: FloatArray = np.arange(-_HALF, _HALF + 1).astype(np.float64) * width
    colors = ["--loss"] * _HALF + ["--gain"] * _HALF
    return {
        "data": [_bars(edges, count, colors, "splits")],
        "layout": {
            "bargap": 0,
            "showlegend": False,
            "xaxis": {
                "title": {"text": "Logit of the rank in the other half: lower half red"},
                "hoverformat": "",
            },
            "yaxis": {"title": {"text": "Splits"}},
        },
    }


def degradation_figure(found: Overfitting | None, per_year: float) -> Figure | None:
    """Return the Sharpe ratio of the best of one half against what it had in the other."""
    if found is None:
        return None
    kept = np.linspace(0, len(found.before) - 1, min(_POINTS, len(found.before))).astype(np.int64)
    yearly = math.sqrt(per_year)
    before, after = found.before * yearly, found.after * yearly
    data: list[Figure] = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(before[kept]),
            "y": numbers(after[kept]),
            "marker": {"color": "--accent", "size": 4, "opacity": 0.45},
            "hovertemplate": "picked at %{x:.2f}, then %{y:.2f}<extra></extra>",
        }
    ]
    if math.isfinite(found.slope):
        ends = np.array([before.min(), before.max()])
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": numbers(ends),
                "y": numbers(after.mean() + found.slope * (ends - before.mean())),
                "line": {"color": "--ink-soft", "width": 1.6},
                "hoverinfo": "skip",
            }
        )
    return {
        "data": data,
        "layout": {
            "hovermode": "closest",
            "showlegend": False,
            "xaxis": {"title": {"text": "Sharpe in the half it was picked in"}, "hoverformat": ""},
            "yaxis": {"title": {"text": "Sharpe in the other"}},
        },
    }


def _bars(edges: FloatArray, count: IntArray, colors: list[str], what: str) -> Figure:
    ends = zip(numbers(edges[:-1]), numbers(edges[1:]), strict=True)
    return {
        "type": "bar",
        "x": numbers((edges[:-1] + edges[1:]) / 2),
        "y": count.tolist(),
        "width": float(edges[1] - edges[0]) * 0.92,
        "customdata": [[low, high] for low, high in ends],
        "marker": {"color": colors},
        "hovertemplate": f"%{{customdata[0]:.3~g}} to %{{customdata[1]:.3~g}}: %{{y}} {what}"
        "<extra></extra>",
    }
