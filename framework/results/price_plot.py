"""The report's price charts: each pair's close with its fills and the span of each trade.

Colours are names of CSS variables (``--gain``); the page puts in those of the theme.
"""

from __future__ import annotations

import numpy as np

from framework.results.outcome import Outcome
from framework.results.page.lines import Figure, draw_line, whole_range
from framework.results.page.series import moments, numbers, reduce_extremes
from framework.results.page.wording import reason_words
from framework.types import FloatArray, IntArray, RecordArray

MARKS = 1_200
"""Most fills, and most trades, drawn on one price chart."""


def price_figures(outcome: Outcome) -> list[Figure]:
    """Return one price chart for each pair, with its fills and the span of each trade."""
    return [_price_figure(outcome, index, pair) for index, pair in enumerate(outcome.pairs)]


def _price_figure(outcome: Outcome, index: int, pair: str) -> Figure:
    """Return the close of one pair with its fills and trades."""
    mine = outcome.fills["pair"] == index
    fills, of_short = outcome.fills[mine], outcome.shorts.fills[mine]
    trades = outcome.trades[outcome.trades["pair"] == index]
    close_time = outcome.time + outcome.interval.ns
    close = outcome.close[:, index]
    kept = reduce_extremes(close)
    data = [
        draw_line(
            "Close",
            close_time[kept],
            close[kept],
            "--ink-soft",
            width=1.1,
            hover="%{x|%Y-%m-%d %H:%M} close %{y:,.7~g}<extra></extra>",
        )
    ]
    shown = trades[_largest(np.abs(trades["pnl"]))]
    for name, color, mask in (
        ("Winning trade", "--gain", shown["pnl"] > 0),
        ("Losing trade", "--loss", shown["pnl"] <= 0),
    ):
        if mask.any():
            data.append(_spans(name, color, shown[mask], int(close_time[-1])))
    kept = _largest(np.abs(fills["quote"]))
    marked, of_short = fills[kept], of_short[kept]
    for name, color, symbol, side, short in (
        ("Buy", "--accent", "triangle-up", 1, False),
        ("Sell", "--sell", "triangle-down", -1, False),
        ("Sell short", "--short", "triangle-down", -1, True),
        ("Cover", "--cover", "triangle-up", 1, True),
    ):
        chosen = marked[(marked["side"] == side) & (of_short == short)]
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
            "xaxis": {"type": "date", "range": whole_range(outcome)},
            "yaxis": {"title": {"text": pair}, "tickformat": ",.6~g"},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        },
    }


def _largest(size: FloatArray) -> IntArray:
    """Return where the `MARKS` largest of `size` are, in their own order."""
    if len(size) <= MARKS:
        return np.arange(len(size))
    return np.sort(np.argpartition(size, -MARKS)[-MARKS:])


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
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": moments(fills["time"]),
        "y": numbers(fills["price"]),
        "text": [reason_words(reason) for reason in fills["reason"].tolist()],
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
