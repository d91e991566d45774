"""Risk, execution, exchange and the strategy's terms as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from framework.engine.execution import Execution
from framework.engine.risk import MOST_TARGETS, Risk
from framework.engine.rules import (
    FRACTION,
    INVERSE_VOLATILITY,
    KELLY,
    PAIR_RULES,
    QUOTE_AMOUNT,
    RISK_PER_TRADE,
    RULES,
    SPLIT_EQUALLY,
    VOLATILITY_TARGET,
    Rules,
)
from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.market.recorded import BOOKS
from framework.records import StrategyTerms
from framework.types import YEAR_NS, RecordArray

_OFF = np.inf
_BPS = 1e-4
_UNBOUNDED = np.iinfo(np.int64).max


def make_rules(
    risk: Risk,
    execution: Execution,
    exchange: Exchange,
    pairs: Sequence[str],
    terms: StrategyTerms,
    records: Collection[str] | None = None,
) -> Rules:
    """Return the rules as records.

    Parameters
    ----------
    risk, execution, exchange
        Components of the configuration.
    pairs : sequence of str
        N pairs, in the order of the candles.
    terms : StrategyTerms
        Of the strategy that trades.
    records : collection of str, optional
        What comes beside candles: books, trades; None: what was recorded of the exchange.

    Raises
    ------
    UserError
        For what `check_rules` refuses.

    Examples
    --------
    >>> RULES["max_drawdown"], PAIR_RULES["taker_fee"]
    (dtype('float64'), dtype('float64'))
    """
    check_rules(risk, execution, exchange, terms, records)
    scalars = np.zeros(1, RULES)
    for values in (
        _sizes(risk, terms),
        _orders(execution, terms),
        _exits(risk, execution, terms),
        _limits(risk, execution, terms),
        _costs(execution, exchange, terms),
        _memory(risk, execution, terms),
    ):
        for name, value in values.items():
            scalars[name] = value
    return Rules(_read_only(scalars), _read_only(_pair_rules(exchange, pairs, execution.rounding)))


def check_rules(
    risk: Risk,
    execution: Execution,
    exchange: Exchange,
    terms: StrategyTerms,
    records: Collection[str] | None = None,
) -> None:
    """Refuse rules that do not go together; the arguments are those of `make_rules`.

    Raises
    ------
    UserError
        For shorts on a spot exchange, an interval of execution that does not divide the
        strategy's, order books that the exchange does not have, or a break-even stop that would
        sell at once.
    """
    if terms.direction == "both" and exchange.spot_only:
        raise UserError(
            f"strategy.direction: must be long on {exchange.name}, a spot exchange, which sells "
            "only what is held (was 'both'); exchange.spot_only=false allows shorts."
        )
    if execution.interval is not None and not execution.interval.divides(terms.interval):
        raise UserError(
            f"execution.interval: must divide strategy.interval, {terms.interval} "
            f"(was {execution.interval})."
        )
    if execution.book and BOOKS not in (exchange.records if records is None else records):
        raise UserError(
            f"execution.book: needs recorded order books, and exchange '{exchange.name}' has none; "
            "exchange=files reads them from exchange.books, exchange.from_store=true what "
            "mode=collect recorded (was true)."
        )
    fee = exchange.taker_fee_bps * _BPS
    least = (1.0 + fee) / (1.0 - fee) - 1.0
    if risk.break_even is not None and risk.break_even <= least:
        raise UserError(
            f"risk.break_even: must be greater than {least:.6g}, which the fees of entry and exit "
            f"take (was {risk.break_even:g})."
        )


def _bars_per_decision(execution: Execution, terms: StrategyTerms) -> int:
    """Return how many candles that orders fill on make up one of the strategy's."""
    return 1 if execution.interval is None else terms.interval.ns // execution.interval.ns


def _sizes(risk: Risk, terms: StrategyTerms) -> dict[str, float]:
    """Return which way entries go and how large they are."""
    by_field = {
        "fraction": FRACTION,
        "quote_amount": QUOTE_AMOUNT,
        "risk_per_trade": RISK_PER_TRADE,
        "volatility_target": VOLATILITY_TARGET,
        "kelly": KELLY,
    }
    chosen = [size for name, size in by_field.items() if getattr(risk, name) is not None]
    if risk.inverse_volatility:
        chosen.append(INVERSE_VOLATILITY)
    decisions_a_year = YEAR_NS / terms.interval.ns
    return {
        "both": int(terms.direction == "both"),
        "sizing": chosen[0] if chosen else SPLIT_EQUALLY,
        "fraction": 1.0 if risk.fraction is None else risk.fraction,
        "quote_amount": risk.quote_amount or 0.0,
        "risk_per_trade": risk.risk_per_trade or 0.0,
        "volatility_target": (risk.volatility_target or 0.0) / math.sqrt(decisions_a_year),
        "kelly": risk.kelly or 0.0,
        "kelly_trades": risk.kelly_trades,
        "kelly_start": risk.kelly_start,
        "no_trade_band": risk.no_trade_band,
    }


