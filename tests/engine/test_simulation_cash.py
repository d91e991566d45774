"""Cash at the closes, added up from a ledger with shorts that was worked out by hand."""

import numpy as np
import pytest

from framework.engine.simulate import Simulation
from framework.records import EVENT, Kind
from framework.types import Interval


def simulation(rows, equity):
    """Return a simulation with events of (bar, kind, side, quote, fee)."""
    interval = Interval.parse("1d")
    events = np.zeros(len(rows), EVENT)
    for event, (bar, kind, side, quote, fee) in zip(events, rows, strict=True):
        event["time"], event["kind"], event["side"] = bar * interval.ns, kind, side
        event["quote"], event["fee"] = quote, fee
    time = np.arange(len(equity)) * interval.ns
    equity = np.array(equity)
    return Simulation(("BTC-AUD",), interval, time, 1_000.0, equity, events, np.zeros(1))


def test_a_short_brings_cash_and_its_covers_and_charges_take_it():
    # 10 sold at 100; 4 covered at 80 for 0.76 of borrowing, 6 at 75 for 2.1
    rows = [
        (0, Kind.DECIDED, -1, 1_000.0, 0.0),
        (1, Kind.FILLED, -1, 1_000.0, 1.0),
        (3, Kind.FILLED, 1, 320.0, 0.5),
        (3, Kind.CHARGED, 1, 0.76, 0.0),
        (4, Kind.CANCELLED, 1, 50.0, 0.0),
        (5, Kind.FILLED, 1, 450.0, 0.4),
        (5, Kind.CHARGED, 1, 2.1, 0.0),
    ]
    result = simulation(rows, [1_000.0, 998.0, 1_097.1, 1_196.12, 1_195.64, 1_225.24])
    expected = [1_000.0, 1_999.0, 1_999.0, 1_677.74, 1_677.74, 1_225.24]
    assert result.cash == pytest.approx(expected, abs=1e-9)
    # minus the units at the closes, 100, 90, 80, 80, and minus 1.0, 1.9, 1.62, 2.1 owed
    invested = [0.0, -1_001.0, -901.9, -481.62, -482.1, 0.0]
    assert result.invested == pytest.approx(invested, abs=1e-9)


def test_a_reversal_in_one_bar_takes_and_brings_cash_in_order():
    # 5 bought at 100, sold and 5 sold short at 110 in one bar, covered at 121
    rows = [
        (1, Kind.FILLED, 1, 500.0, 0.5),
        (2, Kind.FILLED, -1, 550.0, 0.55),
        (2, Kind.FILLED, -1, 550.0, 0.55),
        (4, Kind.FILLED, 1, 605.0, 0.6),
        (4, Kind.CHARGED, 1, 1.15, 0.0),
    ]
    result = simulation(rows, [0.0] * 5)
    expected = [1_000.0, 499.5, 1_598.4, 1_598.4, 991.65]
    assert result.cash == pytest.approx(expected, abs=1e-9)


def test_a_ledger_of_longs_adds_up_in_the_engines_own_order_to_the_last_bit():
    rng = np.random.default_rng(1)
    rows, cash = [], 1_000.0
    expected = []
    for bar in range(200):
        side = 1 if bar % 2 == 0 else -1
        quote, fee = float(rng.uniform(1, 900)), float(rng.uniform(0, 1))
        rows.append((bar, Kind.FILLED, side, quote, fee))
        cash = cash - quote - fee if side > 0 else cash + (quote - fee)
        expected.append(cash)
    assert simulation(rows, [0.0] * 200).cash.tolist() == expected
