"""Trade a strategy over a whole range at once, test it for look-ahead, and judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from framework.config.component import component
from framework.errors import UserError
from framework.modes.context import Context

if TYPE_CHECKING:
    from framework.backtest.pipeline import Pipeline, Traded
    from framework.exchange.load import Loaded
    from framework.learning.schedule import Schedule
    from framework.modes.judging import Metrics
    from framework.strategy.plan import Plan

SLOW_BARS = 200_000
"""From so many values on, the causality test takes long enough to show its progress."""


@component
class Trading:
    """What the modes share that trade a whole range at once."""

    causality_cuts: int = Field(default=8, ge=0, le=1_000)
    """Random moments beyond which the future is replaced by noise; 0 leaves the test out."""

    def prepare(self, context: Context) -> None:
        """Compile the strategy, so that every fault in it is reported before data is read."""
        from framework.backtest.evaluation import require_closed
        from framework.engine.make_rules import check_rules
        from framework.modes.reading import compile_plan
        from framework.results.gate import require_metrics

        if context.settings.verify == "vectorbt":
            from framework.results.verify import require_vectorbt

            require_vectorbt()
        settings = context.settings
        compile_plan(settings)
        require_metrics(settings.gate)
        if context.sweeping:
            require_closed({"open_sealed": settings.evaluation.open_sealed})
        _require_unseen(context)
        check_rules(settings.risk, settings.execution, settings.exchange, settings.strategy.terms)

    def trade(
        self, context: Context, plan: Plan, loaded: Loaded, schedule: Schedule | None
    ) -> Metrics:
        """Simulate, test, judge, write, and return the metrics.

        Parameters
        ----------
        context : Context
            Of a recorded run.
        plan : Plan
            The strategy.
        loaded : Loaded
            Its candles.
        schedule : Schedule, optional
            The models that predict for it; trading begins with the first prediction.

        Raises
        ------
        CheckFailed
            Something looks ahead, training finds what is not there or misses what is, or
            vectorbt's account of the ledger is another.
        """
        from framework.modes.judging import finish, outcome_of, verified
        from framework.modes.predicting import first_predicted

        first = loaded.first if schedule is None else first_predicted(context, loaded, schedule)
        pipeline = self._pipeline(context, plan, loaded, schedule)
        traded = pipeline.trade(loaded.candles, first, loaded.books)
        tested = self._test_causality(context, pipeline, loaded, traded, first)
        outcome = outcome_of(context, loaded, traded, first, tested)
        if schedule is not None:
            from framework.modes.judging_models import judged

            outcome = judged(context, plan, loaded, traded, schedule, outcome)
        if context.settings.verify == "vectorbt":
            outcome = verified(context, outcome)
        return finish(context, outcome)

    def _pipeline(
        self, context: Context, plan: Plan, loaded: Loaded, schedule: Schedule | None
    ) -> Pipeline:
        from framework.backtest.pipeline import Pipeline
        from framework.engine.make_rules import make_rules
        from framework.engine.simulate import say_compiling
        from framework.modes.market_rules import ruled

        settings = context.settings
        rules = make_rules(
            settings.risk,
            settings.execution,
            ruled(settings.exchange, settings.database, loaded.candles.pairs),
            loaded.candles.pairs,
            settings.strategy.terms,
        )
        say_compiling(context.logger.info)
        return Pipeline(plan, rules, settings.cash, schedule)

    def _test_causality(
        self, context: Context, pipeline: Pipeline, loaded: Loaded, traded: Traded, first: int
    ) -> int:
        import numpy as np

        from framework.backtest.causality import check_causality

        generator = np.random.default_rng(context.settings.seed)
        arguments = (pipeline, loaded.candles, first, traded, generator, self.causality_cuts)
        if loaded.candles.close.size < SLOW_BARS:
            return check_causality(*arguments, books=loaded.books)
        with context.progress() as progress:
            task = progress.add_task("testing causality", total=self.causality_cuts)
            return check_causality(
                *arguments, advance=lambda: progress.advance(task), books=loaded.books
            )


def _require_unseen(context: Context) -> None:
    """Refuse a sweep that would have to judge a model by its test parts."""
    from framework.backtest.evaluation import WalkForward
    from framework.learning.model import Model

    settings = context.settings
    model, evaluation = settings.model, settings.evaluation
    fits = isinstance(model, Model) and model.from_run is None
    if context.sweeping and fits and isinstance(evaluation, WalkForward):
        raise UserError(
            "evaluation: must be holdout in a sweep of a model, which is judged by the validation "
            f"part (was {evaluation.name}, all of whose later parts are kept from sweeps)."
        )


@component
class Backtest(Trading):
    """The main job: candles in, judged ledger out."""

    recorded: ClassVar[bool] = True

    name: Literal["backtest"] = "backtest"
    """Of this mode."""

    def run(self, context: Context) -> None:
        """Load, fit or fetch what predicts, then trade.

        Raises
        ------
        CheckFailed
            Something looks ahead, vectorbt's account of the ledger is another, or the gate is not
            passed.
        UserError
            The data cannot be used.
        """
        from framework.modes.judging import require_passed
        from framework.modes.predicting import fetched, fitted
        from framework.modes.reading import compile_plan, hold_out, read_candles

        plan = compile_plan(context.settings)
        loaded = read_candles(context, plan)
        schedule = fetched(context, plan, loaded)
        hold_out(context, loaded)
        if schedule is None:
            schedule = fitted(context, plan, loaded)
        metrics = self.trade(context, plan, loaded, schedule)
        require_passed(context, metrics)
