"""The report's charts of account and trades, their series reduced to what a screen can show.

Plain Plotly figures; those of the prices are in `framework.results.price_plot`.

Colours are names of CSS variables (``--gain``); the page puts in those of the theme.
"""

from __future__ import annotations

import math

import numpy as np

from framework.results.outcome import Outcome
from framework.results.page.lines import Figure, draw_line, whole_range
from framework.results.page.series import POINTS, drawdown, numbers, reduce_extremes
from framework.types import FloatArray, IntArray

_EXPOSURE = "Exposure"
"""Name of the one line there is when nothing was sold short."""


def account_figure(outcome: Outcome) -> Figure:
    """Return equity against the benchmark, drawdown and exposure over one axis of time."""
    # Equity is known at the close: a bar's open time would draw it one bar too early.
    time = outcome.time + outcome.interval.ns
    equity = outcome.equity
    held = outcome.benchmark
    fall = drawdown(equity, outcome.initial_cash)
    shorts = outcome.shorts
    long, short = (
        np.divide(value, equity, out=np.zeros(len(equity)), where=equity > 0)
        for value in (outcome.gross - shorts.value, 0.0 - shorts.value)
    )
    # One set of moments for the three lines, so that a hover reads all of them at the same one.
    shares = ((equity, 0.4), (held, 0.3), (fall, 0.3))
    kept = np.unique(
        np.concatenate([reduce_extremes(line, int(POINTS * share)) for line, share in shares])
    )
    at = time[kept]
    traces = [
        draw_line("Strategy", at, equity[kept], "--accent", width=1.8, hover="%{y:,.2f}"),
        draw_line("Holding instead", at, held[kept], "--muted", width=1.2, hover="%{y:,.2f}"),
        draw_line("Drawdown", at, fall[kept], "--loss", width=1.0, hover="%{y:.2%}", axis="y2")
        | {"fill": "tozeroy", "fillcolor": "--loss-soft", "showlegend": False},
        *_exposure(time, long, "Long" if shorts.any else _EXPOSURE, "--accent", "--faint"),
        *(_exposure(time, short, "Short", "--short", "--short-faint") if shorts.any else ()),
    ]
    deepest = float(fall.min()) if len(fall) else 0.0
    positive = bool(len(equity)) and not bool((equity <= 0).any() or (held <= 0).any())
    layout = {
        "hovermode": "x unified",
        "xaxis": {"type": "date", "anchor": "y3", "range": whole_range(outcome)},
        "yaxis": {"domain": [0.46, 1], "title": {"text": f"Equity, {outcome.quote}"}},
        "yaxis2": {
            "domain": [0.22, 0.42],
            "title": {"text": "Drawdown"},
            "tickformat": ".0%" if deepest < -0.04 else ".1%",
            "range": [deepest * 1.08 or -0.01, 0],
            "nticks": 4,
        },
        "yaxis3": {
            "domain": [0, 0.18],
            "title": {"text": _EXPOSURE},
            "tickformat": ".0%",
            "range": _range(long, short),
            "nticks": 4,
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
    }
    return {"data": traces, "layout": layout, "log": positive}


def histogram_figure(outcome: Outcome) -> Figure | None:
    """Return how the trades' results are spread, or None without trades."""
    results = outcome.trades["fraction"]
    results = results[np.isfinite(results)]
    if not len(results):
        return None
    edges = _edges(results)
    count, _ = np.histogram(results, edges)
    middle = (edges[:-1] + edges[1:]) / 2
    width = float(edges[1] - edges[0])
    digits = max(0, 1 - math.floor(math.log10(width * 100)))
    return {
        "data": [
            {
                "type": "bar",
                "x": numbers(middle),
                "y": count.tolist(),
                "width": width * 0.92,
                "customdata": [
                    [low, high]
                    for low, high in zip(numbers(edges[:-1]), numbers(edges[1:]), strict=True)
                ],
                "marker": {"color": ["--gain" if m > 0 else "--loss" for m in middle.tolist()]},
                "hovertemplate": f"%{{customdata[0]:.{digits}%}} to %{{customdata[1]:.{digits}%}}: "
                "%{y} trades<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {
                "title": {"text": "Result of a trade, after costs"},
                "tickformat": f".{max(0, digits - 1)}%",
            },
            "yaxis": {"title": {"text": "Trades"}},
            "bargap": 0,
            "showlegend": False,
        },
    }


def _range(long: FloatArray, short: FloatArray) -> list[float]:
    """Return the ends of the axis of exposure, with some room at both."""
    low, high = float(short.min(initial=0.0)) * 1.08, float(long.max(initial=0.0)) * 1.08
    return [low, high or (0.0 if low else 1.0)]


def _exposure(time: IntArray, share: FloatArray, name: str, color: str, faint: str) -> list[Figure]:
    """Return mean exposure as an area; its extremes too where buckets hold several bars.

    A line through extremes alone would fill the pane for a strategy that trades often.
    """
    area = {"fill": "tozeroy", "fillcolor": f"{color}-soft", "showlegend": name != _EXPOSURE}
    buckets = POINTS // 4
    if len(share) <= buckets:
        drawn = draw_line(name, time, share, color, width=1, hover="%{y:.1%}", axis="y3")
        drawn["line"]["shape"] = "hv"
        return [drawn | area]
    width = -(-len(share) // buckets)
    starts = np.arange(0, len(share), width)
    size = np.diff(np.append(starts, len(share)))
    mean = np.add.reduceat(share, starts) / size
    most = np.maximum.reduceat(np.abs(share), starts) * np.where(mean < 0, -1, 1)
    at = time[starts]
    traces = []
    for said, values, paint in (("highest", most, faint), ("mean", mean, color)):
        trace = draw_line(
            f"{name}, {said}", at, values, paint, width=1, hover="%{y:.1%}", axis="y3"
        )
        trace["line"]["shape"] = "hv"
        traces.append(trace)
    return [traces[0] | {"showlegend": False}, traces[1] | area]


def _edges(results: FloatArray) -> FloatArray:
    """Return at most 60 equal bins with one edge at zero, so that no bin mixes wins and losses.

    Width after Freedman and Diaconis (1981), 2 IQR / n^(1/3), rounded to 1, 2 or 5.
    """
    low, high = min(float(results.min()), 0.0), max(float(results.max()), 0.0)
    quarter, rest = np.quantile(results, [0.25, 0.75]).tolist()
    width = 2 * (rest - quarter) / len(results) ** (1 / 3)
    width = max(width, (high - low) / 55, 1e-6)
    power = 10.0 ** math.floor(math.log10(width))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9))
    first, last = math.floor(low / width), math.ceil(high / width)
    if results.max() >= last * width:
        last += 1
    edges: FloatArray = np.arange(first, last + 1).astype(np.float64) * width
    return edges
