"""What a sweep's best trial is worth, by the statistics and as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from framework.results.statistics import skew_and_kurtosis
from framework.sweep.alone import read_equity
from framework.sweep.record import SweepRecord
from framework.sweep.trial import TrialTable
from framework.types import YEAR_NS, FloatArray

if TYPE_CHECKING:
    from framework.results.sweep.judgement import Judgement

PAGE = "sweep.html"


def verdict(
    record: SweepRecord,
    table: TrialTable,
    objective: FloatArray,
    best: Path | None,
    words: Sequence[str],
    notices: Sequence[str],
) -> Judgement:
    """Judge a sweep and write its page.

    Parameters
    ----------
    record : SweepRecord
        With its rows written.
    table : TrialTable
        P trials.
    objective : (P,) float64
        NaN for a trial that is not judged.
    best : Path, optional
        Directory of the best trial's own run.
    words : sequence of str
        Of one trial's command line.
    notices : sequence of str
        What a reader must know of the data.
    """
    from framework.results.sweep.judgement import Tried, judge
    from framework.results.sweep.page import write_page
    from framework.results.sweep.sections import SweepFacts

    settings = record.settings
    skew, kurtosis = _moments(best) if best is not None else (math.nan, math.nan)
    tried = Tried(
        params=table.params,
        metrics=table.metrics,
        objective=objective,
        blocks=table.blocks,
        block_bars=table.block_bars,
        per_year=YEAR_NS / settings.interval.ns,
        skew=skew,
        kurtosis=kurtosis,
        index=table.index,
        past_sharpes=record.past_sharpes(next(filter(None, table.data_hash), "")),
    )
    judged = judge(tried)
    shared = [word for word in words if word.lstrip("+").partition("=")[0] not in table.params]
    facts = SweepFacts(
        strategy=settings.strategy.name,
        objective=record.objectives[0].text,
        labels=(settings.exchange.name, str(settings.interval)),
        command=("python", "-m", "framework", *shared),
        errors=table.errors,
        notices=notices,
    )
    if settings.report:
        write_page(record.directory / PAGE, tried, judged, facts)
    return judged


def _moments(directory: Path) -> tuple[float, float]:
    """Return skew and kurtosis of the returns of a run."""
    equity = read_equity(directory)
    if len(equity) < 3 or not (equity > 0.0).all():
        return math.nan, math.nan
    return skew_and_kurtosis(equity[1:] / equity[:-1] - 1.0)
