"""What every mode that trades ends with: an outcome, judged, written and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING

from framework import __version__
from framework.errors import CheckFailed
from framework.modes.context import Context
from framework.modes.reading import quote_of
from framework.records import Part
from framework.types import YEAR_NS

if TYPE_CHECKING:
    from framework.backtest.pipeline import Traded
    from framework.exchange.load import Loaded
    from framework.results.outcome import Outcome


Metrics = dict[str, float | int | None]

_OUT_OF_SAMPLE = (
    "Every prediction is out of sample: the model that gives it learned from earlier bars only. "
    "Trading begins with the first prediction."
)


def outcome_of(
    context: Context, loaded: Loaded, traded: Traded, first: int, tested: int | None
) -> Outcome:
    """Gather what the run hands on, the account as it was at the strategy's closes.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    loaded : Loaded
        Its candles.
    traded : Traded
        What became of them.
    first : int
        Index of the first bar traded.
    tested : int or None
        Cuts of the causality test; None: there was no later bar to look at.
    """
    import numpy as np

    from framework.engine.assumptions import assumptions
    from framework.modes.market_rules import rules_line
    from framework.results.holdout import sealed_line
    from framework.results.outcome import Check, Outcome

    settings, simulation = context.settings, traded.simulation
    begun = int(np.searchsorted(traded.closing, first))
    bars, closes = traded.decided[begun:], traded.closing[begun:] - first
    skipped = begun - int(np.searchsorted(traded.closing, loaded.first))
    sealed = sealed_line(loaded.certificate.as_dict())
    recorded = rules_line(settings.exchange, settings.database, bars.pairs)
    seen = "features, predictions" if traded.predicted else "features"
    checks: tuple[Check, ...] = ()
    if tested:
        checks = (
            Check(
                "causality",
                True,
                f"{seen}, rules, orders and equity before {tested} random moments stayed equal "
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
        fill_time=loaded.candles.time[first:],
        fill_close=loaded.candles.close[first:],
        equity=simulation.equity[closes],
        cash=simulation.cash[closes],
        invested=simulation.invested[closes],
        events=simulation.events,
        orders_hash=simulation.orders_hash,
        certificate=loaded.certificate.as_dict(),
        assumptions=(
            *assumptions(settings.risk, settings.execution, settings.exchange),
            *(() if recorded is None else (recorded,)),
            *(() if sealed is None else (sealed,)),
            *(() if not traded.predicted else (_OUT_OF_SAMPLE,)),
            *(() if tested != 0 else ("Causality was not tested: mode.causality_cuts is 0.",)),
        ),
        checks=checks,
        config=context.config,
        overrides=context.overrides,
        version=__version__,
        seed=settings.seed,
        parts=_later(loaded.scope.parts, skipped) if traded.predicted else loaded.scope.parts,
        notices=_notices(context, loaded),
    )


def _later(parts: Sequence[Part], skipped: int) -> tuple[Part, ...]:
    """Return the parts that were predicted, counted from a later first bar."""
    return tuple(
        replace(part, start=part.start - skipped, end=part.end - skipped)
        for part in parts
        if part.name != "train" and part.start >= skipped
    )


def finish(context: Context, outcome: Outcome) -> Metrics:
    """Judge an outcome, write its files and rows, and print what came out.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    outcome : Outcome
        What was traded.

    Returns
    -------
    dict
        As in ``metrics.json``.

    Raises
    ------
    CheckFailed
        A check of the outcome did not pass; ledger and report tell of it, and there are no
        metrics.
    """
    from framework.results.gate import shortfalls
    from framework.results.metrics import compute
    from framework.results.run_directory import RunDirectory
    from framework.results.summary import summary_table

    if context.database is None or context.run_id is None:
        raise ValueError("only a recorded run can be finished")
    trials = context.database.trials.sharpes(
        str(outcome.certificate["sha256"]), other_than=outcome.orders_hash
    )
    metrics = compute(outcome, trials)
    if outcome.model is not None:
        metrics |= outcome.model.metrics()
    directory = RunDirectory(context.run_dir)
    directory.write_ledger(outcome)
    if context.settings.report:
        from framework.results.report import write_report

        write_report(directory.path / "report.html", outcome, metrics)
    if failed := [check for check in outcome.checks if not check.passed]:
        raise CheckFailed("\n".join(f"{check.name}: {check.detail}." for check in failed))
    metrics["seconds"] = round(context.seconds(), 3)
    directory.write_metrics(outcome, metrics)
    context.database.finish(
        context.run_id,
        outcome,
        metrics,
        ended_at=time_ns(),
        params=context.settings.strategy.params,
        exit_code=CheckFailed.exit_code if shortfalls(context.settings.gate, metrics) else 0,
    )
    context.print(summary_table(outcome, metrics))
    shown = "report.html" if context.settings.report else "metrics.json"
    tell = context.logger.info if context.sweeping else context.settings.notify.send
    tell(f"done in {metrics['seconds']} s: {directory.path / shown}")
    return metrics


def require_passed(context: Context, metrics: Metrics) -> None:
    """Raise CheckFailed where a figure does not reach what ``gate`` asks for."""
    from framework.results.gate import shortfalls

    if lines := shortfalls(context.settings.gate, metrics):
        raise CheckFailed("\n".join(lines))


def _notices(context: Context, loaded: Loaded) -> tuple[str, ...]:
    """Return how often the data was opened that some run has sealed."""
    from framework.results.holdout import opened_line

    if context.database is None:
        return ()
    line = opened_line(context.database.openings(loaded.certificate.as_dict()))
    return () if line is None else (line,)


def verified(context: Context, outcome: Outcome) -> Outcome:
    """Return `outcome` with one check more: that vectorbt comes to the same account.

    Raises
    ------
    CheckFailed
        It does not.
    """
    from framework.results.verify import verify_with_vectorbt

    with context.progress() as progress:
        progress.add_task("recomputing with vectorbt", total=None)
        check = verify_with_vectorbt(outcome)
    return replace(outcome, checks=(*outcome.checks, check))