def _orders(execution: Execution, terms: StrategyTerms) -> dict[str, float]:
    """Return the terms of orders that signals lead to."""
    ratio = _bars_per_decision(execution, terms)
    values: dict[str, float] = {}
    for name, order in (("entry", terms.entry_order), ("exit", terms.exit_order)):
        values[f"{name}_time_in_force"] = order.time_in_force
        values[f"{name}_bars"] = order.bars * ratio
        values[f"{name}_post_only"] = order.post_only
    return values


def _exits(risk: Risk, execution: Execution, terms: StrategyTerms) -> dict[str, Any]:
    """Return stops and targets; a distance by expression is 0 here and comes with the signals."""
    gains, shares = np.zeros(MOST_TARGETS), np.zeros(MOST_TARGETS)
    for k, target in enumerate(risk.targets):
        gains[k], shares[k] = target.gain, target.share
    names = ("stop_loss", "take_profit", "trailing_stop")
    numbers = {name: value for name in names if isinstance(value := getattr(risk, name), float)}
    rising = risk.trailing_stop is not None or risk.break_even is not None
    levels = (risk.stop_loss, risk.take_profit, risk.targets or None)
    return numbers | {
        "break_even": risk.break_even or 0.0,
        "time_stop": (risk.time_stop or 0) * _bars_per_decision(execution, terms),
        "target_count": len(risk.targets),
        "target_gains": gains,
        "target_shares": shares,
        "rising": int(rising),
        "guarded": int(rising or any(level is not None for level in levels)),
    }


def _limits(risk: Risk, execution: Execution, terms: StrategyTerms) -> dict[str, float]:
    """Return what may not be exceeded."""
    ratio = _bars_per_decision(execution, terms)
    return {
        "max_exposure": risk.max_exposure or _OFF,
        "max_pair_exposure": risk.max_pair_exposure or _OFF,
        "max_positions": risk.max_positions or _UNBOUNDED,
        "max_correlated_exposure": risk.max_correlated_exposure or _OFF,
        "correlation": risk.correlation,
        "correlation_bars": risk.correlation_bars if risk.max_correlated_exposure else 0,
        "max_volatility": risk.volatility_halt or _OFF,
        "max_anomaly": _OFF if risk.max_anomaly is None else risk.max_anomaly,
        "daily_loss": risk.daily_loss or _OFF,
        "max_drawdown": risk.max_drawdown or _OFF,
        "halt_bars": (risk.halt_bars or 0) * ratio,
        "cool_down": risk.cool_down * ratio,
    }


def _costs(execution: Execution, exchange: Exchange, terms: StrategyTerms) -> dict[str, float]:
    """Return what fills and shorts cost."""
    bar_ns = (execution.interval or terms.interval).ns
    return {
        "half_spread": execution.half_spread_bps * _BPS,
        "slippage": execution.slippage_bps * _BPS,
        "slippage_volatility": execution.slippage_volatility,
        "impact": execution.impact_bps * _BPS,
        "impact_power": execution.impact_power,
        "max_participation": execution.max_participation or _OFF,
        "book_max_age": execution.book_max_age.ns if execution.book else 0,
        "borrow_rate": exchange.borrow_rate * bar_ns / YEAR_NS,
        "maintenance_margin": exchange.maintenance_margin,
    }


def _memory(risk: Risk, execution: Execution, terms: StrategyTerms) -> dict[str, int]:
    """Return which closes the account remembers: none unless a rule looks back."""
    looks_back = (
        risk.volatility_halt is not None
        or risk.volatility_target is not None
        or risk.inverse_volatility
        or risk.max_correlated_exposure is not None
        or execution.slippage_volatility > 0.0
    )
    return {
        "remembers": int(looks_back),
        "volatility_bars": risk.volatility_bars,
        "bar_ns": (execution.interval or terms.interval).ns,
        "decision_bars": _bars_per_decision(execution, terms),
        "decision_ns": terms.interval.ns,
        "decision_offset_ns": terms.interval.offset_ns,
    }


def _pair_rules(exchange: Exchange, pairs: Sequence[str], rounding: bool) -> RecordArray:
    """Return fees and, where orders are rounded, the market's steps."""
    records = np.zeros(len(pairs), PAIR_RULES)
    records["maker_fee"] = exchange.maker_fee_bps * _BPS
    records["taker_fee"] = exchange.taker_fee_bps * _BPS
    if rounding:
        for record, pair in zip(records, pairs, strict=True):
            market = exchange.rules_of(pair)
            record["lot_step"] = market.lot_step
            record["tick_size"] = market.tick_size
            record["min_notional"] = market.min_notional
    return records


def _read_only(records: RecordArray) -> RecordArray:
    """Return `records`, closed to writing."""
    records.flags.writeable = False
    return records
