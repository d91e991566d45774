"""What a new session begins with: candles before its first bar, and trained models."""

from __future__ import annotations

from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING

from framework.errors import UserError
from framework.modes.context import Context
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.contract import Exchange
    from framework.exchange.load import Loaded
    from framework.learning.schedule import Schedule
    from framework.market.candles import Candles
    from framework.strategy.plan import Plan


def start_session(context: Context, plan: Plan, history: Interval | None) -> None:
    """Read history, fetch models, and keep both in the run's directory.

    Parameters
    ----------
    context : Context
        Of a recorded run.
    plan : Plan
        The strategy.
    history : Interval, optional
        Length of the history; None: the warm-up of the features.

    Raises
    ------
    UserError
        The market does not exist, the history is not to be had, or there is no model.
    OutsideFault
        The exchange does not answer.
    """
    from framework.market.resample import resample
    from framework.modes.market_rules import ruled
    from framework.modes.reading import quote_of
    from framework.modes.session_files import begin_session, keep_models
    from framework.session.state import FOLDER

    settings, began_ns = context.settings, time_ns()
    exchange = settings.exchange.begun(began_ns)
    loaded = _history(context, plan, exchange, history)
    candles, past = loaded.candles[loaded.first :], None
    candles = _with_records(context, plan, exchange, candles)
    quote_of(candles.pairs)
    if context.settings.learning.retrain is not None:
        past = resample(loaded.candles[: loaded.first], plan.interval)
    schedule = _models(context, plan, loaded)
    if schedule is not None:
        keep_models(context.run_dir, context.settings, plan, candles.pairs, schedule)
    exchange = ruled(exchange, settings.database, candles.pairs)
    source = loaded.certificate.source
    begin_session(context.run_dir / FOLDER, candles, source, exchange, began_ns, past)


def _history(context: Context, plan: Plan, exchange: Exchange, history: Interval | None) -> Loaded:
    """Return the candles before the session's first bar; `first` of them is that of the warm-up.

    Before it comes what models learn from, where they are trained anew in the session.
    """
    from framework.exchange.load import load_candles
    from framework.modes.session_learning import bars_learned

    settings = context.settings
    interval = settings.interval
    learned = bars_learned(settings, plan)
    pairs = settings.pairs.symbols or exchange.offered_pairs()
    live = exchange.is_live and not exchange.from_store
    if live:
        first_ns = min(exchange.available_span(pair, interval)[1] for pair in pairs)
    elif settings.start is not None:
        first_ns = interval.ceil(settings.start)
    else:
        first_ns = max(exchange.default_span(pair, interval)[0] for pair in pairs)
        earliest = max(exchange.available_span(pair, interval)[0] for pair in pairs)
        first_ns = max(first_ns, earliest + max(plan.warmup, 1) * interval.ns)
    bars = max(plan.warmup, 1) if history is None else max(history.ns // interval.ns, 1)
    with context.progress() as progress:
        task = progress.add_task("reading history", total=None)
        return load_candles(
            exchange,
            pairs,
            interval,
            first_ns - bars * interval.ns,
            first_ns,
            learned,
            settings.store,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            store_options=settings.store_secrets,
            fill_interval=settings.execution.interval,
            seen=() if live else plan.records,
            seen_max_age=settings.execution.book_max_age,
        )


def _with_records(context: Context, plan: Plan, exchange: Exchange, candles: Candles) -> Candles:
    """Return the candles with what ``mode=collect`` stored beside them, if that is read at all."""
    from framework.market.book_store import BookStore
    from framework.market.recorded import BOOKS, TRADES, Recorded
    from framework.market.trade_store import TradeStore

    if not plan.records or candles.recorded is not None:
        return candles
    settings, name = context.settings, exchange.name
    place = settings.store, settings.store_secrets
    max_age_ns = settings.execution.book_max_age.ns
    start, end = int(candles.time[0]), int(candles.time[-1]) + candles.interval.ns
    books = BookStore(*place).read(name, candles.pairs, start - max_age_ns, end + 1)
    trades = TradeStore(*place).read(name, candles.pairs, start, end)
    recorded = Recorded(
        books if BOOKS in plan.records else None,
        trades if TRADES in plan.records else None,
        max_age_ns,
    )
    context.logger.info(
        f"{len(books):,} order books and {len(trades):,} trades are stored of the time before"
    )
    return replace(candles, recorded=recorded)


def _models(context: Context, plan: Plan, loaded: Loaded) -> Schedule | None:
    """Return the trained models to predict with, None where the rules use none."""
    from framework.learning.library import load_schedule
    from framework.learning.model import Model
    from framework.modes.predicting import fit_of, trained_by
    from framework.modes.session_learning import first_model

    model = context.settings.model
    if not isinstance(model, Model):
        return None
    if model.from_run is None and context.settings.learning.retrain is not None:
        return first_model(context, plan, loaded.candles)
    if model.from_run is None:
        raise UserError(
            "model.from: a session predicts with a trained model: name the run that trained it, "
            f"or latest (was null); mode=train strategy={context.settings.strategy.name} trains "
            "one, learning.retrain=1d trains it here."
        )
    place = trained_by(context, model, model.from_run, "model.from")
    schedule = load_schedule(place, model, fit_of(model, plan, loaded.candles.pairs))
    first_ns = int(loaded.candles.time[-1]) + loaded.candles.interval.ns
    if schedule.stages[0].end_ns > first_ns:
        raise UserError(
            f"model.from: {place.parent} learned from candles that the session is to trade; name "
            "one trained on earlier ones."
        )
    context.logger.info(f"{len(schedule.stages)} trained models of {place.parent}")
    return schedule
