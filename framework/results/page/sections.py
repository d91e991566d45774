"""The page's text as plain HTML: it says the essentials without any script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from framework.results.outcome import Outcome
from framework.results.page.markup import empty, text, tone
from framework.results.page.wording import (
    NONE,
    Metrics,
    finite,
    minute,
    number,
    percent,
    span,
    words,
)
from framework.types import DAY_NS, format_times


def headline(outcome: Outcome) -> str:
    """Return what was run on what, as short labels."""
    labels = [outcome.mode, ", ".join(outcome.pairs), f"{outcome.interval} candles"]
    if len(outcome.time):
        ends = format_times(outcome.time[[0, -1]] + np.array([0, outcome.interval.ns]))
        days = len(outcome.time) * outcome.interval.ns / DAY_NS
        labels.append(f"{minute(ends[0])} to {minute(ends[1])} UTC")
        labels.append(
            f"{number(len(outcome.time), 0)} bar{'s' * (len(outcome.time) != 1)}, {span(days)}"
        )
    return "".join(f"<li>{text(label)}</li>" for label in labels)


def tiles(outcome: Outcome, metrics: Metrics) -> str:
    """Return the key figures, each with the one beside which it makes sense."""
    get = metrics.get
    fills = outcome.fills
    traded = float(np.abs(fills["quote"]).sum())
    fees, slippage = finite(get("fees_paid")), finite(get("slippage_paid"))
    borrowing = finite(get("borrow_paid")) or 0.0
    costs = None if fees is None or slippage is None else fees + slippage + borrowing
    held = int(np.count_nonzero(outcome.trades["open"]))
    paid_bps = float(fills["fee"].sum()) / traded * 1e4 if traded > 0 else None
    down = finite(get("max_drawdown"))
    shown = [
        (
            "Total return",
            percent(get("total_return"), sign=True),
            f"holding {percent(get('benchmark_return'), sign=True)}",
            tone(get("total_return")),
        ),
        (
            "Per year (CAGR)",
            percent(get("cagr"), sign=True),
            f"volatility {percent(get('volatility'))}",
            "",
        ),
        ("Sharpe ratio", number(get("sharpe")), f"Sortino {number(get('sortino'))}", ""),
        (
            "Deflated Sharpe",
            percent(get("deflated_sharpe"), 0),
            "probability of skill",
            "",
        ),
        (
            "Max drawdown",
            percent(None if down is None else -abs(down)),
            f"longest {number(get('max_drawdown_days'), 0)} days",
            "",
        ),
        ("Trades", number(get("trades"), 0), _standing(len(outcome.trades), held), ""),
        (
            "Win rate",
            percent(get("win_rate"), 1),
            f"expectancy {_unit(number(get('expectancy'), sign=True), outcome.quote)}",
            "",
        ),
        ("Profit factor", number(get("profit_factor")), "won over lost", ""),
        (
            "Break-even fee",
            _unit(number(get("break_even_fee_bps"), 1), "bps"),
            f"paid {number(paid_bps, 1)} bps on average" if paid_bps is not None else "no fill",
            "",
        ),
        (
            "Fees, slippage, borrowing" if borrowing else "Fees + slippage",
            percent(None if costs is None else costs / outcome.initial_cash),
            f"of starting cash: {_unit(number(costs, 0), outcome.quote)}",
            "",
        ),
    ]
    return "".join(
        f'<div class="tile"><dt>{text(name)}</dt><dd class="value {tone}">{text(value)}</dd>'
        f'<dd class="beside">{text(beside)}</dd></div>'
        for name, value, beside, tone in shown
    )


def checks(outcome: Outcome) -> str:
    """Return the checks, each passed or failed in words, not in colour alone."""
    if not outcome.checks:
        return empty("No checks were run.")
    rows = "".join(
        f'<li class="{"passed" if check.passed else "failed"}">'
        f'<span class="badge">{"passed" if check.passed else "not passed"}</span>'
        f"<span><b>{text(words(check.name))}</b> {text(check.detail)}</span></li>"
        for check in outcome.checks
    )
    return f'<ul class="checks">{rows}</ul>'


def cautions_list(found: Sequence[str]) -> str:
    """Return what to know before believing the numbers, or nothing."""
    if not found:
        return ""
    items = "".join(f"<li>{text(line)}</li>" for line in found)
    return (
        '<section class="cautions" aria-labelledby="h-cautions">'
        f'<h2 id="h-cautions">Before you trust this</h2><ul>{items}</ul></section>'
    )


def assumptions(outcome: Outcome) -> str:
    """Return the assumptions, one line each."""
    if not outcome.assumptions:
        return empty("None were stated.")
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in outcome.assumptions)}</ul>"


def definitions(values: Mapping[str, object] | Iterable[tuple[str, object]]) -> str:
    """Return names with their values; nested values are written as JSON."""
    items = values.items() if isinstance(values, Mapping) else values
    rows = "".join(
        f"<div><dt>{text(name)}</dt><dd>{_value(value)}</dd></div>" for name, value in items
    )
    return f'<dl class="facts">{rows}</dl>' if rows else empty("Nothing recorded.")


def overrides(outcome: Outcome) -> str:
    """Return what the command line changed."""
    if not outcome.overrides:
        return empty("None: the configuration as it stands in the files.")
    return f'<pre tabindex="0">{text(chr(10).join(outcome.overrides))}</pre>'


def _standing(trades: int, held: int) -> str:
    if not trades:
        return "nothing was traded"
    return f"{held} still open" if held else "all closed"


def _unit(shown: str, unit: str) -> str:
    return shown if shown == NONE else f"{shown}\u00a0{unit}"


def _value(value: object) -> str:
    if isinstance(value, (dict, list, tuple)):
        return f'<pre tabindex="0">{text(json.dumps(value, indent=2, default=str))}</pre>'
    return text(NONE if value is None else value)
