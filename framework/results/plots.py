"""The report's charts as plain Plotly figures, their series reduced to what a screen can show.

Colours are names of CSS variables (``--gain``); the page puts in those of the theme.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.records import Kind, Reason
from framework.results.outcome import Outcome
from framework.results.page.series import POINTS, drawdown, moments, numbers, reduce_extremes
from framework.results.page.wording import words
from framework.types import FloatArray, IntArray, RecordArray

Figure = dict[str, Any]

MARKS = 1_200
"""Most fills, and most trades, drawn on one price chart."""


def account_figure(outcome: Outcome) -> Figure:
    """Return equity against the benchmark, drawdown and exposure over one axis of time."""
    # Equity is known at the close: a bar's open time would draw it one bar too early.
    time = outcome.time + outcome.interval.ns
    equity = outcome.equity
    held = outcome.benchmark
    fall = drawdown(equity, outcome.initial_cash)
    exposure = np.divide(outcome.invested, equity, out=np.zeros(len(equity)), where=equity > 0)
    # One set of moments for the three lines, so that a hover reads all of them at the same one.
    shares = ((equity, 0.4), (held, 0.3), (fall, 0.3))
    kept = np.unique(
        np.concatenate([reduce_extremes(line, int(POINTS * share)) for line, share in shares])
    )
    at = time[kept]
    traces = [
        _line("Strategy", at, equity[kept], "--accent", width=1.8, hover="%{y:,.2f}"),
        _line("Holding instead", at, held[kept], "--muted", width=1.2, hover="%{y:,.2f}"),
        _line("Drawdown", at, fall[kept], "--loss", width=1.0, hover="%{y:.2%}", axis="y2")
        | {"fill": "tozeroy", "fillcolor": "--loss-soft", "showlegend": False},
        *_exposure(time, exposure),
    ]
    deepest = float(fall.min()) if len(fall) else 0.0
    positive = bool(len(equity)) and not bool((equity <= 0).any() or (held <= 0).any())
    layout = {
        "hovermode": "x unified",
        "xaxis": {"type": "date", "anchor": "y3", "range": _whole(outcome)},
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
            "title": {"text": "Exposure"},
            "tickformat": ".0%",
            "range": [0, (float(exposure.max()) if len(exposure) else 0) * 1.08 or 1],
            "nticks": 4,
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
    }
    return {"data": traces, "layout": layout, "log": positive}


def price_figures(outcome: Outcome) -> list[Figure]:
    """Return one price chart for each pair, with its fills and the span of each trade."""
    fills = outcome.events[outcome.events["kind"] == Kind.FILLED]
    trades = outcome.trades
    return [
        _price_figure(
            outcome, index, pair, fills[fills["pair"] == index], trades[trades["pair"] == index]
        )
        for index, pair in enumerate(outcome.pairs)
    ]


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
                "title": {"text": "Result of a trade, after fees"},
                "tickformat": f".{max(0, digits - 1)}%",
            },
            "yaxis": {"title": {"text": "Trades"}},
            "bargap": 0,
            "showlegend": False,
        },
    }


def _whole(outcome: Outcome) -> list[int]:
    """Return the ends of the axis of time; one bar gets some room around it."""
    room = outcome.interval.ns * (len(outcome.time) == 1)
    ends = [int(outcome.time[0]) - room, int(outcome.time[-1]) + outcome.interval.ns + room]
    return moments(np.array(ends, np.int64))


def _line(
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


def _exposure(time: IntArray, exposure: FloatArray) -> list[Figure]:
    """Return mean exposure as an area; its extremes too where buckets hold several bars.

    A line through extremes alone would fill the pane for a strategy that trades often.
    """
    area = {"fill": "tozeroy", "fillcolor": "--accent-soft", "showlegend": False}
    buckets = POINTS // 4
    if len(exposure) <= buckets:
        drawn = _line("Exposure", time, exposure, "--accent", width=1, hover="%{y:.1%}", axis="y3")
        drawn["line"]["shape"] = "hv"
        return [drawn | area]
    width = -(-len(exposure) // buckets)
    starts = np.arange(0, len(exposure), width)
    size = np.diff(np.append(starts, len(exposure)))
    mean = np.add.reduceat(exposure, starts) / size
    high = np.maximum.reduceat(exposure, starts)
    at = time[starts]
    faint = _line("Exposure, highest", at, high, "--faint", width=1, hover="%{y:.1%}", axis="y3")
    drawn = _line("Exposure, mean", at, mean, "--accent", width=1, hover="%{y:.1%}", axis="y3")
    for trace in (faint, drawn):
        trace["line"]["shape"] = "hv"
    return [faint | {"showlegend": False}, drawn | area]


def _price_figure(
    outcome: Outcome, index: int, pair: str, fills: RecordArray, trades: RecordArray
) -> Figure:
    """Return the close of one pair with its fills and trades."""
    close_time = outcome.time + outcome.interval.ns
    close = outcome.close[:, index]
    kept = reduce_extremes(close)
    data = [
        _line(
            "Close",
            close_time[kept],
            close[kept],
            "--ink-soft",
            width=1.1,
            hover="%{x|%Y-%m-%d %H:%M} close %{y:,.7~g}<extra></extra>",
        )
    ]
    shown = _largest(trades, np.abs(trades["pnl"]))
    for name, color, mask in (
        ("Winning trade", "--gain", shown["pnl"] > 0),
        ("Losing trade", "--loss", shown["pnl"] <= 0),
    ):
        if mask.any():
            data.append(_spans(name, color, shown[mask], int(close_time[-1])))
    marked = _largest(fills, np.abs(fills["quote"]))
    for name, color, symbol, side in (
        ("Buy", "--accent", "triangle-up", 1),
        ("Sell", "--sell", "triangle-down", -1),
    ):
        chosen = marked[marked["side"] == side]
        if len(chosen):
            data.append(_marks(name, color, symbol, chosen))
    hidden = (len(fills) - len(marked), len(trades) - len(shown))
    note = ""
    if any(hidden):
        note = (
            f"Shown: the {len(marked):,} largest of {len(fills):,} fills and the {len(shown):,} "
            f"trades of {len(trades):,} that moved most money."
        )
    elif not len(fills):
        note = f"{pair} was never traded."
    return {
        "name": pair,
        "note": note,
        "data": data,
        "layout": {
            "hovermode": "closest",
            "xaxis": {"type": "date", "range": _whole(outcome)},
            "yaxis": {"title": {"text": pair}, "tickformat": ",.6~g"},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        },
    }


def _largest(rows: RecordArray, size: FloatArray) -> RecordArray:
    """Return the `MARKS` rows of largest `size`, in their own order."""
    if len(rows) <= MARKS:
        return rows
    return rows[np.sort(np.argpartition(size, -MARKS)[-MARKS:])]


def _spans(name: str, color: str, trades: RecordArray, end_ns: int) -> Figure:
    """Return a dotted line from entry to exit of every trade; NaN keeps them apart."""
    leave = np.where(trades["open"], end_ns, trades["exit_time"])
    time = np.stack([trades["entry_time"], leave, leave], axis=1).ravel()
    value = np.stack(
        [trades["entry_price"], trades["exit_price"], np.full(len(trades), np.nan)], axis=1
    ).ravel()
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": moments(time),
        "y": numbers(value),
        "line": {"color": color, "width": 1.6, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _marks(name: str, color: str, symbol: str, fills: RecordArray) -> Figure:
    """Return a marker for every fill."""
    reasons = {reason.value: words(reason.name) for reason in Reason}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": moments(fills["time"]),
        "y": numbers(fills["price"]),
        "text": [reasons.get(reason, "") for reason in fills["reason"].tolist()],
        "customdata": numbers(fills["units"]),
        "marker": {
            "color": color,
            "symbol": symbol,
            "size": 9 if len(fills) < 200 else 7,
            "line": {"color": "--surface", "width": 1},
        },
        "hovertemplate": f"{name} %{{customdata:,.6~g}} at %{{y:,.7~g}}<br>"
        "%{x|%Y-%m-%d %H:%M}, %{text}<extra></extra>",
    }


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
