"""Train a strategy's model fold by fold, keep what was learned, and judge it out of sample."""

from __future__ import annotations

from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, ClassVar, Literal

from framework.config.component import component
from framework.errors import UserError
from framework.modes.backtest import Trading
from framework.modes.context import Context
from framework.types import DAY_NS, SECOND_NS, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.learning.training import Training
    from framework.learning.training_data import TrainingData
    from framework.modes.judging import Metrics

_NEVER = 2**63 - 1


@component
class Train(Trading):
    """Long work: it keeps its state, and the same command goes on where it stopped."""

    recorded: ClassVar[bool] = True

    name: Literal["train"] = "train"
    """Of this mode."""

    final: bool = True
    """Whether one more model learns from the newest bars, for those that are yet to come."""

    keep_data: bool = True
    """Whether what each model learns from is written to files, so that it can be repeated."""

    def prepare(self, context: Context) -> None:
        """Compile the strategy, and refuse what cannot be trained."""
        from framework.learning.model import Model

        super().prepare(context)
        settings = context.settings
        if not isinstance(settings.model, Model):
            raise UserError("model: mode=train needs a model to train (was none).")
        if settings.model.from_run is not None:
            raise UserError(
                "model.from: names a model that is trained already; mode=backtest judges it "
                f"(was {settings.model.from_run})."
            )

    def run(self, context: Context) -> None:
        """Load, fit, keep, then trade on what is predicted out of sample.

        Raises
        ------
        CheckFailed
            Something looks ahead, a loss is no number any more, or the gate is not passed.
        UserError
            The data cannot be used, or ``resume`` names another training.
        OutsideFault
            State cannot be kept.
        """
        import numpy as np

        from framework.learning.identity import identity_of
        from framework.learning.library import save_schedule
        from framework.learning.model import Model
        from framework.learning.workshop import Paused, Workshop
        from framework.modes.judging import require_passed
        from framework.modes.keeping import Keeping
        from framework.modes.predicting import MODELS, fit_of, folds_of, training_progress
        from framework.modes.reading import compile_plan, hold_out, read_candles
        from framework.modes.resuming import locked, resume
        from framework.modes.warm_start import beginnings

        settings, log = context.settings, context.logger
        assert isinstance(settings.model, Model)  # noqa: S101 - seen to by prepare
        plan = compile_plan(settings)
        loaded = read_candles(context, plan)
        hold_out(context, loaded)
        folds = folds_of(context, settings.model, plan, loaded)
        if self.final:
            folds = folds.with_final()
        data = folds.data()
        tested = folds.require_causal(data, np.random.default_rng(settings.seed))
        log.info(f"what {tested} models learn from does not depend on later candles")
        if self.keep_data:
            self._keep_data(context, data)
        fit = fit_of(settings.model, plan, loaded.candles.pairs)
        begins = beginnings(context, folds, fit)
        each = [begins.get(part.fold) for part in folds.parts]
        folder = resume(
            context, identity_of(settings.model, settings.training, settings.seed, data, each)
        )
        with locked(folder), training_progress(context, len(data)) as show:
            ends, listed = _end_of(settings.training), Keeping(context)
            try:
                schedule = folds.fit(
                    data,
                    lambda fold: Workshop(
                        training=settings.training,
                        seed=settings.seed,
                        directory=folder / f"fold_{fold}",
                        begins_with=begins.get(fold),
                        say=log.info,
                        show=partial(show, fold),
                        time_is_up=lambda: time_ns() >= ends,
                        kept=listed,
                    ),
                )
            except Paused:
                log.info("paused: the time given is over; the same command goes on from here")
                return
        save_schedule(
            context.run_dir / MODELS,
            schedule,
            fit,
        )
        metrics = self.trade(context, plan, loaded, schedule)
        _register(context, settings.model.name, loaded.certificate.sha256, metrics)
        require_passed(context, metrics)

    def _keep_data(self, context: Context, data: Sequence[TrainingData]) -> None:
        """Write what each model learns from."""
        from framework.learning.training_files import write_training_data

        folder = context.run_dir / "training_data"
        folder.mkdir()
        for own in data:
            write_training_data(folder, own)


def _register(context: Context, name: str, data_hash: str, metrics: Metrics) -> None:
    """Write the row of what was trained, and say whether it may be used."""
    from framework.learning.library import digest_of
    from framework.modes.predicting import MODELS
    from framework.results.gate import shortfalls

    settings = context.settings
    assert context.database is not None and context.run_id is not None  # noqa: S101 - recorded
    promoted = not shortfalls(settings.gate, metrics)
    version = context.database.models.keep(
        run_id=context.run_id,
        strategy=settings.strategy.name,
        name=name,
        directory=context.run_dir,
        sha256=digest_of(context.run_dir / MODELS),
        data_hash=data_hash,
        made_at=time_ns(),
        promoted=promoted,
        gate=settings.gate,
        metrics=metrics,
    )
    context.logger.info(
        f"version {version} of {name} for {settings.strategy.name}: "
        + ("model.from=latest takes it" if promoted else "below its gate, used only when named")
    )


def _end_of(training: Training) -> int:
    """Return when training pauses, UTC ns."""
    now = time_ns()
    ends = _NEVER
    if training.duration is not None:
        ends = now + training.duration.ns
    if training.until is not None:
        ends = min(ends, _moment(training.until, now))
    return ends


def _moment(until: str, now: int) -> int:
    """Return the next moment that a time of day, or a date and time, names."""
    if len(until) > len("06:30"):
        return parse_time(until)
    hours, minutes = map(int, until.split(":"))
    today = now // DAY_NS * DAY_NS + (hours * 60 + minutes) * 60 * SECOND_NS
    return today if today > now else today + DAY_NS
