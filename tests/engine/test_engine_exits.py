"""Partial targets and distances bar by bar, worked by hand; engine and twin run every case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_cases import at, fills_of, life_of, run_by_hand
from engine_markets import IDEAL, market_of

from framework.engine.risk import PartialTarget, Risk
from framework.records import Kind, Reason

TWO = (PartialTarget(gain=0.02, share=0.5), PartialTarget(gain=0.05, share=0.25))


def test_partial_targets_sell_their_shares_and_take_profit_the_rest():
    candles = market_of(100, 100, (100, 103, 100, 103), (103, 106, 103, 105), (105, 111, 105, 110))
    risk = Risk(targets=TWO, take_profit=0.1)
    result = run_by_hand(candles, at(candles, enter=[0]), risk=risk)
    fills = fills_of(result)[1:]
    assert fills["price"] == pytest.approx([102, 105, 110])
    assert fills["units"] == pytest.approx([5, 2.5, 2.5])
    assert fills["time"].tolist() == candles.time[2:5].tolist()
    assert set(fills["reason"].tolist()) == {Reason.TAKE_PROFIT}
    assert result.equity[-1] == pytest.approx(5 * 102 + 2.5 * 105 + 2.5 * 110)  # 1047.5


def test_several_targets_in_one_bar_fill_each_at_its_level():
    candles = market_of(100, 100, (101, 112, 100, 110), 110)
    risk = Risk(targets=TWO, take_profit=0.1)
    result = run_by_hand(candles, at(candles, enter=[0]), risk=risk)
    fills = fills_of(result)[1:]
    assert fills["price"] == pytest.approx([102, 105, 110])
    assert len(set(fills["time"].tolist())) == 1


def test_take_profit_ends_a_resting_exit_that_the_volume_did_not_fill():
    candles = market_of(100, 100, (100, 110, 100, 108, 40), 109)
    signals = at(candles, enter=[0], exit=[1], exit_limit=103.0)
    execution = replace(IDEAL, max_participation=0.1)
    result = run_by_hand(candles, signals, risk=Risk(take_profit=0.05), execution=execution)
    assert life_of(result, 2) == [("FILLED", "SIGNAL"), ("CANCELLED", "TAKE_PROFIT")]
    sold = fills_of(result)[1:]
    assert sold["units"] == pytest.approx([4, 6])  # a tenth of 40, then the rest at the next open
    assert sold["price"].tolist() == [103.0, 109.0]


def test_stop_takes_what_partial_targets_left():
    candles = market_of(100, 100, (100, 103, 100, 103), (103, 103, 94, 96), 96)
    risk = Risk(targets=TWO, stop_loss=0.05)
    result = run_by_hand(candles, at(candles, enter=[0]), risk=risk)
    assert fills_of(result)["units"] == pytest.approx([10, 5, 5])
    assert result.equity[-1] == pytest.approx(5 * 102 + 5 * 95)


def test_distances_by_expression_are_those_of_the_bar_that_decides():
    candles = market_of(100, 100, (100, 100, 97, 98), (98, 98, 96, 97), 97)
    signals = at(candles, enter=[0], stop_loss={0: 0.04, 1: 0.01, 2: 0.01})
    result = run_by_hand(candles, signals, risk=Risk(stop_loss="0.04 * x"))
    assert fills_of(result)["price"].tolist() == [100.0, 96.0]
    assert fills_of(result)["time"][1] == candles.time[3]


@pytest.mark.parametrize("distance", [float("nan"), 0.0, 1.0, -0.1])
def test_entry_without_a_usable_stop_distance_is_refused(distance):
    candles = market_of(100, 100)
    signals = at(candles, enter=[0], stop_loss=distance)
    result = run_by_hand(candles, signals, risk=Risk(stop_loss="x"))
    (veto,) = result.events
    assert (veto["kind"], veto["reason"]) == (Kind.VETOED, Reason.NO_STOP)


def test_trailing_stop_by_expression_never_falls():
    candles = market_of(100, 100, (100, 110, 100, 108), (108, 110, 105, 106), (106, 106, 99, 100))
    # bar 1: 100 * 0.9 = 90; bar 2: 110 * 0.95 = 104.5; bar 3: 110 * 0.8 = 88 stays at 104.5
    signals = at(candles, enter=[0], trailing_stop={0: 0.1, 1: 0.1, 2: 0.05, 3: 0.2})
    result = run_by_hand(candles, signals, risk=Risk(trailing_stop="x"))
    stop = fills_of(result)[1]
    assert stop["price"] == pytest.approx(104.5)
    assert stop["time"] == candles.time[4]


def test_limit_entry_is_exposed_to_its_stop_in_its_bar_and_not_to_its_target():
    candles = market_of(100, (100, 110, 97, 100), 100)
    signals = at(candles, enter=[0], entry_limit=98.0)
    result = run_by_hand(candles, signals, risk=Risk(stop_loss=0.01, take_profit=0.05))
    assert fills_of(result)["price"] == pytest.approx([98.0, 98 * 0.99])  # 97.02, low 97
    result = run_by_hand(candles, signals, risk=Risk(take_profit=0.05))
    assert fills_of(result)["price"].tolist() == [98.0]  # 102.9 came before, or after: not counted


def test_limit_entry_s_own_bar_raises_the_best_price_by_its_close_only():
    candles = market_of(100, (100, 120, 97, 105), (105, 105, 100, 104), (104, 104, 94, 95))
    signals = at(candles, enter=[0], entry_limit=98.0)
    result = run_by_hand(candles, signals, risk=Risk(trailing_stop=0.1))
    assert fills_of(result)["price"] == pytest.approx([98.0, 94.5])  # 105 * 0.9


def test_exit_stop_above_the_protective_stop_counts_first():
    candles = market_of(100, 100, 100, (100, 100, 85, 90), 90)
    signals = at(candles, enter=[0], exit=[1], exit_stop=95.0)
    result = run_by_hand(candles, signals, risk=Risk(stop_loss=0.1))
    assert fills_of(result)["price"].tolist() == [100.0, 95.0]
    assert fills_of(result)["reason"].tolist() == [Reason.SIGNAL, Reason.SIGNAL]
    result = run_by_hand(candles, signals, risk=Risk(stop_loss=0.02))
    assert fills_of(result)["price"].tolist() == [100.0, 98.0]
