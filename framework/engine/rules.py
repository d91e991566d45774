"""The records that the compiled step reads its rules from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.engine.risk import MOST_TARGETS
from framework.types import RecordArray

SPLIT_EQUALLY = 0
"""Sizing: all equity, split over the pairs in a position or entering."""

FRACTION = 1
"""Sizing: a fixed share of equity per entry."""

QUOTE_AMOUNT = 2
"""Sizing: a fixed amount of quote currency per entry."""

RISK_PER_TRADE = 3
"""Sizing: so much that the stop-loss costs a fixed share of equity."""

VOLATILITY_TARGET = 4
"""Sizing: an equal share of equity, scaled to a volatility."""

INVERSE_VOLATILITY = 5
"""Sizing: all equity, split in proportion to one over the volatility."""

KELLY = 6
"""Sizing: a share of the bet that the account's own wins and losses suggest."""

RULES = np.dtype(
    [
        # which way and how large
        ("both", np.int64),  # 1 when shorts are allowed
        ("sizing", np.int64),  # SPLIT_EQUALLY, FRACTION, QUOTE_AMOUNT, ...
        ("fraction", np.float64),  # of equity
        ("quote_amount", np.float64),  # quote currency
        ("risk_per_trade", np.float64),  # of equity
        ("volatility_target", np.float64),  # of log-returns, per decision
        ("kelly", np.float64),  # of the full bet
        ("kelly_trades", np.int64),
        ("kelly_start", np.float64),  # of equity
        ("no_trade_band", np.float64),  # of equity
        # what shorts cost and need
        ("borrow_rate", np.float64),  # of the value borrowed, per bar
        ("maintenance_margin", np.float64),  # of the value of shorts
        # terms of the orders that signals lead to
        ("entry_time_in_force", np.int64),
        ("entry_bars", np.int64),  # 0 is off
        ("entry_post_only", np.int64),
        ("exit_time_in_force", np.int64),
        ("exit_bars", np.int64),
        ("exit_post_only", np.int64),
        # exits; 0 is off
        ("guarded", np.int64),  # 1 when any stop or target below is on
        ("rising", np.int64),  # 1 when a stop rises with the best price
        ("stop_loss", np.float64),  # of the average entry price
        ("take_profit", np.float64),
        ("trailing_stop", np.float64),  # of the best price since entry
        ("break_even", np.float64),  # gain from which the stop lies at the entry price
        ("time_stop", np.int64),  # bars
        ("target_count", np.int64),
        ("target_gains", np.float64, (MOST_TARGETS,)),
        ("target_shares", np.float64, (MOST_TARGETS,)),  # of the units entered
        # limits; inf, or the largest integer, is off
        ("max_exposure", np.float64),  # of equity
        ("max_pair_exposure", np.float64),
        ("max_positions", np.int64),
        ("max_correlated_exposure", np.float64),
        ("correlation", np.float64),
        ("correlation_bars", np.int64),  # 0 is off
        ("max_volatility", np.float64),  # of log-returns, per decision
        ("volatility_bars", np.int64),
        ("max_anomaly", np.float64),
        ("daily_loss", np.float64),  # of the day's opening equity
        ("max_drawdown", np.float64),  # of the peak
        ("halt_bars", np.int64),  # 0: until a person resets
        ("cool_down", np.int64),  # bars
        # costs, as fractions of the price
        ("half_spread", np.float64),
        ("slippage", np.float64),
        ("slippage_volatility", np.float64),  # times the standard deviation of log-returns
        ("impact", np.float64),  # at a bar's whole volume
        ("impact_power", np.float64),
        ("max_participation", np.float64),  # of a bar's volume; inf is off
        ("book_max_age", np.int64),  # ns, of a recorded order book; 0: none is used
        # which closes the account remembers
        ("remembers", np.int64),  # 1 when any rule looks back
        ("bar_ns", np.int64),
        ("decision_bars", np.int64),  # from one decision to the next
        ("decision_ns", np.int64),  # from one remembered close to the next
        ("decision_offset_ns", np.int64),  # of their grid, from the epoch
    ],
    align=True,
)
"""One set of rules; numbers of bars are those of the candles that orders fill on."""

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
