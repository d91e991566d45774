"""Candles and plans for the tests of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.market.candles import Candles
from framework.strategy.compile import compile_strategy
from framework.strategy.plan import Evaluated, Plan
from framework.strategy.spec import StrategySpec
from framework.types import Interval


def make_candles(
    bars: int = 400,
    pairs: int = 2,
    seed: int = 1,
    interval: str = "15m",
    first: int = 0,
    tick: float = 0.01,
) -> Candles:
    """Return a seeded random walk rounded to ticks, some of its candles flat."""
    generator = np.random.default_rng(seed)
    length = Interval.parse(interval)
    steps = generator.normal(0, 0.01, (bars, pairs)) * (generator.random((bars, pairs)) > 0.1)
    close = np.round(100 * np.exp(np.cumsum(steps, axis=0)) / tick) * tick
    before = np.vstack([close[:1], close[:-1]])
    high = np.maximum(before, close) + tick * generator.integers(0, 30, close.shape)
    low = np.minimum(before, close) - tick * generator.integers(0, 30, close.shape)
    volume = generator.lognormal(size=close.shape)
    return Candles(
        tuple(f"P{n}-AUD" for n in range(pairs)),
        length,
        length.ns * (np.arange(bars) + first),
        before,
        high,
        low,
        close,
        volume,
        np.zeros(close.shape, np.uint8),
    )


def make_plan(
    features: Mapping[str, str],
    enter: str = "True",
    exit: str = "False",
    interval: str = "15m",
    params: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Plan:
    """Return the plan of some features."""
    spec = StrategySpec(
        name="test",
        interval=Interval.parse(interval),
        params=dict(params or {}),
        enter=enter,
        exit=exit,
    )
    return compile_strategy(spec, features, **rest)


def evaluate(text: str, candles: Candles, **rest: Any) -> np.ndarray:
    """Return the values of one expression."""
    made: Evaluated = make_plan({"it": text}, interval=str(candles.interval), **rest).evaluate(
        candles
    )
    return made.features["it"]
