"""Outcomes worked out fill by fill in plain Python, for the tests of results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.records import EVENT, Kind, OrderType, Reason
from framework.results.outcome import Check, Outcome
from framework.types import DAY_NS, Interval

START_NS = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z


def make_events(
    fills: Sequence[tuple[int, int, int, float, float, float]],
    interval_ns: int = DAY_NS,
    slippage: float = 0.0,
) -> np.ndarray:
    """Return filled events of (bar, pair, side, units, price, fee)."""
    events = np.zeros(len(fills), EVENT)
    for number, (bar, pair, side, units, price, fee) in enumerate(fills):
        event = events[number]
        event["time"] = START_NS + bar * interval_ns
        event["order"] = number + 1
        event["pair"] = pair
        event["kind"] = Kind.FILLED
        event["side"] = side
        event["type"] = OrderType.MARKET
        event["reason"] = Reason.SIGNAL
        event["units"] = units
        event["quote"] = units * price
        event["price"] = price
        event["fee"] = fee
        event["slippage"] = slippage
        event["confidence"] = 1.0
    return events


def with_charges(events: np.ndarray, charges: Sequence[tuple[int, float, float]]) -> np.ndarray:
    """Return `events` with charges of (fills up to it, units covered, amount) in their places."""
    places = [place for place, _, _ in charges]
    rows = events[[place - 1 for place in places]].copy()
    rows["kind"], rows["reason"], rows["side"] = Kind.CHARGED, Reason.BORROW, 1
    rows["price"] = rows["fee"] = rows["slippage"] = 0.0
    rows["units"] = [units for _, units, _ in charges]
    rows["quote"] = [amount for _, _, amount in charges]
    return np.insert(events, places, rows)


def make_outcome(
    close: np.ndarray,
    fills: Sequence[tuple[int, int, int, float, float, float]] = (),
    *,
    cash: float = 1_000.0,
    interval: str = "1d",
    extra_events: np.ndarray | None = None,
    borrow_rate: float = 0.0,
    **changes: object,
) -> Outcome:
    """Return the outcome of `fills` on `close` (T, N), its account kept by a plain loop.

    A short comes to owe `borrow_rate` of its value at each close, and pays when it is covered.
    """
    close = np.asfortranarray(close, dtype=np.float64)
    length = Interval.parse(interval)
    bars, pairs = close.shape
    events = make_events(fills, length.ns)
    money, held, owed = cash, [0.0] * pairs, [0.0] * pairs
    equity, free, invested = np.zeros(bars), np.zeros(bars), np.zeros(bars)
    waiting, charges = list(fills), []
    for bar in range(bars):
        while waiting and waiting[0][0] == bar:
            _, pair, side, units, price, fee = waiting.pop(0)
            money -= side * units * price + fee
            if side > 0 and owed[pair] > 0.0:
                covered = min(units, -held[pair])
                charge = owed[pair] * covered / -held[pair]
                charges.append((len(fills) - len(waiting), covered, charge))
                owed[pair] -= charge
                money -= charge
            held[pair] += side * units
            if abs(held[pair]) < 1e-12:
                held[pair] = owed[pair] = 0.0
        worth = [held[n] * close[bar, n] if held[n] else 0.0 for n in range(pairs)]
        for n in range(pairs):
            owed[n] -= min(worth[n], 0.0) * borrow_rate
        free[bar], invested[bar] = money, sum(worth) - sum(owed)
        equity[bar] = money + invested[bar]
    events = with_charges(events, charges)
    if extra_events is not None:
        events = np.concatenate([events, extra_events])
        events = events[np.argsort(events["time"], kind="stable")]
    fields: dict[str, object] = dict(
        mode="backtest",
        strategy="made",
        pairs=tuple(f"P{n}-AUD" for n in range(pairs)),
        quote="AUD",
        interval=length,
        time=START_NS + np.arange(bars) * length.ns,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones_like(close),
        initial_cash=cash,
        equity=equity,
        cash=free,
        invested=invested,
        events=events,
        orders_hash="0" * 64,
        certificate={"sha256": "d" * 64, "source": "made"},
        assumptions=("none",),
        checks=(Check("causality", True, "8 cuts"),),
        config="cash: 1000\nstrategy:\n  name: made\n  params: {fast: 5}\n",
        overrides=("strategy.params.fast=5",),
        version="0.1.0",
        seed=1,
        borrow_rate=borrow_rate,
    )
    return Outcome(**(fields | changes))  # type: ignore[arg-type]


def random_fills(
    close: np.ndarray, seed: int, count: int, shorts: bool = False, fee: float = 0.001
) -> list[tuple[int, int, int, float, float, float]]:
    """Return fills that never sell what is not held (unless `shorts`), some in one bar."""
    generator = np.random.default_rng(seed)
    bars, pairs = close.shape
    held = np.zeros(pairs)
    fills = []
    for bar in np.sort(generator.integers(1, bars, count)).tolist():
        pair = int(generator.integers(pairs))
        price = float(close[bar, pair]) * float(generator.uniform(0.99, 1.01))
        draw = generator.random()
        if shorts and held[pair] == 0.0 and draw < 0.5:
            side, units = -1, 5.0 / price
        elif held[pair] > 0.0 and draw < 0.6:
            side, units = -1, float(held[pair]) * (1.0 if draw < 0.3 else 0.5)
            if shorts and draw < 0.1:
                units *= 2.0
        elif held[pair] < 0.0 and draw < 0.6:
            side, units = 1, float(-held[pair]) * (1.0 if draw < 0.3 else 0.5)
        elif held[pair] < 0.0:
            side, units = -1, 2.0 / price
        else:
            side, units = 1, 5.0 / price
        held[pair] += side * units
        if abs(held[pair]) < 1e-12:
            held[pair] = 0.0
        fills.append((bar, pair, side, units, price, fee * units * price))
    return fills


def random_close(seed: int, bars: int, pairs: int) -> np.ndarray:
    """Return geometric random walks (T, N)."""
    steps = np.random.default_rng(seed).normal(0.0, 0.01, (bars, pairs))
    return np.asfortranarray(100.0 * np.exp(np.cumsum(steps, axis=0)))
