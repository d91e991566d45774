"""Risk, execution and exchange as plain numbers: what the compiled step reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.types import RecordArray

SPLIT_EQUALLY = 0
"""Sizing: all equity, split over the pairs in a position or entering."""

FRACTION = 1
"""Sizing: a fixed share of equity per entry."""

QUOTE_AMOUNT = 2
"""Sizing: a fixed amount of quote currency per entry."""

RISK_PER_TRADE = 3
"""Sizing: so much that the stop-loss costs a fixed share of equity."""

RULES = np.dtype(
    [
        # which way and how large
        ("direction", np.int64),  # 1 long and flat, 2 short too
        ("sizing", np.int64),  # SPLIT_EQUALLY, FRACTION, QUOTE_AMOUNT, RISK_PER_TRADE
        ("fraction", np.float64),  # of equity
        ("quote_amount", np.float64),  # quote currency
        ("risk_per_trade", np.float64),  # of equity
        ("no_trade_band", np.float64),  # of equity
        ("leverage", np.float64),  # most gross exposure a margin account allows
        ("borrow_rate", np.float64),  # of the value borrowed, per bar
        # exits; 0 is off
        ("guarded", np.int64),  # 1 when any stop or target below is on
        ("rising", np.int64),  # 1 when a stop rises with the best price
        ("stop_loss", np.float64),  # of the average entry price
        ("take_profit", np.float64),
        ("trailing_stop", np.float64),  # of the best price since entry
        ("break_even", np.float64),  # gain from which the stop lies at the entry price
        ("stop_atr", np.float64),  # distances in average true ranges
        ("target_atr", np.float64),
        ("trailing_atr", np.float64),
        ("time_stop", np.int64),  # bars
        # limits; inf, or the largest integer, is off
        ("max_exposure", np.float64),  # of equity
        ("max_pair_exposure", np.float64),
        ("max_positions", np.int64),
        ("max_correlation", np.float64),
        ("max_volatility", np.float64),  # of log-returns, per bar
        ("volatility_bars", np.int64),  # 0 is off
        ("max_anomaly", np.float64),
        ("daily_loss", np.float64),  # of the day's opening equity
        ("max_drawdown", np.float64),  # of the peak
        ("halt_bars", np.int64),  # 0: until a person resets
        ("cool_down", np.int64),  # bars
        # costs, as fractions of the price
        ("half_spread", np.float64),
        ("slippage", np.float64),
        ("impact", np.float64),  # at a bar's whole volume
        ("max_participation", np.float64),  # of a bar's volume; inf is off
    ],
    align=True,
)
"""One set of rules. Fields beyond the rules of `Risk` and `Execution` hold their neutral value."""

PAIR_RULES = np.dtype(
    [
        ("maker_fee", np.float64),  # fractions of a fill's value
        ("taker_fee", np.float64),
        ("lot_step", np.float64),  # base currency; 0 is off
        ("tick_size", np.float64),  # quote currency
        ("min_notional", np.float64),  # quote currency
    ],
    align=True,
)
"""What one market asks of an order."""

_OFF = np.inf
_BPS = 1e-4
_UNBOUNDED = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What one run trades under; read-only.

    Parameters
    ----------
    scalars : (1,) RULES
        The same for all pairs.
    pairs : (N,) PAIR_RULES
        Pair by pair.
    """

    scalars: RecordArray
    pairs: RecordArray


def make_rules(
    risk: Risk,
    execution: Execution,
    exchange: Exchange,
    pairs: Sequence[str],
    direction: str = "long",
) -> Rules:
    """Return the rules as records.

    Parameters
    ----------
    risk, execution, exchange
        Components of the configuration.
    pairs : sequence of str
        N pairs, in the order of the candles.
    direction : {'long'}
        Which positions are allowed.

    Raises
    ------
    UserError
        For a direction that is not traded, or a break-even stop that would sell at once.

    Examples
    --------
    >>> RULES["max_drawdown"], PAIR_RULES["taker_fee"]
    (dtype('float64'), dtype('float64'))
    """
    check_direction(direction)
    _check_break_even(risk, exchange)
    scalars = np.zeros(1, RULES)
    values = {
        "direction": 1,
        "sizing": _sizing(risk),
        "fraction": 1.0 if risk.fraction is None else risk.fraction,
        "quote_amount": risk.quote_amount or 0.0,
        "risk_per_trade": risk.risk_per_trade or 0.0,
        "no_trade_band": risk.no_trade_band,
        "leverage": 1.0,
        "stop_loss": risk.stop_loss or 0.0,
        "take_profit": risk.take_profit or 0.0,
        "trailing_stop": risk.trailing_stop or 0.0,
        "break_even": risk.break_even or 0.0,
        "time_stop": risk.time_stop or 0,
        "max_exposure": risk.max_exposure or _OFF,
        "max_pair_exposure": risk.max_pair_exposure or _OFF,
        "max_positions": risk.max_positions or _UNBOUNDED,
        "max_correlation": _OFF,
        "max_volatility": risk.volatility_halt or _OFF,
        "volatility_bars": risk.volatility_bars if risk.volatility_halt else 0,
        "max_anomaly": _OFF,
        "daily_loss": risk.daily_loss or _OFF,
        "max_drawdown": risk.max_drawdown or _OFF,
        "halt_bars": risk.halt_bars or 0,
        "cool_down": risk.cool_down,
        "half_spread": execution.half_spread_bps * _BPS,
        "slippage": execution.slippage_bps * _BPS,
        "impact": execution.impact_bps * _BPS,
        "max_participation": execution.max_participation or _OFF,
    }
    values["rising"] = int(any(values[name] for name in ("trailing_stop", "break_even")))
    values["guarded"] = int(any(values[name] for name in ("stop_loss", "take_profit", "rising")))
    for name, value in values.items():
        scalars[name] = value
    return Rules(_read_only(scalars), _read_only(_pair_rules(exchange, pairs, execution.rounding)))


def check_direction(direction: str) -> None:
    """Raise UserError for a direction that is not traded."""
    if direction != "long":
        raise UserError(
            f"strategy.direction: must be long (was '{direction}'): only what is held is sold."
        )


def _sizing(risk: Risk) -> int:
    """Return how entries are sized."""
    if risk.quote_amount is not None:
        return QUOTE_AMOUNT
    if risk.risk_per_trade is not None:
        return RISK_PER_TRADE
    return SPLIT_EQUALLY if risk.fraction is None else FRACTION


def _check_break_even(risk: Risk, exchange: Exchange) -> None:
    """Raise UserError for a gain that lies below the stop which it sets."""
    fee = exchange.taker_fee_bps * _BPS
    least = (1.0 + fee) / (1.0 - fee) - 1.0
    if risk.break_even is not None and risk.break_even <= least:
        raise UserError(
            f"risk.break_even: must be greater than {least:.6g}, which the fees of entry and exit "
            f"take (was {risk.break_even:g})."
        )


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
