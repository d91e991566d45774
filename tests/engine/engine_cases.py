"""Random markets, signals and rules that reach everything the engine does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from engine_markets import IDEAL, Venue, book_of, random_market
from twin import Twin

from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import PartialTarget, Risk
from framework.engine.simulate import simulate
from framework.market.books import side_by_side
from framework.market.rules import MarketRules
from framework.records import EVENT, Kind, OrderTerms, Reason, Signals, StrategyTerms, TimeInForce
from framework.types import Interval

DISTANCES = ("stop_loss", "take_profit", "trailing_stop")


def random_case(seed):
    """Candles, signals, risk, execution, venue, cash, the strategy's terms, and books or None."""
    rng = np.random.default_rng(seed)

    def maybe(*choices):
        return choices[rng.integers(len(choices))]

    candles = random_market(seed, int(rng.integers(30, 200)), int(rng.integers(1, 5)))
    risk = random_risk(rng, maybe)
    finer = maybe(False, False, False, True)
    execution = random_execution(maybe, candles.interval if finer else None)
    interval = Interval.parse("4h") if finer else candles.interval
    both = maybe(False, True)
    market = MarketRules(lot_step=0.1, tick_size=0.05, min_notional=20)
    venue = Venue(
        name="venue", taker_fee_bps=maybe(0, 10, 40), maker_fee_bps=maybe(-5, 0, 20), market=market,
        spot_only=not both, borrow_rate=maybe(0.0, 0.1, 8.0),
        maintenance_margin=maybe(0.25, 0.9),
    )  # fmt: skip
    decides = (candles.time + candles.interval.ns) % interval.ns == 0
    signals = random_signals(rng, maybe, candles, risk, both, seed % 3 == 0, decides)
    if finer and maybe(False, True):
        signals = replace(signals, traded=traded_since_decision(candles, decides))
    if seed % 4 == 0:
        signals = replace(signals, withdraw=random_pauses(seed, candles))
    terms = StrategyTerms(
        interval=interval,
        direction="both" if both else "long",
        entry_order=random_terms(maybe, signals.entry_limit, signals.entry_stop),
        exit_order=random_terms(maybe, signals.exit_limit, signals.exit_stop),
    )
    cash = float(maybe(1_000, 20_000, 300_000))
    books = None
    if maybe(False, False, True):
        books = random_books(rng, candles)
        execution = replace(execution, book=True, book_max_age=Interval.parse(maybe("1m", "90m")))
    return candles, signals, risk, execution, venue, cash, terms, books


def random_pauses(seed, candles):
    """Bars in which all that waits to be opened is called back: a third of them, in stretches."""
    rng = np.random.default_rng([seed, 1])
    turns = rng.random(len(candles)) < 0.2
    paused = (np.cumsum(turns) % 3 == 1)[:, None]
    return np.broadcast_to(paused, candles.close.shape)


def rules_of_case(case):
    candles, _, risk, execution, venue, _, terms, _ = case
    return make_rules(risk, execution, venue, candles.pairs, terms)


def simulate_case(case, **kw):
    candles, signals, _, _, _, cash, _, books = case
    return simulate(candles, signals, rules_of_case(case), cash, books=books, **kw)


def events_of(twin):
    events = np.zeros(len(twin.events), EVENT)
    for row, event in zip(events, twin.events, strict=True):
        for name, value in event.items():
            row[name] = value
    return events


def run_by_hand(candles, signals, cash=1_000.0, *, risk=None, execution=IDEAL, books=None, **given):
    """Run a small case through engine and twin, which must agree."""
    terms = {k: given.pop(k) for k in ("entry_order", "exit_order") if k in given}
    direction = given.pop("direction", "long")
    venue = Venue(
        **{"name": "venue", "taker_fee_bps": 0, "maker_fee_bps": 0, "borrow_rate": 0.0}
        | {"spot_only": direction == "long"}
        | given
    )
    terms = StrategyTerms(interval=candles.interval, direction=direction, **terms)
    case = candles, signals, risk or Risk(), execution, venue, cash, terms, books
    result = simulate_case(case)
    twin = Twin(*case).run()
    np.testing.assert_array_equal(result.events, events_of(twin))
    np.testing.assert_array_equal(result.equity, twin.curve)
    return result


def at(candles, **values):
    """Signals from {bar: value}; a price of a dict is NaN elsewhere, one number holds for all."""
    arrays = {}
    for name, given in values.items():
        flag = name in ("enter", "exit", "enter_short", "exit_short", "withdraw")
        array = (
            np.zeros(candles.close.shape, bool) if flag else np.full(candles.close.shape, np.nan)
        )
        if isinstance(given, dict):
            for bar, value in given.items():
                array[bar] = value
        elif flag:
            array[list(given)] = True
        else:
            array[:] = given
        arrays[name] = array
    return Signals(**arrays)


def life_of(result, order):
    """What became of an order: kind and reason of its events after the decision."""
    events = result.events[result.events["order"] == order][1:]
    return [(Kind(int(e["kind"])).name, Reason(int(e["reason"])).name) for e in events]


def fills_of(result):
    return result.events[result.events["kind"] == Kind.FILLED]


