"""How the model of a session is trained: the first one before it begins, others while it trades."""

from __future__ import annotations

import json
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.modes.context import Context
from framework.types import format_time

if TYPE_CHECKING:
    from framework.learning.schedule import Schedule
    from framework.market.candles import Candles
    from framework.modes.settings import Settings
    from framework.session.learner import Learner
    from framework.session.state import SessionState
    from framework.strategy.plan import Plan

_AGES = "learning.json"


def check_learning(settings: Settings) -> None:
    """Refuse a session that cannot train its model as it is asked to.

    Raises
    ------
    UserError
        There is no model, or it has no such scores.
    """
    from framework.learning.model import Model

    learning, model = settings.learning, settings.model
    if learning.retrain is None:
        return
    if not isinstance(model, Model):
        raise UserError(
            f"learning.retrain: needs a model to train, model was none (was {learning.retrain})."
        )
    learning.require(model.label)
    if settings.training.warm_start is not None:
        raise UserError(
            "training.warm_start: a session trains from nothing each time; leave it out (was "
            f"{settings.training.warm_start})."
        )


def bars_learned(settings: Settings, plan: Plan) -> int:
    """Return the bars of the strategy before a session's warm-up that its models learn from."""
    learning = settings.learning
    if learning.retrain is None:
        return 0
    return learning.window.ns // settings.interval.ns + learning.judge_bars + plan.warmup


def first_model(context: Context, plan: Plan, candles: Candles) -> Schedule:
    """Train the model that a session begins with, on all candles before its first bar.

    Raises
    ------
    UserError
        There are too few.
    """
    from framework.backtest.folds import Folds
    from framework.learning.model import Model
    from framework.learning.workshop import Workshop
    from framework.market.resample import resample
    from framework.modes.predicting import training_progress
    from framework.records import Part
    from framework.session.learner import seed_of

    settings, log = context.settings, context.logger
    model = settings.model
    assert isinstance(model, Model)  # noqa: S101 - it is what is to be trained
    decided = resample(candles, plan.interval)
    bars = settings.learning.window.ns // plan.interval.ns
    part = Part(1, "train", max(len(decided) - bars, 0), len(decided))
    log.info(
        f"training the first {model.name} on {part.end - part.start:,} bars from "
        f"{format_time(int(decided.time[part.start]))} on"
    )
    begun = perf_counter()
    folds = Folds(model, plan, decided, (part,))
    with training_progress(context, 1) as show:
        schedule = folds.fit(
            folds.data(),
            lambda fold: Workshop(
                training=settings.training,
                seed=seed_of(settings.seed, 0),
                say=log.info,
                show=lambda done, total, figures: show(fold, done, total, figures),
            ),
        )
    log.info(f"trained in {perf_counter() - begun:.1f} s")
    return schedule


def learner_of(context: Context, state: SessionState) -> Learner | None:
    """Return what trains the model of a session anew, None where it has none."""
    from framework.modes.session_files import read_past
    from framework.session.learner import Learner, Running
    from framework.session.state import FOLDER

    settings, schedule = context.settings, state.pipeline.schedule
    if schedule is None:
        return None
    learner = Learner(
        settings.learning,
        context.run_dir,
        state,
        [
            Running(f"model_{number}", stage.start_ns, stage.end_ns, stage.end_ns)
            for number, stage in enumerate(schedule.stages, start=1)
        ],
        read_past(context.run_dir / FOLDER),
        settings.seed,
        "framework.modes.retraining",
    )
    context.logger.info(str(learner.age))
    return learner


def keep_ages(context: Context, learner: Learner) -> None:
    """Write how old the model is at the end, and what came of each retraining."""
    from framework.disk import whole_file

    context.logger.info(str(learner.age))
    told = {
        "running": asdict(learner.age),
        "retrainings": [asdict(verdict) for verdict in learner.verdicts],
    }
    with whole_file(context.run_dir / _AGES) as beside:
        beside.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
