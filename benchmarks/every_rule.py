"""Every rule of the design at once: the one list of what "every rule on" means here.

Values are such that each rule acts now and then and none ends the trading: halts would make a run
look fast. A rule that comes to the engine gets its line here.
"""

from __future__ import annotations

from typing import Any

RISK: dict[str, Any] = {
    "fraction": 0.3,
    "stop_loss": 0.01,
    "take_profit": 0.025,
    "targets": [{"gain": 0.01, "share": 0.5}],
    "trailing_stop": 0.015,
    "break_even": 0.008,
    "time_stop": 100,
    "max_exposure": 0.8,
    "max_pair_exposure": 0.28,
    "max_positions": 2,
    "max_correlated_exposure": 0.7,
    "daily_loss": 0.02,
    "max_drawdown": 0.5,
    "halt_bars": 96,
    "volatility_halt": 0.005,
    "max_anomaly": 0.02,
    "cool_down": 20,
}
"""Fields of `Risk`. One way of sizing, since they exclude each other."""

EXECUTION: dict[str, Any] = {
    "half_spread_bps": 0.2,
    "slippage_bps": 0.1,
    "slippage_volatility": 0.01,
    "impact_bps": 1.0,
    "impact_power": 0.5,
    "max_participation": 0.1,
    "rounding": True,
}
"""Fields of `Execution`: every cost, at a tenth, for the account to live through a million bars."""

STRATEGY: dict[str, Any] = {
    "direction": "both",
    "enter_short": "cross_below(ma_fast, ma_slow)",
    "exit_short": "cross_above(ma_fast, ma_slow)",
    "confidence": "0.9",
    "anomaly": "abs(close / ma_slow - 1)",
    "entry_order": {"limit": "close", "bars": 20},
    "exit_order": {"stop": "close"},
}
"""Fields of the strategy beside the crossover: shorts, and orders that rest."""

EXCHANGE: dict[str, Any] = {
    "spot_only": False,
    "borrow_rate": 0.1,
    "maintenance_margin": 0.25,
    "market": {"lot_step": 1e-6, "tick_size": 0.01, "min_notional": 1.0},
}
"""Fields of the exchange beside its taker fee."""

CASH_PER_TURNOVER = 1 / 6
"""Cash over the value that a bar trades: some orders then take more than a bar's volume allows."""
