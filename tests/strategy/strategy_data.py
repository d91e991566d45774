"""Candles and plans for the tests of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from framework.market.books import Books
from framework.market.candles import Candles
from framework.market.recorded import Recorded
from framework.market.trades import Trades
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


def with_records(candles: Candles, seed: int = 5, a_bar: int = 4, depth: int = 3) -> Candles:
    """Return the candles with seeded books, regular and at every close, and trades beside them."""
    generator = np.random.default_rng(seed)
    bars, pairs = candles.close.shape
    step = candles.interval.ns // a_bar
    start, end = int(candles.time[0]), int(candles.time[-1]) + candles.interval.ns
    times = np.arange(start - step, end + 1, step)
    mid = 100 + np.cumsum(generator.integers(-1, 2, (pairs * len(times), 1)), axis=0) / 100
    away = np.arange(1, depth + 1) / 100
    levels = np.empty((len(mid), 2, depth, 2))
    levels[:, 0, :, 0], levels[:, 1, :, 0] = mid - away, mid + away
    levels[..., 1] = generator.integers(1, 50, (len(mid), 2, depth)) / 10
    count = 5 * bars
    when = np.sort(generator.integers(start, end, (pairs, count)), axis=1)
    return replace(
        candles,
        recorded=Recorded(
            Books(
                candles.pairs,
                np.arange(pairs + 1) * len(times),
                np.tile(times, pairs),
                levels,
            ),
            Trades(
                candles.pairs,
                np.arange(pairs + 1) * count,
                when.ravel(),
                generator.uniform(90, 110, pairs * count),
                generator.uniform(0.1, 3, pairs * count),
                generator.integers(-1, 2, pairs * count),
                (((start, end),),) * pairs,
            ),
            candles.interval.ns,
        ),
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
