"""Equity of the best trials over time, beside holding instead, as the sweep page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from framework.results.page.lines import draw_line
from framework.results.page.markup import text
from framework.results.page.series import reduce_extremes
from framework.results.sweep.axes import described
from framework.results.sweep.judgement import Judgement, Tried
from framework.types import FloatArray, IntArray

Figure = dict[str, Any]

CURVES = 10
"""Most trials that are drawn."""

_POINTS = 600


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """How one trial went.

    Parameters
    ----------
    row : int
        Of the trial among all.
    time : (T,) int64
        Closes of the bars traded, UTC ns.
    equity, holding : (T,) float64
        At each, as a multiple of the cash at the start: of the trial, and of holding its pairs.
    """

    row: int
    time: IntArray
    equity: FloatArray
    holding: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The best trials, best first.

    Parameters
    ----------
    drawn : tuple of Curve
        Those there are.
    missing : tuple of str
        A sentence for each that is left out.
    """

    drawn: tuple[Curve, ...] = ()
    missing: tuple[str, ...] = ()


def curves_figure(tried: Tried, judged: Judgement, curves: Curves) -> Figure | None:
    """Return the curves as lines; None where there are none."""
    if not curves.drawn:
        return None
    best = curves.drawn[0]
    alike = all(np.array_equal(each.holding, best.holding) for each in curves.drawn)
    held = "Holding instead" if alike else f"Holding what no. {tried.number(best.row)} traded"
    data = [
        _line(held, held, best.time, best.holding, "--muted", 1.4)
        | {"line": {"color": "--muted", "width": 1.4, "dash": "dot"}}
    ]
    for rank in range(len(curves.drawn) - 1, -1, -1):
        curve = curves.drawn[rank]
        named = f"no. {tried.number(curve.row)}"
        legend = f"{named}, the best" if not rank else f"the next {len(curves.drawn) - 1}"
        said = f"{named}: {described(judged.axes, curve.row)}"
        color, width = ("--gain", 2.2) if not rank else ("--accent", 1.0)
        data.append(
            _line(legend, said, curve.time, curve.equity, color, width)
            | {"showlegend": rank < 2, "legendgroup": legend, "opacity": 1.0 - 0.07 * rank}
        )
    values = [each for curve in curves.drawn for each in (curve.equity, curve.holding)]
    return {
        "data": data,
        "layout": {
            "hovermode": "closest",
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "Equity, cash at the start = 1"}},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.01,
                "yanchor": "bottom",
                "traceorder": "reversed",
            },
        },
        "log": all(bool((each > 0.0).all()) for each in values),
    }


def curves_section(curves: Curves) -> str:
    """Return the section with the chart's place; nothing where no trial counts."""
    if not curves.drawn and not curves.missing:
        return ""
    notes = "".join(f'<p class="note">{text(line)}</p>' for line in curves.missing)
    return (
        '<section aria-labelledby="h-curves"><div class="heading"><h2 id="h-curves">Equity of the '
        "best trials <small>over the bars that the sweep traded; what is kept from it is not here"
        '</small></h2><div class="segments needs-script" id="scale" role="group" '
        'aria-label="Scale of equity"><button type="button" data-scale="linear" '
        'aria-pressed="true">Linear</button><button type="button" data-scale="log" '
        'aria-pressed="false">Log</button></div></div><div class="chart" id="curves" '
        f'data-empty="No curve is there to draw."></div>{notes}</section>'
    )


def _line(
    legend: str, said: str, time: IntArray, values: FloatArray, color: str, width: float
) -> Figure:
    kept = reduce_extremes(values, _POINTS)
    hover = "%{meta[0]}<br>%{x|%Y-%m-%d %H:%M} UTC: %{y:.3f}<extra></extra>"
    line = draw_line(legend, time[kept], values[kept], color, width=width, hover=hover)
    return line | {"meta": [said]}
