"""The table that a run prints at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from framework.results.outcome import Outcome
from framework.results.page.wording import short_range

if TYPE_CHECKING:
    from rich.table import Table

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("total_return", "Return", "fraction"),
    ("benchmark_return", "Holding instead", "fraction"),
    ("cagr", "Return per year", "fraction"),
    ("max_drawdown", "Largest drawdown", "fraction"),
    ("max_drawdown_days", "Longest drawdown, days", "decimal"),
    ("sharpe", "Sharpe ratio", "decimal"),
    ("deflated_sharpe", "Deflated Sharpe ratio", "decimal"),
    ("sortino", "Sortino ratio", "decimal"),
    ("trades", "Trades", "count"),
    ("win_rate", "Won", "fraction"),
    ("profit_factor", "Profit factor", "decimal"),
    ("expectancy", "Expected per trade", "money"),
    ("exposure", "Exposure", "fraction"),
    ("turnover", "Turnover per year", "decimal"),
    ("fees_paid", "Fees", "money"),
    ("slippage_paid", "Spread and slippage", "money"),
    ("borrow_paid", "Borrowing", "money"),
    ("break_even_fee_bps", "Break-even fee, bps", "decimal"),
    ("final_equity", "Equity at the end", "money"),
    ("model_auc", "AUC of the model", "score"),
    ("model_correlation", "Correlation of the forecast", "score"),
    ("model_rule_return", "Simplest rule on it, no costs", "fraction"),
)

_FORMATS: dict[str, Callable[[float], str]] = {
    "fraction": lambda value: f"{value * 100:,.2f} %",
    "decimal": lambda value: f"{value:,.2f}",
    "money": lambda value: f"{value:,.2f}",
    "score": lambda value: f"{value:,.3f}",
    "count": lambda value: f"{value:,.0f}",
}


def summary_table(outcome: Outcome, metrics: Mapping[str, float | int | None]) -> Table:
    """Return the figures of one run as a table for the console.

    Parameters
    ----------
    outcome : Outcome
        What was traded.
    metrics : mapping
        Names as in ``metrics.json``; None where a figure is undefined.
    """
    from rich.table import Table

    table = Table(
        title=f"{outcome.strategy} on {', '.join(outcome.pairs)}, {outcome.interval}",
        title_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, label, kind in _ROWS:
        if name.startswith("model_") and name not in metrics:
            continue
        value = metrics[name]
        if name == "borrow_paid" and not value:
            continue
        unit = f" {outcome.quote}" if kind == "money" else ""
        table.add_row(label, "–" if value is None else f"{_FORMATS[kind](value)}{unit}")
    for check in outcome.checks:
        table.add_row(check.name.capitalize(), "passed" if check.passed else "not tested")
    table.add_row("Orders hash", outcome.orders_hash[:16])
    notices = [*outcome.notices, *short_range(outcome)]
    if notices:
        table.caption = " ".join(notices)
        table.caption_justify = "left"
    return table
