"""The compiled step agrees with its plain-Python twin on random markets, event by event."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import events_of, random_case, simulate_case
from twin import Twin

from framework.engine.orders_hash import OrdersHash
from framework.records import Kind, OrderType, Reason

CASES = 240


@pytest.mark.parametrize("seed", range(CASES))
def test_random_market_gives_the_twin_s_ledger(seed):
    case = random_case(seed)
    first = seed % 7
    simulation = simulate_case(case, first=first)
    twin = Twin(*case).run(first)
    expected = events_of(twin)
    for name in ("time", "order", "pair", "kind", "side", "type", "reason"):
        np.testing.assert_array_equal(simulation.events[name], expected[name], err_msg=name)
    for name in ("units", "quote", "price", "fee", "slippage", "confidence"):
        np.testing.assert_array_equal(simulation.events[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(simulation.equity, twin.curve)
    candles = case[0]
    hasher = OrdersHash(candles.pairs, candles.interval)
    hasher.update(expected)
    assert simulation.orders_hash == hasher.hexdigest()


def test_random_cases_reach_every_reason_kind_and_type_of_order():
    events = np.concatenate([simulate_case(random_case(seed)).events for seed in range(CASES)])
    shrinks = {Reason.MAX_PAIR_EXPOSURE}  # makes entries smaller, refuses none
    assert set(events["reason"].tolist()) == set(Reason) - shrinks
    assert set(events["kind"].tolist()) == set(Kind)
    filled = events[events["kind"] == Kind.FILLED]
    for side in (-1, 1):
        assert set(filled["type"][filled["side"] == side].tolist()) == set(OrderType)
