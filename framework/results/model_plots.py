"""The report's charts of the model: plain Plotly figures, colours by names of CSS variables."""

from __future__ import annotations

import numpy as np

from framework.results.model_judgement import (
    Calibration,
    Group,
    Histogram,
    ModelJudgement,
    RuleEquity,
    SeedBand,
)
from framework.results.page.lines import Figure, draw_line
from framework.results.page.series import numbers, reduce_extremes

_COLORS = ("--loss", "--muted", "--gain")


def model_figures(judged: ModelJudgement) -> dict[str, Figure | None]:
    """Return the figures by the names of their places on the page, without ``model-``."""
    figures: dict[str, Figure | None] = {}
    if judged.calibration:
        figures["calibration"] = _calibration(judged.calibration)
    if judged.groups:
        figures["groups"] = _groups(judged.groups)
    if judged.histogram is not None:
        figures["histogram"] = _histogram(judged.histogram)
    if judged.rule is not None:
        figures["rule"] = _rule(judged.rule)
    if judged.seeds is not None:
        figures["seeds"] = _seeds(judged.seeds)
    return figures


def _calibration(found: tuple[Calibration, ...]) -> Figure | None:
    """Return said against came, with the line on which they are the same."""
    bins = [part for one in found for part in one.bins]
    if not bins:
        return None
    ends = [
        min(min(part.predicted, part.observed) for part in bins),
        max(max(part.predicted, part.observed) for part in bins),
    ]
    colors = _COLORS if len(found) == len(_COLORS) else ("--accent",)
    right: Figure = {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": ends,
        "line": {"color": "--muted", "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    points = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": one.output,
            "x": numbers(np.array([part.predicted for part in one.bins])),
            "y": numbers(np.array([part.observed for part in one.bins])),
            "customdata": [part.samples for part in one.bins],
            "line": {"color": color, "width": 1.4},
            "marker": {"color": color, "size": 7},
            "hovertemplate": "said %{x:.1%}, came %{y:.1%}, %{customdata:,} samples<extra></extra>",
        }
        for one, color in zip(found, colors, strict=True)
    ]
    digits = 0 if ends[1] - ends[0] > 0.08 else 1
    return {
        "data": [right, *points],
        "layout": {
            "xaxis": {"title": {"text": "Probability said"}, "tickformat": f".{digits}%"},
            "yaxis": {"title": {"text": "Share that came"}, "tickformat": f".{digits}%"},
            "showlegend": len(found) > 1,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        },
    }


def _groups(groups: tuple[Group, ...]) -> Figure:
    """Return the mean outcome of each group as a bar, red below 0 where any is."""
    outcome = np.array([group.outcome for group in groups])
    digits = 2 if np.abs(outcome).max() >= 0.002 else 3
    return {
        "data": [
            {
                "type": "bar",
                "x": [str(number) for number in range(1, len(groups) + 1)],
                "y": numbers(outcome),
                "customdata": [[g.low, g.high, g.samples] for g in groups],
                "marker": {
                    "color": [
                        "--accent" if outcome.min() >= 0 else "--gain" if value > 0 else "--loss"
                        for value in outcome.tolist()
                    ]
                },
                "hovertemplate": "predicted %{customdata[0]:.4g} to %{customdata[1]:.4g}: "
                f"%{{y:.{digits + 1}%}}, %{{customdata[2]:,}} samples<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"type": "category", "title": {"text": "Tenth of the prediction"}},
            "yaxis": {"title": {"text": "Mean outcome"}, "tickformat": f".{digits}%"},
            "showlegend": False,
        },
    }


def _histogram(found: Histogram) -> Figure:
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    return {
        "data": [
            {
                "type": "bar",
                "x": numbers(middle),
                "y": found.counts.tolist(),
                "marker": {"color": "--accent"},
                "hovertemplate": "%{x:.3f}: %{y:,} bars<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": found.output}},
            "yaxis": {"title": {"text": "Bars"}},
            "bargap": 0.06,
            "showlegend": False,
        },
    }


def _rule(rule: RuleEquity) -> Figure | None:
    if not len(rule.time):
        return None
    lines = (
        ("Without costs", rule.free, "--accent", 1.8),
        (f"With fees of {rule.fee_bps:g} bps", rule.paid, "--loss", 1.4),
        ("Holding instead", rule.held, "--muted", 1.2),
    )
    kept = np.unique(np.concatenate([reduce_extremes(values, 600) for _, values, _, _ in lines]))
    return _over_time(
        [
            draw_line(name, rule.time[kept], values[kept], color, width=width, hover="%{y:.3f}")
            for name, values, color, width in lines
        ]
    )


def _seeds(band: SeedBand) -> Figure | None:
    """Return the lowest and the highest curve of all seeds, what is between them, and the mean."""
    if not len(band.time):
        return None
    low, high, mean = (
        part(band.free_KT, axis=0) for part in (np.minimum.reduce, np.maximum.reduce, np.mean)
    )
    kept = np.unique(np.concatenate([reduce_extremes(line, 600) for line in (low, high, mean)]))
    at = band.time[kept]
    lowest = draw_line("Lowest", at, low[kept], "--faint", width=1, hover="%{y:.3f}")
    highest = draw_line("Highest", at, high[kept], "--faint", width=1, hover="%{y:.3f}")
    highest |= {"fill": "tonexty", "fillcolor": "--accent-soft"}
    middle = draw_line("Mean", at, mean[kept], "--accent", width=1.6, hover="%{y:.3f}")
    return _over_time([lowest, highest, middle])


def _over_time(lines: list[Figure]) -> Figure:
    return {
        "data": lines,
        "layout": {
            "hovermode": "x unified",
            "xaxis": {"type": "date"},
            "yaxis": {"title": {"text": "Equity"}},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        },
    }
