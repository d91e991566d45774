"""How the models of a run are judged: by what they predicted, and by short refits of one fold."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from framework.learning.model import Model
from framework.modes.context import Context
from framework.modes.predicting import folds_of, training_progress
from framework.records import Part
from framework.types import IntArray

if TYPE_CHECKING:
    from framework.backtest.pipeline import Traded
    from framework.exchange.load import Loaded
    from framework.learning.sanity_suite import Refits, Show
    from framework.learning.schedule import Schedule
    from framework.results.model_judgement import SeedBand
    from framework.results.outcome import Check, Outcome
    from framework.strategy.plan import Plan

_LEFT_OUT = 20_000  # predictions for each input, to find what is lost without it


def judged(
    context: Context,
    plan: Plan,
    loaded: Loaded,
    traded: Traded,
    schedule: Schedule,
    outcome: Outcome,
) -> Outcome:
    """Return `outcome` with a judgement of its model and, where asked for, checks of its training.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    plan : Plan
        The strategy.
    loaded : Loaded
        Its candles.
    traded : Traded
        What became of them.
    schedule : Schedule
        The models that predicted.
    outcome : Outcome
        What was traded.
    """
    import numpy as np

    from framework.learning.judge import Evidence, judge

    settings, decided = context.settings, traded.decided
    assert isinstance(settings.model, Model)  # noqa: S101 - there is a schedule
    first = int(np.searchsorted(decided.time, outcome.time[0]))
    evidence = Evidence(
        model=settings.model,
        schedule=schedule,
        candles=decided,
        names=tuple(plan.seen),
        inputs_NTF=plan.inputs(decided),
        predicted=traded.predicted,
        first=first,
        parts=[
            replace(part, start=part.start + first, end=part.end + first) for part in outcome.parts
        ]
        or _stages(schedule, decided.time),
        fee=settings.exchange.taker_fee_bps / 1e4,
    )
    generator = np.random.default_rng(settings.seed)
    with context.progress() as progress:
        task = progress.add_task(
            "judging the model", total=len(schedule.stages) * len(evidence.names)
        )
        judgement = judge(
            evidence,
            generator,
            samples=0 if context.sweeping else _LEFT_OUT,
            advance=lambda: progress.advance(task),
        )
    checks, seeds = _sanity(context, plan, loaded)
    return replace(
        outcome, checks=(*outcome.checks, *checks), model=replace(judgement, seeds=seeds)
    )


def _stages(schedule: Schedule, time: IntArray) -> list[Part]:
    """Return the stretch of bars that each model predicted."""
    import numpy as np

    edges = [*(int(np.searchsorted(time, stage.end_ns)) for stage in schedule.stages), len(time)]
    return [
        Part(stage.fold, "model", start, end)
        for stage, start, end in zip(schedule.stages, edges, edges[1:], strict=False)
        if start < end
    ]


def _sanity(
    context: Context, plan: Plan, loaded: Loaded
) -> tuple[tuple[Check, ...], SeedBand | None]:
    """Fit one fold anew, in short, with shuffled labels, a planted signal, and other seeds."""
    import numpy as np

    from framework.learning.sanity_suite import run_suite

    settings, log = context.settings, context.logger
    sanity, model = settings.sanity, settings.model
    wanted = sanity.run
    if wanted is None:
        wanted = settings.mode.name == "train" and not context.sweeping
    if not wanted or not sanity.refits or not isinstance(model, Model):
        return (), None
    if model.label is None:
        log.info(f"sanity: {model.name} learns no label: none to shuffle, no signal to plant")
        return (), None
    begun = perf_counter()
    with training_progress(context, sanity.refits, "sanity: refit") as show:
        refits = _refits(context, model, plan, loaded, show)
        if refits is None:
            log.info("sanity: no candles follow a train part: nothing to score refits on")
            return (), None
        log.info(
            f"sanity: {sanity.refits} refits of fold {refits.fold}, each on "
            f"{len(refits.data.train):,} samples, {refits.training.epochs} epochs at most"
        )
        checks, seeds = run_suite(sanity, refits, np.random.default_rng(settings.seed))
    log.info(f"sanity: took {perf_counter() - begun:.1f} s")
    return checks, seeds


def _refits(
    context: Context, model: Model, plan: Plan, loaded: Loaded, show: Show
) -> Refits | None:
    """Return the last fold that candles follow, cut to the samples allowed."""
    from framework.learning.sanity_suite import Refits, in_short, newest
    from framework.learning.score_rows import labels_of

    settings = context.settings
    folds = folds_of(context, model, plan, loaded)
    candles, parts = folds.candles, [part for part in folds.parts if part.end < len(folds.candles)]
    if not parts or model.label is None:
        return None
    part = parts[-1]
    (whole,) = replace(folds, parts=(part,)).data()
    data, cut = newest(whole, settings.sanity.samples)
    return Refits(
        model=model,
        training=in_short(settings.training, settings.sanity),
        seed=settings.seed,
        fold=part.fold,
        data=data,
        start=part.start + cut,
        first=part.end,
        end=min(part.end + -(-settings.sanity.samples // len(candles.pairs)), len(candles)),
        candles=candles,
        inputs_NTF=plan.inputs(candles),
        labels_TN=labels_of(model.label, candles.close, candles.traded),
        show=show,
    )
