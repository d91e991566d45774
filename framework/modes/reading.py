"""What every mode that trades begins with: the strategy compiled, its candles read."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.interfaces import Continuing
from framework.modes.context import Context
from framework.modes.settings import Settings
from framework.types import format_time

if TYPE_CHECKING:
    from framework.exchange.load import Loaded
    from framework.strategy.plan import Plan


def compile_plan(settings: Settings) -> Plan:
    """Compile the strategy, and what its model sees.

    Raises
    ------
    UserError
        With one line for every fault of every expression.
    """
    from framework.strategy.compile import compile_strategy

    model = settings.model
    return compile_strategy(
        settings.strategy,
        settings.features,
        model_outputs=model.outputs,
        records=records_of(settings),
        plugins=settings.plugins,
        pairs=settings.pairs.symbols,
        distances=settings.risk.expressions,
        inputs=model.inputs,
        window=model.window,
    )


def records_of(settings: Settings) -> frozenset[str]:
    """Return what comes beside candles: told to a session, or recorded before a backtest."""
    exchange = settings.exchange
    return exchange.tells if isinstance(settings.mode, Continuing) else exchange.records


def read_candles(context: Context, plan: Plan) -> Loaded:
    """Read, clean and certify the candles of a run, and say what is wrong with them.

    Raises
    ------
    UserError
        The data cannot be used.
    OutsideFault
        Its source does not answer.
    """
    from framework.exchange.load import load_candles

    settings = context.settings
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
            book_max_age=settings.execution.book_max_age if settings.execution.book else None,
            seen=plan.records,
            seen_max_age=settings.execution.book_max_age,
        )
    candles = loaded.candles
    quote_of(candles.pairs)
    _log_quality(context, loaded)
    context.logger.info(
        f"{len(candles) - loaded.first:,} bars of {', '.join(candles.pairs)}, "
        f"{candles.interval} each, after {loaded.first:,} of warm-up; "
        f"a decision each {settings.interval}"
    )
    if loaded.books is not None:
        context.logger.info(f"fills at the opens walk {len(loaded.books):,} recorded order books")
    return loaded


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


def hold_out(context: Context, loaded: Loaded) -> None:
    """Keep in the database, before anything is learned or traded, what is sealed or opened."""
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
