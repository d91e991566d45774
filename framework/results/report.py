"""The report of one run: a self-contained page of its charts, figures and tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.results.model_plots import model_figures
from framework.results.outcome import Outcome
from framework.results.page import sections, tables
from framework.results.page.markup import text
from framework.results.page.model import model
from framework.results.page.standalone import fill, resource, write_whole
from framework.results.page.wording import cautions, number, verdict
from framework.results.plots import account_figure, histogram_figure
from framework.results.price_plot import price_figures


def write_report(path: Path, outcome: Outcome, metrics: Mapping[str, float | int | None]) -> None:
    """Write the report of one run.

    Parameters
    ----------
    path : Path
        The HTML file; an older one is replaced at once or not at all.
    outcome : Outcome
        What was traded, and what it rests on.
    metrics : mapping
        Names as in ``metrics.json``; None where a figure is undefined.

    Raises
    ------
    OutsideFault
        The file cannot be written, or plotly.js is not where its package keeps it.
    """
    write_whole(path, render(outcome, metrics), "report")


def render(outcome: Outcome, metrics: Mapping[str, float | int | None]) -> str:
    """Return the report as HTML; see `write_report`."""
    scripts = ("report.js",) if outcome.model is None else ("model.js", "report.js")
    return fill(
        resource("report.html"),
        tuple(resource(script) for script in scripts),
        lambda: _values(outcome, metrics),
    )


def _values(outcome: Outcome, metrics: Mapping[str, float | int | None]) -> dict[str, Any]:
    charts: dict[str, Any] = {"account": None, "histogram": None, "price": []}
    if len(outcome.time):
        charts = {
            "account": account_figure(outcome),
            "histogram": histogram_figure(outcome),
            "price": price_figures(outcome),
        }
    if outcome.model is not None:
        charts["model"] = model_figures(outcome.model)
    return {
        "title": text(f"{outcome.strategy}: {outcome.mode}, {outcome.interval}"),
        "style": resource("report.css"),
        "strategy": text(outcome.strategy),
        "verdict": text(verdict(outcome, metrics)),
        "headline": sections.headline(outcome),
        "cautions": sections.cautions_list(cautions(outcome, metrics)),
        "tiles": sections.tiles(outcome, metrics),
        "checks": sections.checks(outcome),
        "monthly": tables.monthly(outcome),
        "folds": tables.folds(outcome),
        "model": model(outcome.model),
        "by_pair": tables.by_pair(outcome),
        "by_reason": tables.by_reason(outcome),
        "costs": tables.costs(outcome, metrics),
        "trades": tables.trades_table(outcome),
        "vetoes": tables.vetoes(outcome),
        "assumptions": sections.assumptions(outcome),
        "metrics": sections.definitions(metrics),
        "certificate": sections.definitions(outcome.certificate),
        "identity": sections.definitions(
            {
                "orders hash": outcome.orders_hash,
                "version": outcome.version,
                "seed": outcome.seed,
                "starting cash": f"{number(outcome.initial_cash)} {outcome.quote}",
            }
        ),
        "overrides": sections.overrides(outcome),
        "config": text(outcome.config),
        "charts": charts,
    }
