"""Trade a strategy over a whole range at once, test it for look-ahead, and judge it."""

from __future__ import annotations

from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from framework import __version__
from framework.config.component import component
from framework.errors import UserError
from framework.modes.context import Context
from framework.types import YEAR_NS, format_time

if TYPE_CHECKING:
    from framework.backtest.pipeline import Pipeline, Traded
    from framework.exchange.load import Loaded
    from framework.results.outcome import Outcome
    from framework.strategy.plan import Plan

SLOW_BARS = 200_000
"""From so many values on, the causality test takes long enough to show its progress."""


@component
class Backtest:
    """The main job: candles in, judged ledger out."""

    recorded: ClassVar[bool] = True

    name: Literal["backtest"] = "backtest"
    """Of this mode."""

    causality_cuts: int = Field(default=8, ge=0, le=1_000)
    """Random moments beyond which the future is replaced by noise; 0 leaves the test out."""

    def prepare(self, context: Context) -> None:
        """Compile the strategy, so that every fault in it is reported before data is read."""
        from framework.backtest.evaluation import require_closed
        from framework.engine.make_rules import check_rules

        if context.settings.verify == "vectorbt":
            from framework.results.verify import require_vectorbt

            require_vectorbt()
        _compile(context)
        settings = context.settings
        if context.sweeping:
            require_closed({"open_sealed": settings.evaluation.open_sealed})
        check_rules(settings.risk, settings.execution, settings.exchange, settings.strategy.terms)

    def run(self, context: Context) -> None:
        """Load, simulate, test, judge, write.

        Raises
        ------
        CheckFailed
            Something looks ahead, or vectorbt's account of the ledger is another.
        UserError
            The data cannot be used.
        """
        from framework.exchange.load import load_candles

        settings, log = context.settings, context.logger
        plan = _compile(context)
        with context.progress() as progress:
            task = progress.add_task("reading candles", total=None)
            loaded = load_candles(
                settings.exchange,
                settings.pairs.symbols,
                settings.interval,
                settings.start,
                settings.end,
                plan.warmup,
                settings.store,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
                store_options=settings.store_secrets,
                fill_interval=settings.execution.interval,
                choose=lambda start, end: settings.evaluation.scope(
                    start, end, settings.interval, sweeping=context.sweeping
                ),
            )
        candles = loaded.candles
        quote_of(candles.pairs)
        _log_quality(context, loaded)
        log.info(
            f"{len(candles) - loaded.first:,} bars of {', '.join(candles.pairs)}, "
            f"{candles.interval} each, after {loaded.first:,} of warm-up; "
            f"a decision each {settings.interval}"
        )
        _hold_out(context, loaded)
        pipeline = self._pipeline(context, plan, loaded)
        traded = pipeline.trade(candles, loaded.first)
        tested = self._test_causality(context, pipeline, loaded, traded)
        outcome = _outcome(context, plan, loaded, traded, tested)
        if settings.verify == "vectorbt":
            outcome = _verified(context, outcome)
        finish(context, outcome)

    def _pipeline(self, context: Context, plan: Plan, loaded: Loaded) -> Pipeline:
        from framework.engine.make_rules import make_rules

        settings = context.settings
        rules = make_rules(
            settings.risk,
            settings.execution,
            settings.exchange,
            loaded.candles.pairs,
            settings.strategy.terms,
        )
        from framework.engine.simulate import is_compiled

        if not is_compiled():
            context.logger.info("compiling the engine, once; later runs start at once")
        from framework.backtest.pipeline import Pipeline

        return Pipeline(plan, rules, settings.cash)

    def _test_causality(
        self, context: Context, pipeline: Pipeline, loaded: Loaded, traded: Traded
    ) -> int:
        import numpy as np

        from framework.backtest.causality import check_causality

        generator = np.random.default_rng(context.settings.seed)
        arguments = (pipeline, loaded.candles, loaded.first, traded, generator, self.causality_cuts)
        if loaded.candles.close.size < SLOW_BARS:
            return check_causality(*arguments)
        with context.progress() as progress:
            task = progress.add_task("testing causality", total=self.causality_cuts)
            return check_causality(*arguments, advance=lambda: progress.advance(task))


def quote_of(pairs: tuple[str, ...]) -> str:
    """Return the currency that all pairs are quoted in; one account holds no other."""
    quotes = {pair.partition("-")[2] for pair in pairs}
    if len(quotes) > 1:
        raise UserError(f"pairs: must share one quote currency (were {', '.join(sorted(quotes))}).")
    return quotes.pop()


def _log_quality(context: Context, loaded: Loaded) -> None:
    """Name every fault of the data; holes, which quiet markets are full of, only in the log."""
    for quality in loaded.qualities:
        for fault, line in zip(quality.faults, quality.findings(), strict=True):
            context.logger.log("DEBUG" if fault.kind == "gap" else "INFO", line)
    holes = sum(quality.count("gap") for quality in loaded.qualities)
    if holes:
        context.logger.info(
            f"{holes:,} gaps in the data: flat candles up to {context.settings.exchange.max_gap} "
            "long, missing ones beyond; run.log names the first of each pair"
        )


