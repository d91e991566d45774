"""The models that a run predicts with: fitted fold by fold, or fetched from a run that did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.learning.library import Fit
from framework.learning.model import Model
from framework.modes.context import Context
from framework.types import format_time

Show = Callable[[int, int, int, Mapping[str, float]], None]

_FITTED: dict[tuple[tuple[str, str], ...], Schedule] = {}
"""What the last trial of a sweep in this process fitted, by all that it rests on."""

MODELS = "models"
"""Folder of a run's directory that holds its trained models."""

if TYPE_CHECKING:
    from pathlib import Path

    from framework.backtest.folds import Folds
    from framework.exchange.load import Loaded
    from framework.learning.schedule import Schedule
    from framework.strategy.plan import Plan


def folds_of(context: Context, model: Model, plan: Plan, loaded: Loaded) -> Folds:
    """Return the stretches of a run's range that models learn from."""
    import numpy as np

    from framework.backtest.folds import Folds
    from framework.market.resample import resample

    if not plan.led:
        outputs = " or ".join(model.outputs)
        context.logger.info(f"no rule names {outputs}: {model.name} is judged, but leads no trade")
    candles = resample(loaded.candles, plan.interval)
    first = int(np.searchsorted(candles.time, loaded.candles.time[loaded.first]))
    return Folds.of(model, plan, candles, first, loaded.scope.parts)


def first_predicted(context: Context, loaded: Loaded, schedule: Schedule) -> int:
    """Return the index of the first candle of a run that can be traded on a prediction.

    Raises
    ------
    UserError
        There is none.
    """
    candles = loaded.candles
    first = max(loaded.first, schedule.first(candles.time))
    if first >= len(candles):
        learned = format_time(schedule.stages[0].end_ns)
        if context.settings.model.from_run is not None:
            raise UserError(
                f"model.from: its models learned from bars up to {learned}, and predict later ones "
                f"only; the range asked for ends there or before (end was "
                f"{format_time(int(candles.time[-1]) + candles.interval.ns)})."
            )
        raise UserError(
            f"evaluation: leaves no bar after the first train part, which ends {learned}; a sweep "
            "of a model needs evaluation=holdout, by whose validation part it judges."
        )
    return first


def fit_of(model: Model, plan: Plan, pairs: tuple[str, ...]) -> Fit:
    """Return what models of a run are trained on, and predict from."""
    inputs = {name: node.text for name, node in plan.seen.items()}
    return Fit(model=model.name, pairs=pairs, interval=str(plan.interval), inputs=inputs)


def trained_by(context: Context, model: Model, run: int | str, asked_by: str) -> Path:
    """Return the directory of models that a run trained, or of the newest that passed its gate.

    Raises
    ------
    UserError
        There is no such run, or no such model.
    """
    from framework.results.load import load_run

    if run == "latest":
        return _latest(context, model, asked_by) / MODELS
    return load_run(run, database=context.settings.database).path / MODELS


def fetched(context: Context, plan: Plan, loaded: Loaded) -> Schedule | None:
    """Return the models of the run that ``model.from`` names; None where it names none.

    Raises
    ------
    UserError
        There are none, they were trained on something else, or they learned from all of the range.
    OutsideFault
        A file is damaged or cannot be read.
    """
    from framework.learning.library import load_schedule

    model = context.settings.model
    if not isinstance(model, Model) or model.from_run is None:
        return None
    place = trained_by(context, model, model.from_run, "model.from")
    schedule = load_schedule(place, model, fit_of(model, plan, loaded.candles.pairs))
    context.logger.info(f"{len(schedule.stages)} trained models of {place.parent}, as they are")
    first_predicted(context, loaded, schedule)
    return schedule


def _latest(context: Context, model: Model, asked_by: str) -> Path:
    """Return the directory of the run that trained the newest model which passed its gate."""
    strategy = context.settings.strategy.name
    assert context.database is not None  # noqa: S101 - what trades is recorded
    rows = context.database.models.rows(strategy, model.name)
    passed = [row for row in rows if row.promoted]
    if passed:
        return passed[-1].directory
    if rows:
        raise UserError(
            f"{asked_by}: no version of {model.name} for {strategy} has passed its gate; name "
            f"{rows[-1].directory} to use the newest all the same (was latest)."
        )
    raise UserError(
        f"{asked_by}: no {model.name} has been trained for {strategy} yet; mode=train does "
        "(was latest)."
    )


def fitted(context: Context, plan: Plan, loaded: Loaded) -> Schedule | None:
    """Fit the model in every fold, or take what the trial before fitted alike; None without one.

    Raises
    ------
    UserError
        The evaluation leaves nothing to learn from.
    CheckFailed
        What they learn from looks ahead, or a loss is no number any more.
    """
    import numpy as np

    from framework.learning.identity import identity_of
    from framework.learning.workshop import Workshop
    from framework.modes.warm_start import beginnings

    settings, log = context.settings, context.logger
    model = settings.model
    if not isinstance(model, Model):
        return None
    folds = folds_of(context, model, plan, loaded)
    begins = beginnings(context, folds, fit_of(model, plan, loaded.candles.pairs))
    data = folds.data()
    folds.require_causal(data, np.random.default_rng(settings.seed))
    each = [begins.get(part.fold) for part in folds.parts]
    identity = tuple(identity_of(model, settings.training, settings.seed, data, each).items())
    if identity in _FITTED:
        log.info("trials that differ in rules share their models: fitted before")
        return _FITTED[identity]
    with training_progress(context, len(data)) as show:
        schedule = folds.fit(
            data,
            lambda fold: Workshop(
                training=settings.training,
                seed=settings.seed,
                begins_with=begins.get(fold),
                say=log.info,
                show=partial(show, fold),
            ),
        )
    if context.sweeping:
        _FITTED.clear()  # one is enough: the trials of a sweep come in the order of their axes
        _FITTED[identity] = schedule
    return schedule


@contextmanager
def training_progress(
    context: Context, models: int, doing: str = "training model"
) -> Iterator[Show]:
    """Yield what shows how far the training of one of several models is.

    It takes the model's number, steps done, steps in all, and figures of the moment.
    """
    with context.progress() as progress:
        task = progress.add_task(doing, total=None)

        def show(number: int, done: int, total: int, figures: Mapping[str, float]) -> None:
            told = "".join(f", {name} {value:.4g}" for name, value in figures.items())
            progress.update(
                task,
                description=f"{doing} {number} of {models}{told}",
                completed=done,
                total=total,
            )

        yield show
