"""What a sweep's best trial is worth, by the statistics and as a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from framework.results.statistics import skew_and_kurtosis
from framework.sweep.alone import read_equity
from framework.sweep.record import SweepRecord
from framework.sweep.trial import TrialTable
from framework.types import YEAR_NS, FloatArray

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher

    from framework.results.sweep.judgement import Judgement

PAGE = "sweep.html"


def verdict(
    record: SweepRecord,
    table: TrialTable,
    objectives: Mapping[str, FloatArray],
    best: Path | None,
    jobs: Sequence[Sequence[str]],
    launcher: Launcher,
    notices: Sequence[str],
) -> Judgement:
    """Judge a sweep and write its page.

    Parameters
    ----------
    record : SweepRecord
        With its rows written.
    table : TrialTable
        P trials.
    objectives : mapping of str to (P,) float64
        The first one ranks; NaN for a trial that is not judged.
    best : Path, optional
        Directory of the best trial's own run.
    jobs : sequence of sequence of str
        Words of each trial, by its index.
    launcher : Launcher
        That ran them.
    notices : sequence of str
        What a reader must know of the data.
    """
    from framework.results.sweep.judgement import Tried, judge
    from framework.results.sweep.page import write_page
    from framework.results.sweep.sections import SweepFacts
    from framework.sweep.best_curves import best_curves

    settings = record.settings
    skew, kurtosis = _moments(best) if best is not None else (math.nan, math.nan)
    tried = Tried(
        params=table.params,
        metrics=table.metrics,
        objective=next(iter(objectives.values())),
        blocks=table.blocks,
        block_bars=table.block_bars,
        per_year=YEAR_NS / settings.interval.ns,
        skew=skew,
        kurtosis=kurtosis,
        index=table.index,
        past_sharpes=record.past_sharpes(next(filter(None, table.data_hash), "")),
        objectives=objectives,
    )
    judged = judge(tried)
    if not settings.report:
        return judged
    curves = best_curves(table, tried.objective, settings.sweep.top, jobs, launcher)
    keys = {word: word.lstrip("+").partition("=")[0] for word in jobs[0]}
    shared = [
        word
        for word, key in keys.items()
        if key not in table.params and not key.startswith("sweep.")
    ]
    facts = SweepFacts(
        strategy=settings.strategy.name,
        objective=record.objectives[0].text,
        labels=(settings.exchange.name, str(settings.interval)),
        command=("python", "-m", "framework", *shared),
        errors=table.errors,
        notices=notices,
        curves=curves,
    )
    write_page(record.directory / PAGE, tried, judged, facts)
    return judged


def _moments(directory: Path) -> tuple[float, float]:
    """Return skew and kurtosis of the returns of a run."""
    equity = read_equity(directory)
    if len(equity) < 3 or not (equity > 0.0).all():
        return math.nan, math.nan
    return skew_and_kurtosis(equity[1:] / equity[:-1] - 1.0)
