"""The page of a sweep: one self-contained file of bounded size, made like a run's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from framework.results.page.markup import text
from framework.results.page.sections import cautions_list
from framework.results.page.standalone import fill, resource, write_whole
from framework.results.sweep import charts, curves, front_view, maps, sections, wording
from framework.results.sweep.judgement import Judgement, Tried
from framework.results.sweep.sections import SweepFacts

__all__ = ["SweepFacts", "render", "write_page"]

_HERE = "framework.results.sweep"


def write_page(path: Path, tried: Tried, judged: Judgement, facts: SweepFacts) -> None:
    """Write the page of one sweep.

    Parameters
    ----------
    path : Path
        The HTML file; an older one is replaced at once or not at all.
    tried : Tried
        The trials.
    judged : Judgement
        What `judge` says of them.
    facts : SweepFacts
        What else to say.

    Raises
    ------
    OutsideFault
        The file cannot be written, or plotly.js is not where its package keeps it.
    """
    write_whole(path, render(tried, judged, facts), "sweep page")


def render(tried: Tried, judged: Judgement, facts: SweepFacts) -> str:
    """Return the page as HTML; see `write_page`."""
    return fill(
        resource("sweep.html", _HERE),
        (resource("sweep.js", _HERE),),
        lambda: _values(tried, judged, facts),
    )


def _values(tried: Tried, judged: Judgement, facts: SweepFacts) -> dict[str, Any]:
    name = facts.objective
    luck = judged.luck
    sharpe = tried.metrics.get("sharpe", np.zeros(0))
    return {
        "title": text(f"{facts.strategy}: sweep of {judged.trials:,} trials"),
        "style": resource("report.css") + resource("sweep.css", _HERE),
        "strategy": text(facts.strategy),
        "headline": "".join(
            f"<li>{text(label)}</li>"
            for label in ("sweep", *facts.labels, *(axis.label for axis in judged.axes))
        ),
        "verdict": text(wording.verdict(judged)),
        "tiles": sections.tiles(tried, judged, name),
        "cautions": cautions_list([*facts.notices, *wording.cautions(judged)]),
        "meanings": sections.meanings(judged),
        "curves": curves.curves_section(facts.curves),
        "front": front_view.front_section(tried, judged, facts),
        "importance": sections.importance(judged),
        "best": sections.best_trials(tried, judged, facts),
        "faults": sections.faults(facts),
        "figures": sections.all_figures(judged, facts),
        "objective": text(name),
        "charts": {
            "curves": curves.curves_figure(tried, judged, facts.curves),
            "front": front_view.front_figures(tried, judged),
            "maps": maps.map_figures(tried, judged, name),
            "response": maps.response_figure(tried, judged, name),
            "paths": maps.paths_figure(tried, judged, name),
            "spread": charts.spread_figure(
                sharpe,
                "Sharpe ratio",
                [
                    ("Luck alone", luck.expected, "--loss"),
                    ("The best", judged.best_sharpe, "--gain"),
                ],
            ),
            "objective": None
            if name == "sharpe"
            else charts.spread_figure(
                tried.objective, name, [("The best", judged.best_objective, "--gain")]
            ),
            "logits": charts.logit_figure(judged.overfitting),
            "degradation": charts.degradation_figure(judged.overfitting, judged.per_year),
        },
    }
