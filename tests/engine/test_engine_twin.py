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


class Noted(Twin):
    """A twin that notes which sizes and limits it comes to, and for which side."""

    def size(self, p, pairs, in_or_entering):
        names = ("quote_amount", "risk_per_trade", "volatility_target", "inverse_volatility")
        size = next((name for name in names if getattr(self.risk, name)), "share")
        if self.risk.kelly:
            size = "kelly" if self.wins + self.losses >= self.risk.kelly_trades else "kelly_start"
        amount = super().size(p, pairs, in_or_entering)
        if amount > 0:
            self.noted.add((size, p.side))
        return amount

    def limit_correlation(self):
        wished = [(p, p.wish) for p in self.pairs if p.wish > 0]
        super().limit_correlation()
        for p, wish in wished:
            if p.wish < wish:
                self.noted.add(("correlation shrinks" if p.wish else "correlation refuses", p.side))

    def walked(self, p, order, levels, units):
        self.noted.add(("book", order.side))
        if units > levels[0][1]:
            self.noted.add(("deeper level", order.side))
        return super().walked(p, order, levels, units)

    def offered(self, p, order, base, taker):
        levels, room = super().offered(p, order, base, taker)
        if levels is not None and p.eaten[order.side]:
            self.noted.add(("eaten before", order.side))
        return levels, room

    def veto(self, p, reason):
        if reason == Reason.NO_EDGE:
            self.noted.add(("no edge", p.side))
        super().veto(p, reason)


def test_random_cases_reach_every_size_the_limit_of_correlation_and_books_on_both_sides():
    noted = set()
    for seed in range(CASES):
        twin = Noted(*random_case(seed))
        twin.noted = noted
        twin.run(seed % 7)
    sizes = ("share", "quote_amount", "risk_per_trade", "volatility_target", "inverse_volatility")
    others = ("kelly_start", "kelly", "no edge", "correlation shrinks", "correlation refuses")
    books = ("book", "deeper level", "eaten before")
    assert noted == {(name, side) for name in (*sizes, *others, *books) for side in (-1, 1)}


def test_random_cases_reach_every_reason_kind_and_type_of_order():
    events = np.concatenate([simulate_case(random_case(seed)).events for seed in range(CASES)])
    shrinks = {Reason.MAX_PAIR_EXPOSURE}  # makes entries smaller, refuses none
    assert set(events["reason"].tolist()) == set(Reason) - shrinks
    assert set(events["kind"].tolist()) == set(Kind)
    filled = events[events["kind"] == Kind.FILLED]
    for side in (-1, 1):
        assert set(filled["type"][filled["side"] == side].tolist()) == set(OrderType)