def random_risk(rng, maybe):
    if maybe(True, False, False, False):  # all in, unprotected: halts and margin calls
        drawdown = maybe(None, 0.1)
        return Risk(
            fraction=maybe(None, 1.0), take_profit=maybe(None, 0.1),
            max_drawdown=drawdown, halt_bars=10 if drawdown else None,
        )  # fmt: skip
    values = {
        "stop_loss": maybe(None, 0.01, 0.05, "atr(14)"),
        "take_profit": maybe(None, 0.05, 0.1, "atr(14)"),
        "trailing_stop": maybe(None, None, 0.02, 0.05, "atr(14)"),
    }
    sizes = [
        {},
        {"fraction": maybe(0.1, 0.5, 1.0)},
        {"fraction": maybe(0.2, 0.4)},
        {"quote_amount": maybe(100.0, 5_000.0)},
        {"volatility_target": maybe(0.4, 2.0)},
        {"inverse_volatility": True},
        {"kelly": maybe(0.5, 1.0), "kelly_trades": maybe(1, 5), "kelly_start": 0.1},
    ]
    if values["stop_loss"]:
        sizes.append({"risk_per_trade": maybe(0.001, 0.02)})
    gains = (0.01, 0.015, 0.03)[: maybe(0, 0, 1, 2, 3)]
    max_drawdown = maybe(None, None, None, 0.05, 0.2)
    return Risk(
        **values,
        **maybe(*sizes),
        targets=tuple(PartialTarget(gain=gain, share=maybe(0.1, 0.3)) for gain in gains),
        no_trade_band=maybe(0.0, 0.05),
        max_exposure=maybe(None, None, None, 0.3, 0.8),
        max_pair_exposure=maybe(None, None, 0.2, 0.5),
        max_positions=maybe(None, None, 1, 2),
        daily_loss=maybe(None, None, 0.01, 0.03),
        break_even=maybe(None, 0.01, 0.04),
        time_stop=maybe(None, None, 1, 7),
        max_drawdown=max_drawdown,
        halt_bars=maybe(1, 5, 20, None) if max_drawdown else None,
        volatility_halt=maybe(None, None, None, None, 0.02),
        volatility_bars=maybe(2, 10),
        max_anomaly=maybe(None, None, None, 0.7),
        max_correlated_exposure=maybe(None, None, 0.1, 0.4),
        correlation=maybe(0.8, 0.3, -0.2),
        correlation_bars=maybe(3, 12),
        cool_down=maybe(0, 1, 5),
    )


def random_execution(maybe, interval):
    bounded = maybe(None, 0.05, 0.3)
    return Execution(
        half_spread_bps=maybe(0, 5),
        slippage_bps=maybe(0, 10),
        slippage_volatility=maybe(0.0, 0.0, 0.2),
        impact_bps=maybe(0, 50),
        impact_power=maybe(1.0, 0.5),
        max_participation=bounded,
        rounding=maybe(False, True),
        interval=interval,
    )


def random_books(rng, candles):
    """Books near the opens: at one, before or after it, thin or deep, one-sided or empty."""
    made = []
    for n, pair in enumerate(candles.pairs):
        snapshots = {}
        for t in np.flatnonzero((rng.random(len(candles)) < 0.6) & (candles.open[:, n] > 0)):
            moment = int(candles.time[t]) + int(rng.choice([-3_600, -60, -1, 0, 1, 300])) * 10**9
            middle, deep = candles.open[t, n], rng.choice([1.0, 20.0, 500.0])
            snapshots[moment] = [
                [
                    (middle * (1 + way * gap), rng.exponential(deep) + 1e-3)
                    for gap in np.cumsum(rng.exponential(0.001, rng.integers(0, 5)) + 1e-5)
                ]
                for way in (-1, 1)
            ]
        made.append(book_of(snapshots, pair))
    return side_by_side(made)


def random_signals(rng, maybe, candles, risk, both, weights, decides):
    shape = candles.close.shape

    def flags(density):
        return (rng.random(shape) < density) & decides[:, None]

    def numbers(low, high, missing):
        values = rng.uniform(low, high, shape)
        values[rng.random(shape) < missing] = np.nan
        values[~decides] = np.nan
        return values

    values = {}
    if maybe(True, False):
        values["confidence"] = numbers(-0.2, 1.2, 0.1)
    if risk.max_anomaly is not None:
        values["anomaly"] = numbers(0.0, 1.0, 0.1)
    for name in DISTANCES:
        if isinstance(getattr(risk, name), str):
            values[name] = numbers(-0.002, 0.06, 0.03)
    if maybe(False, True):
        for name in maybe(
            ("entry_limit",), ("entry_stop",), ("entry_limit", "entry_stop"), ("exit_limit",),
            ("exit_stop",), ("exit_limit", "exit_stop"), ("entry_limit", "exit_limit"),
            ("entry_stop", "exit_limit"), ("entry_limit", "exit_stop"),
        ):  # fmt: skip
            values[name] = candles.close * numbers(0.96, 1.04, 0.05)
            held = rng.random(shape) < maybe(0.0, 0.9)
            for t in range(1, len(candles)):
                values[name][t] = np.where(held[t], values[name][t - 1], values[name][t])
    if weights:
        target = np.round(numbers(-1.2 if both else -0.3, 1.2, maybe(0.3, 0.9)), 1)
        return Signals(target=target, **values)
    density = maybe(0.05, 0.3, 0.8)
    if both:
        values |= {"enter_short": flags(density), "exit_short": flags(0.1)}
    exits = flags(0.1)
    if maybe(True, True, True, True, True, False):
        values["exit"] = exits
    return Signals(enter=flags(density), **values)


def traded_since_decision(candles, decides):
    """Whether somebody traded in the strategy's candle that a bar ends; False inside of one."""
    traded, since = np.zeros(candles.close.shape, bool), np.zeros(len(candles.pairs), bool)
    for t, ends in enumerate(decides):
        since |= np.isin(candles.standing[t], (0, 3))
        if ends:
            traded[t] = since
            since = np.zeros_like(since)
    return traded


def random_terms(maybe, limit, stop):
    in_force = maybe(TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
    posts = limit is not None and stop is None and in_force == TimeInForce.GTC
    return OrderTerms(
        time_in_force=in_force, bars=maybe(0, 0, 1, 4), post_only=posts and maybe(False, True)
    )