def _hold_out(context: Context, loaded: Loaded) -> None:
    """Keep in the database, before anything is traded, what is sealed and what is opened."""
    from framework.results.holdout import sealed_line

    if context.database is None or context.run_id is None:
        raise ValueError("only a recorded run can hold data out")
    certificate = loaded.certificate
    opened = context.database.hold_out(context.run_id, certificate, at=time_ns())
    if line := sealed_line(certificate.as_dict()):
        context.logger.info(line)
    if opened is not None:
        context.logger.info(
            f"trades {format_time(opened.start_ns)} to {format_time(opened.end_ns)}, bars "
            "that were sealed: counted as an opening"
        )


def _notices(context: Context, loaded: Loaded) -> tuple[str, ...]:
    """Return how often the data was opened that some run has sealed."""
    from framework.results.holdout import opened_line

    if context.database is None:
        return ()
    line = opened_line(context.database.openings(loaded.certificate.as_dict()))
    return () if line is None else (line,)


def _compile(context: Context) -> Plan:
    from framework.strategy.compile import compile_strategy

    settings = context.settings
    return compile_strategy(
        settings.strategy,
        settings.features,
        plugins=settings.plugins,
        pairs=settings.pairs.symbols,
        distances=settings.risk.expressions,
    )


def _outcome(context: Context, plan: Plan, loaded: Loaded, traded: Traded, tested: int) -> Outcome:
    """Gather what the run hands on, the account as it was at the strategy's closes."""
    import numpy as np

    from framework.engine.assumptions import assumptions
    from framework.results.holdout import sealed_line
    from framework.results.outcome import Check, Outcome

    settings, simulation = context.settings, traded.simulation
    begun = int(np.searchsorted(traded.closing, loaded.first))
    bars, closes = traded.decided[begun:], traded.closing[begun:] - loaded.first
    sealed = sealed_line(loaded.certificate.as_dict())
    checks: tuple[Check, ...] = ()
    if tested:
        checks = (
            Check(
                "causality",
                True,
                f"features, rules, orders and equity before {tested} random moments stayed equal "
                "bit for bit when the future was replaced by noise",
            ),
        )
    return Outcome(
        mode=settings.mode.name,
        strategy=settings.strategy.name,
        pairs=bars.pairs,
        quote=quote_of(bars.pairs),
        interval=bars.interval,
        time=bars.time,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
        initial_cash=settings.cash,
        borrow_rate=settings.exchange.borrow_rate * loaded.candles.interval.ns / YEAR_NS,
        fill_time=loaded.candles.time[loaded.first :],
        fill_close=loaded.candles.close[loaded.first :],
        equity=simulation.equity[closes],
        cash=simulation.cash[closes],
        invested=simulation.invested[closes],
        events=simulation.events,
        orders_hash=simulation.orders_hash,
        certificate=loaded.certificate.as_dict(),
        assumptions=(
            *assumptions(settings.risk, settings.execution, settings.exchange),
            *(() if sealed is None else (sealed,)),
            *(() if tested else ("Causality was not tested: mode.causality_cuts is 0.",)),
        ),
        checks=checks,
        config=context.config,
        overrides=context.overrides,
        version=__version__,
        seed=settings.seed,
        parts=loaded.scope.parts,
        notices=_notices(context, loaded),
    )


def _verified(context: Context, outcome: Outcome) -> Outcome:
    """Return `outcome` with one check more."""
    from framework.results.verify import verify_with_vectorbt

    with context.progress() as progress:
        progress.add_task("recomputing with vectorbt", total=None)
        check = verify_with_vectorbt(outcome)
    return replace(outcome, checks=(*outcome.checks, check))


def finish(context: Context, outcome: Outcome) -> None:
    """Judge an outcome, write its files and rows, and print what came out.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    outcome : Outcome
        What was traded.
    """
    from framework.results.metrics import compute
    from framework.results.run_directory import RunDirectory
    from framework.results.summary import summary_table

    if context.database is None or context.run_id is None:
        raise ValueError("only a recorded run can be finished")
    trials = context.database.trials.sharpes(
        str(outcome.certificate["sha256"]), other_than=outcome.orders_hash
    )
    metrics = compute(outcome, trials)
    directory = RunDirectory(context.run_dir)
    directory.write_ledger(outcome)
    if context.settings.report:
        from framework.results.report import write_report

        write_report(directory.path / "report.html", outcome, metrics)
    metrics["seconds"] = round(context.seconds(), 3)
    directory.write_metrics(outcome, metrics)
    context.database.finish(
        context.run_id,
        outcome,
        metrics,
        ended_at=time_ns(),
        params=context.settings.strategy.params,
    )
    context.print(summary_table(outcome, metrics))
    shown = "report.html" if context.settings.report else "metrics.json"
    context.settings.notify.send(f"done in {metrics['seconds']} s: {directory.path / shown}")
