"""The compiled step agrees with its plain-Python twin on random markets, event by event."""

from __future__ import annotations

import numpy as np
import pytest
from engine_markets import Venue, random_market, terms_of
from engine_twin import Twin

from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.orders_hash import OrdersHash
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.market.rules import MarketRules
from framework.records import EVENT, Kind, Reason, Signals

CASES = 120


def random_case(seed):
    rng = np.random.default_rng(seed)
    bars, pairs = int(rng.integers(30, 200)), int(rng.integers(1, 5))
    candles = random_market(seed, bars, pairs)
    shape = candles.close.shape

    def maybe(*choices):
        return choices[rng.integers(len(choices))]

    stop_loss = maybe(None, 0.01, 0.05)
    sizing = {
        "fraction": maybe(None, None, 0.1, 0.5, 1.0),
        **maybe({}, {}, {}, {"fraction": None, "quote_amount": maybe(100.0, 5_000.0)}),
    }
    if stop_loss and maybe(True, False, False):
        sizing = {"risk_per_trade": maybe(0.001, 0.02)}
    max_drawdown = maybe(None, None, 0.05, 0.2)
    risk = Risk(
        **sizing,
        no_trade_band=maybe(0.0, 0.05),
        stop_loss=stop_loss,
        take_profit=maybe(None, 0.01, 0.1),
        trailing_stop=maybe(None, 0.02, 0.05),
        max_exposure=maybe(None, None, 0.3, 0.8),
        max_pair_exposure=maybe(None, None, 0.2, 0.5),
        max_positions=maybe(None, None, 1, 2),
        daily_loss=maybe(None, None, 0.01, 0.03),
        break_even=maybe(None, 0.01, 0.04),
        time_stop=maybe(None, None, 1, 7),
        max_drawdown=max_drawdown,
        halt_bars=maybe(None, 1, 20) if max_drawdown else None,
        volatility_halt=maybe(None, None, None, None, 0.02),
        volatility_bars=maybe(2, 10),
        cool_down=maybe(0, 1, 5),
    )
    execution = Execution(
        half_spread_bps=maybe(0, 5),
        slippage_bps=maybe(0, 10),
        impact_bps=maybe(0, 50),
        max_participation=maybe(None, 0.05, 0.3),
        rounding=maybe(False, True),
    )
    market = MarketRules(lot_step=0.1, tick_size=0.05, min_notional=20)
    venue = Venue(name="venue", taker_fee_bps=maybe(0, 10, 40), market=market)
    confidence = rng.uniform(-0.2, 1.2, shape) if maybe(True, False) else None
    if confidence is not None:
        confidence[rng.random(shape) < 0.1] = np.nan
    if seed % 3 == 0:
        target = np.round(rng.uniform(-0.3, 1.2, shape), 1)
        target[rng.random(shape) < maybe(0.3, 0.9)] = np.nan
        signals = Signals(target=target, confidence=confidence)
    else:
        density = maybe(0.05, 0.3, 0.8)
        signals = Signals(
            enter=rng.random(shape) < density,
            exit=None if seed % 10 == 1 else rng.random(shape) < 0.1,
            confidence=confidence,
        )
    return candles, signals, risk, execution, venue, float(maybe(1_000, 20_000, 300_000))


def events_of(twin):
    events = np.zeros(len(twin.events), EVENT)
    for row, event in zip(events, twin.events, strict=True):
        for name, value in event.items():
            row[name] = value
    return events


@pytest.mark.parametrize("seed", range(CASES))
def test_random_market_gives_the_twin_s_ledger(seed):
    candles, signals, risk, execution, venue, cash = random_case(seed)
    rules = make_rules(risk, execution, venue, candles.pairs, terms_of(candles))
    first = seed % 7
    simulation = simulate(candles, signals, rules, cash, first=first)
    twin = Twin(candles, signals, risk, execution, venue, cash).run(first)
    expected = events_of(twin)
    for name in ("time", "order", "pair", "kind", "side", "type", "reason"):
        np.testing.assert_array_equal(simulation.events[name], expected[name], err_msg=name)
    for name in ("units", "quote", "price", "fee", "slippage", "confidence"):
        np.testing.assert_array_equal(simulation.events[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(simulation.equity, twin.curve)
    hasher = OrdersHash(candles.pairs, candles.interval)
    hasher.update(expected)
    assert simulation.orders_hash == hasher.hexdigest()


def test_random_cases_reach_every_reason_and_kind():
    reasons, kinds = set(), set()
    for seed in range(CASES):
        candles, signals, risk, execution, venue, cash = random_case(seed)
        rules = make_rules(risk, execution, venue, candles.pairs, terms_of(candles))
        events = simulate(candles, signals, rules, cash).events
        reasons |= set(events["reason"].tolist())
        kinds |= set(events["kind"].tolist())
    later = {Reason.MARGIN_CALL, Reason.CORRELATION, Reason.ANOMALY}
    later |= {reason for reason in Reason if reason > Reason.REPLACED}
    later |= {Reason.MAX_PAIR_EXPOSURE}  # shrinks entries, refuses none
    assert set(Reason) - later <= reasons
    assert set(Kind) - {Kind.EXPIRED, Kind.CHARGED} == kinds
