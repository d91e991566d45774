"""Where a sweep is good: maps over pairs of axes, and the best trials as lines across all axes.

Plain Plotly figures of bounded size whatever the number of trials; colours are names of CSS
variables, as in `framework.results.plots`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from framework.results.page.series import numbers
from framework.results.sweep.axes import Axis, written
from framework.results.sweep.judgement import Judgement, Tried, ranked
from framework.types import FloatArray, IntArray

Figure = dict[str, Any]

MAPS = 10
"""Most pairs of axes that are mapped: those of the axes that matter most."""

PATHS = 100
"""Most trials drawn across the axes."""

_CELLS = 50  # of a map, a side
_POINTS = 600
_NAMED = 10


def map_figures(tried: Tried, judged: Judgement, name: str) -> list[Figure]:
    """Return a map for each pair of axes, if any trial counts: the best over all other axes."""
    if judged.best is None:
        return []
    axes = [judged.axes[index] for index in _by_importance(judged)]
    pairs = list(combinations(axes, 2))[:MAPS]
    return [_map(tried.objective, one, other, judged.best, name) for one, other in pairs]


def response_figure(tried: Tried, judged: Judgement, name: str) -> Figure | None:
    """Return the objective along the only axis; None unless there is one, with a result."""
    if len(judged.axes) != 1 or judged.best is None:
        return None
    [axis] = judged.axes
    group, labels = axis.binned(_POINTS)
    value = _highest(tried.objective, group, len(labels))
    plain = axis.numeric and len(labels) == len(axis.values)
    best = int(group[judged.best])
    x = numbers(np.array(axis.values, np.float64)) if plain else list(labels)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers" if axis.numeric else "markers",
                "x": x,
                "y": numbers(value),
                "line": {"color": "--accent", "width": 1.4},
                "marker": {"color": "--accent", "size": 5},
                "hovertemplate": f"{axis.label} %{{x}}: %{{y:.4~g}}<extra></extra>",
            },
            _ring([x[best]], numbers(value[best : best + 1])),
        ],
        "layout": {
            "showlegend": False,
            "hovermode": "closest",
            "xaxis": {"title": {"text": axis.name}, "hoverformat": "", "type": _kind(plain)},
            "yaxis": {"title": {"text": name}},
        },
    }


def paths_figure(tried: Tried, judged: Judgement, name: str) -> Figure | None:
    """Return the best trials as lines across all axes; None without two axes or a result."""
    if len(judged.axes) < 2 or judged.best is None:
        return None
    order = ranked(tried.objective)[:PATHS]
    axes = judged.axes
    names = [axis.label for axis in axes]
    places = list(range(len(axes)))
    height = np.stack([axis.scaled[order] for axis in axes], axis=1)
    data: list[Figure] = []
    rest = height[_NAMED:]
    if len(rest):
        gap = np.full((len(rest), 1), np.nan)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{_NAMED + 1} to {len(order)}",
                "x": [*places, None] * len(rest),
                "y": numbers(np.hstack([rest, gap]).ravel()),
                "line": {"color": "--faint", "width": 1},
                "hoverinfo": "skip",
            }
        )
    for rank in range(min(_NAMED, len(order)) - 1, -1, -1):
        row = int(order[rank])
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "the best" if rank == 0 else f"2 to {min(_NAMED, len(order))}",
                "showlegend": rank < 2,
                "x": places,
                "y": numbers(height[rank]),
                "text": [written(axis.values[axis.level[row]]) for axis in axes],
                "line": {
                    "color": "--gain" if rank == 0 else "--accent",
                    "width": 3 - 2 * (rank > 0),
                },
                "marker": {"color": "--gain" if rank == 0 else "--accent", "size": 5},
                "hovertemplate": f"no. {tried.number(row)}: %{{text}}<br>{name} "
                f"{written(float(tried.objective[row]))}<extra></extra>",
            }
        )
    ends = [
        {
            "x": place,
            "y": end,
            "yshift": 14 if end else -14,
            "text": written(axis.values[-1 if end else 0]),
            "showarrow": False,
            "font": {"color": "--muted", "size": 11},
        }
        for place, axis in enumerate(axes)
        for end in (0, 1)
    ]
    return {
        "data": data,
        "layout": {
            "hovermode": "closest",
            "annotations": ends,
            "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
            "xaxis": {
                "tickvals": places,
                "ticktext": names,
                "showgrid": True,
                "gridcolor": "--line",
                "zeroline": False,
                "range": [-0.3, len(axes) - 0.7],
            },
            "yaxis": {"visible": False, "range": [-0.12, 1.12]},
        },
    }


def _map(objective: FloatArray, one: Axis, other: Axis, best: int, name: str) -> Figure:
    """Return the best objective for each combination of two axes' values."""
    column, columns = one.binned(_CELLS)
    row, rows = other.binned(_CELLS)
    cells = _highest(objective, row * len(columns) + column, len(rows) * len(columns))
    known = cells[np.isfinite(cells)]
    low, high = np.quantile(known, [0.02, 1.0]).tolist()
    data: list[Figure] = [
        {
            "type": "heatmap",
            "x": list(columns),
            "y": list(rows),
            "z": [numbers(line) for line in cells.reshape(len(rows), len(columns))],
            "xgap": 1 if len(columns) < 30 else 0,
            "ygap": 1 if len(rows) < 30 else 0,
            "hoverongaps": False,
            "hovertemplate": f"{one.label} %{{x}}, {other.label} %{{y}}<br>{name} %{{z:.4~g}}"
            "<extra></extra>",
            "colorbar": {"thickness": 12, "outlinewidth": 0, "tickfont": {"size": 11}},
            **_colors(low, high),
        }
    ]
    data.append(_ring([columns[column[best]]], [rows[row[best]]]))
    return {
        "name": f"{one.label} and {other.label}",
        "data": data,
        "layout": {
            "hovermode": "closest",
            "showlegend": False,
            "xaxis": {"title": {"text": one.name}, "type": "category", "hoverformat": ""},
            "yaxis": {"title": {"text": other.name}, "type": "category"},
        },
    }


def _colors(low: float, high: float) -> Figure:
    """Return the colours of a map: losses red, gains green, nothing in between."""
    if low < 0.0 < high:
        reach = max(-low, high)
        scale = [[0, "--loss"], [0.5, "--surface"], [1, "--gain"]]
        return {"zmin": -reach, "zmax": reach, "colorscale": scale}
    ends = ("--surface", "--gain") if high > 0.0 else ("--loss", "--surface")
    return {"zmin": low, "zmax": high, "colorscale": [[0, ends[0]], [1, ends[1]]]}


def _highest(values: FloatArray, group: IntArray, groups: int) -> FloatArray:
    """Return the highest known value of each group; NaN where there is none."""
    highest = np.full(groups, -np.inf)
    np.maximum.at(highest, group, np.where(np.isnan(values), -np.inf, values))
    return np.where(np.isneginf(highest), np.nan, highest)


def _by_importance(judged: Judgement) -> list[int]:
    """Return the axes, the one that matters most first."""
    return sorted(range(len(judged.axes)), key=lambda index: -(judged.importance[index] or 0.0))


def _ring(x: list[Any], y: list[Any]) -> Figure:
    """Return the mark of the best trial."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "hoverinfo": "skip",
        "marker": {
            "symbol": "circle-open",
            "size": 15,
            "color": "--ink",
            "line": {"color": "--ink", "width": 2.5},
        },
    }


def _kind(plain: bool) -> str:
    return "linear" if plain else "category"
