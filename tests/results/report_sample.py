"""A finished run made up for the report's tests: seeded, plausible, no market behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.records import EVENT, Kind, OrderType, Reason
from framework.results.outcome import Check, Outcome
from framework.types import Interval, parse_time

CONFIG = """strategy:
  name: ma_cross
  interval: 15m
  params: {fast: 20, slow: 96}
  enter: cross_above(sma(close, fast), sma(close, slow))
  exit: cross_below(sma(close, fast), sma(close, slow))
risk:
  _target_: framework.engine.risk.Risk
  stop_loss: 0.04
"""


def sample_outcome(
    bars: int = 35_040,
    pairs: tuple[str, ...] = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "XRP-AUD", "ADA-AUD"),
    trades: int = 400,
    *,
    seed: int = 4,
    ruin: float = 0.0,
    borrow_rate: float | None = None,
    **changes: Any,
) -> Outcome:
    """Return a run of `trades` long trades over a random walk; `ruin` burns equity by the end.

    With a `borrow_rate` every second trade is short.
    """
    rng = np.random.default_rng(seed)
    count = len(pairs)
    interval = Interval.parse("15m")
    time = parse_time("2023-02-17") + np.arange(bars) * interval.ns
    swing = 0.0032 * np.exp(0.5 * np.sin(np.arange(bars) / 1_500))[:, None]
    steps = rng.standard_t(4, (bars, count)) * swing / 1.4 + rng.normal(0, 0.001, (bars, 1))
    start = np.array([34_000.0, 2_400.0, 31.0, 0.56, 0.51])[:count]
    close = start * np.exp(np.cumsum(steps + 0.00001, axis=0))
    opened = np.vstack([start[None, :], close[:-1]])[:bars]
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    events = np.zeros(0, EVENT)
    if bars > 2:
        events = _events(rng, time, opened, close, trades, borrow_rate)
    cash, units, owed = np.full(bars, 10_000.0), np.zeros((bars, count)), np.zeros(bars)
    for event in events:
        at = int(np.searchsorted(time, event["time"]))
        if event["kind"] == Kind.FILLED:
            cash[at:] -= event["side"] * event["quote"] + event["fee"]
            units[at:, event["pair"]] += event["side"] * event["units"]
        elif event["kind"] == Kind.CHARGED:
            cash[at:] -= event["quote"]
            owed[at:] -= event["quote"]
    units[np.abs(units) < 1e-9] = 0.0
    owed += np.cumsum(np.maximum(-units * close, 0.0).sum(axis=1)) * (borrow_rate or 0.0)
    invested = (units * close).sum(axis=1) - owed
    equity = (cash + invested) * np.linspace(1, 1 - ruin, bars)
    values: dict[str, Any] = {
        "mode": "backtest",
        "strategy": "ma_cross",
        "pairs": pairs,
        "quote": "AUD",
        "interval": interval,
        "time": time,
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": np.ones((bars, count)),
        "initial_cash": 10_000.0,
        "equity": equity,
        "cash": cash,
        "invested": invested,
        "events": events,
        "orders_hash": "9f2c61d07c5b5c37a4f80bd1b27cc19e4a5d1d0fd1c3ad5a4f0c02c9d3b8e611",
        "certificate": {
            "source": "simulated",
            "range": "2023-02-17 to 2024-02-17",
            "gaps": 3,
            "repaired": {"flat": 41, "missing": 0},
            "sha256": "5b1df7e2f0f1f6a0b7a4c94b0f8be97c3c1fc4f3d1d0a7a85f3c2d6b8b0a9e42",
        },
        "assumptions": (
            "A decision uses candles up to the one that just closed; its orders fill at the next "
            "open.",
            "Taker fee 20 bps, half-spread 2 bps, slippage 1 bps, impact 10 bps at a full bar.",
            "At most 5 % of a bar's volume fills; the rest waits.",
            "Stop and target touched in one bar: the stop counts.",
            "No order fills on a flat or missing candle.",
        ),
        "checks": (
            Check("causality", True, "8 random cuts: 6 features and all orders bit-equal."),
            Check("accounting", True, "Cash and positions add up to the ledger at every bar."),
        ),
        "config": CONFIG,
        "overrides": ("strategy=ma_cross", "strategy.params.fast=20"),
        "version": "0.1.0",
        "seed": 7,
        "borrow_rate": borrow_rate or 0.0,
    }
    return Outcome(**(values | changes))


def _events(
    rng: np.random.Generator,
    time: np.ndarray,
    opened: np.ndarray,
    close: np.ndarray,
    trades: int,
    borrow_rate: float | None,
) -> np.ndarray:
    bars, count = opened.shape
    each = -(-trades // count) if trades else 0
    rows = []
    for pair in range(count):
        cuts = np.sort(rng.choice(np.arange(1, bars - 1), min(2 * each, bars - 2), replace=False))
        for number, (enter, leave) in enumerate(zip(cuts[::2], cuts[1::2], strict=False)):
            way = 1 if borrow_rate is None or number % 2 else -1
            units = 1_500 / opened[enter, pair]
            reason = rng.choice([1, 3, 4, 5], p=[0.55, 0.2, 0.1, 0.15])
            for at, side, why in ((enter, way, Reason.SIGNAL), (leave, -way, reason)):
                quote = units * opened[at, pair]
                rows.append(
                    (time[at], 0, pair, Kind.FILLED, side, OrderType.MARKET, why, units, quote,
                     opened[at, pair], quote * 0.002, quote * 0.0003, 1.0)
                )  # fmt: skip
            if way < 0:
                owed = units * close[enter:leave, pair].sum() * borrow_rate
                rows.append(
                    (time[leave], 0, pair, Kind.CHARGED, 1, OrderType.MARKET, Reason.BORROW, units,
                     owed, 0.0, 0.0, 0.0, 1.0)
                )  # fmt: skip
    for at in rng.integers(1, bars, trades // 3):
        why = rng.choice([Reason.MAX_EXPOSURE, Reason.NO_CASH, Reason.COOL_DOWN], p=[0.6, 0.3, 0.1])
        rows.append((time[at], 0, 0, Kind.VETOED, 1, 1, why, 0.0, 1_500.0, 1.0, 0.0, 0.0, 1.0))
    rows.sort(key=lambda row: (row[0], row[2]))
    return np.array(rows, EVENT) if rows else np.zeros(0, EVENT)
