"""The trials that no other dominates as the sweep page shows them: figures and a table."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from framework.results.page.markup import empty, text
from framework.results.page.series import numbers
from framework.results.page.wording import number
from framework.results.sweep.axes import described
from framework.results.sweep.judgement import Judgement, Tried
from framework.results.sweep.sections import LISTED, SweepFacts, trial_table
from framework.types import FloatArray, IntArray

Figure = dict[str, Any]

PAIRS = 6
"""Most pairs of objectives that are drawn: all of four."""

_POINTS = 600  # of either kind
_ROOM = 0.06  # beyond the ends of an axis


def front_figures(tried: Tried, judged: Judgement) -> list[Figure]:
    """Return a figure for each pair of objectives; none where there is one objective, or no front.

    Of trials beyond 600 on the front, or beside it, evenly chosen ones are drawn.
    """
    if not judged.front:
        return []
    front = np.array(judged.front, np.int64)
    known = np.logical_and.reduce([np.isfinite(each) for each in tried.objectives.values()])
    others = np.setdiff1d(np.flatnonzero(known), front)
    stairs = len(tried.objectives) == 2
    return [
        {
            "name": f"{one} and {other}",
            "data": [
                _points(tried, judged, others, (one, other), "others", "--faint", 5),
                _points(tried, judged, front, (one, other), "on the front", "--gain", 8, stairs),
            ],
            "layout": {
                "hovermode": "closest",
                "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
                "xaxis": _axis(one, tried.objectives[one][known], tried.objectives[one][front]),
                "yaxis": _axis(
                    other, tried.objectives[other][known], tried.objectives[other][front]
                ),
            },
        }
        for one, other in list(combinations(tried.objectives, 2))[:PAIRS]
    ]


def front_section(tried: Tried, judged: Judgement, facts: SweepFacts) -> str:
    """Return the section with the chart's place and the table; nothing for a single objective."""
    if len(tried.objectives) < 2:
        return ""
    rows = judged.front[:LISTED]
    first = next(iter(tried.objectives))
    table = empty("No trial counts.")
    if rows:
        table = trial_table(tried, judged, facts, rows, tried.objectives)
    notes = [
        "The axes leave out the lowest quarter of the trials where the front has none there; a "
        "double click shows all.",
        f"All else on this page takes {first} alone for the objective.",
    ]
    if len(judged.front) > len(rows):
        notes.insert(0, f"The {LISTED} highest in {first} of {number(len(judged.front), 0)}.")
    return (
        '<section aria-labelledby="h-front"><div class="heading"><h2 id="h-front">Pareto front '
        "<small>trials that no other dominates: at least as good in every objective and better in "
        'one; more is better</small></h2><label class="needs-script pick">Objectives '
        '<select id="front-pair"></select></label></div><div class="chart" id="front" '
        f'data-empty="No trial counts."></div>{table}<p class="note">{text(" ".join(notes))}</p>'
        "</section>"
    )


def _axis(name: str, known: FloatArray, front: FloatArray) -> Figure:
    """Return an axis without the lowest quarter of the trials, unless some of the front is there.

    A few trials that lose all would else leave the front in a corner.
    """
    low, high = min(float(np.quantile(known, 0.25)), float(front.min())), float(front.max())
    axis: Figure = {"title": {"text": name}, "hoverformat": ""}
    if high > low:
        room = _ROOM * (high - low)
        axis["range"] = [low - room, high + room]
    return axis


def _points(
    tried: Tried,
    judged: Judgement,
    rows: IntArray,
    pair: tuple[str, str],
    name: str,
    color: str,
    size: int,
    stairs: bool = False,
) -> Figure:
    """Return trials as points, joined by the edge of what they dominate where `stairs` says so."""
    kept = rows[np.linspace(0, len(rows) - 1, min(_POINTS, len(rows))).astype(np.int64)]
    shown = "" if len(kept) == len(rows) else f"{number(len(kept), 0)} of "
    one, other = pair
    return {
        "type": "scatter",
        "mode": "lines+markers" if stairs else "markers",
        "name": f"{shown}{number(len(rows), 0)} {name}",
        "x": numbers(tried.objectives[one][kept]),
        "y": numbers(tried.objectives[other][kept]),
        "text": [
            f"no. {tried.number(row)}: {described(judged.axes, row)}" for row in kept.tolist()
        ],
        "line": {"color": color, "width": 1.2, "shape": "hv"},
        "marker": {"color": color, "size": size},
        "hovertemplate": f"%{{text}}<br>{one} %{{x:.4~g}}<br>{other} %{{y:.4~g}}<extra></extra>",
    }
