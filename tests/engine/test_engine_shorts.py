"""Shorts worked by hand; engine and twin run every case."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import at, fills_of, life_of, run_by_hand
from engine_markets import candles_of, market_of

from framework.engine.risk import Risk
from framework.records import Kind, Reason

BOTH = dict(direction="both")
HALF = Risk(fraction=0.5)


def test_short_and_cover_pay_the_fee_both_ways():
    candles = market_of(100, 100, 90, 90)
    signals = at(candles, enter_short=[0], exit_short=[1], enter=[], exit=[])
    result = run_by_hand(candles, signals, risk=HALF, taker_fee_bps=100, **BOTH)
    sold, covered = fills_of(result)
    units = 500 / (100 * 1.01)  # 4.9504950
    assert sold["units"] == pytest.approx(units) and sold["side"] == -1
    assert result.equity[1] == pytest.approx(1000 - units * 100 * 0.01)  # 995.0495
    # covered at 90 with 1 %: 1000 + units * 99 - units * 90.9 = 1040.0990
    assert covered["side"] == 1 and covered["price"] == 90.0
    assert result.equity[-1] == pytest.approx(1000 + units * (99 - 90.9))


def test_stop_of_a_short_lies_above_and_fills_at_the_open_beyond():
    for bar, price in (((100, 106, 99, 103), 105.0), ((107, 108, 106, 107), 107.0)):
        candles = market_of(100, 100, bar, 103)
        signals = at(candles, enter_short=[0], exit_short=[], enter=[], exit=[])
        risk = Risk(fraction=0.5, stop_loss=0.05)
        result = run_by_hand(candles, signals, risk=risk, **BOTH)
        assert fills_of(result)["price"].tolist() == [100.0, price]
        assert result.equity[-1] == pytest.approx(1000 - 5 * (price - 100))


def test_target_of_a_short_lies_below_and_must_be_traded_through():
    candles = market_of(100, 100, (100, 100, 95, 96), (96, 97, 94.9, 96), 96)
    signals = at(candles, enter_short=[0], exit_short=[], enter=[], exit=[])
    risk = Risk(fraction=0.5, take_profit=0.05)
    result = run_by_hand(candles, signals, risk=risk, **BOTH)
    cover = fills_of(result)[1]
    assert (cover["price"], cover["time"]) == (95.0, candles.time[3])
    assert result.equity[-1] == pytest.approx(1025.0)  # 5 units, 5 each


def test_trailing_stop_of_a_short_follows_the_lowest_low_of_bars_past():
    candles = market_of(100, 100, (100, 100, 80, 85), (85, 89, 84, 86), 86)
    signals = at(candles, enter_short=[0], exit_short=[], enter=[], exit=[])
    risk = Risk(fraction=0.5, trailing_stop=0.1)
    result = run_by_hand(candles, signals, risk=risk, **BOTH)
    # 100 * 1.1 = 110 in the bar of the low; 80 * 1.1 = 88 in the next
    assert fills_of(result)["price"] == pytest.approx([100.0, 88.0])


def test_break_even_of_a_short_earns_both_fees_back():
    candles = market_of(100, 100, (100, 100, 90, 91), (91, 99, 91, 98), 98)
    signals = at(candles, enter_short=[0], exit_short=[], enter=[], exit=[])
    risk = Risk(fraction=0.5, break_even=0.05)
    result = run_by_hand(candles, signals, risk=risk, taker_fee_bps=100, **BOTH)
    assert fills_of(result)["price"][1] == pytest.approx(100 * 0.99 / 1.01)
    assert result.equity[-1] == pytest.approx(1000.0)


def test_borrowing_is_owed_at_every_close_and_paid_with_what_is_covered():
    candles = market_of(100, 100, 110, 110, interval="1d")
    signals = at(candles, enter_short=[0], exit_short=[2], enter=[], exit=[])
    result = run_by_hand(candles, signals, risk=HALF, borrow_rate=0.365, **BOTH)
    # 5 units; a day costs 0.365 / 365 = 0.001 of the value: 0.5 at 100, 0.55 at 110
    assert result.equity[1] == pytest.approx(1000 - 0.5)
    assert result.equity[2] == pytest.approx(1000 - 50 - 0.5 - 0.55)
    cover, charge = result.events[-2:]
    assert (charge["kind"], charge["reason"]) == (Kind.CHARGED, Reason.BORROW)
    assert charge["order"] == cover["order"] and charge["side"] == 1
    assert charge["quote"] == pytest.approx(1.05) and charge["units"] == pytest.approx(5)
    assert result.equity[3] == pytest.approx(948.95)


def test_margin_call_closes_everything_at_the_next_open():
    # 10 units short of 100, cash 2000. High 160: 2000 - 1600 = 400 is no less than a quarter of
    # 1600; high 161: 2000 - 1610 = 390 is less than 402.5.
    for high, called in ((160, False), (161, True)):
        candles = market_of(100, 100, (100, high, 100, 120), 130, 130)
        signals = at(candles, enter_short=[0], exit_short=[], enter=[], exit=[])
        result = run_by_hand(candles, signals, **BOTH)
        assert (Reason.MARGIN_CALL in result.events["reason"]) == called
        if called:
            assert fills_of(result)["price"].tolist() == [100.0, 130.0]
            assert result.equity[-1] == pytest.approx(700.0)


def test_entry_in_the_bar_of_a_margin_call_is_refused():
    rows = np.array([[[100.0] * 2] * 5] * 5)
    rows[:, 4] = 1e9
    rows[2, 1, 0] = 170.0
    candles = candles_of(rows, np.zeros((5, 2), np.uint8))
    signals = at(candles, enter_short={0: (True, False)}, exit_short=[], enter={2: (False, True)})
    result = run_by_hand(candles, signals, risk=Risk(fraction=1.0), **BOTH)
    vetoes = result.events[result.events["kind"] == Kind.VETOED]
    assert vetoes["reason"].tolist() == [Reason.MARGIN_CALL]


def test_account_that_lost_more_than_all_halts_once_and_enters_nothing():
    # 10 units short of 100, bought back at 300: 2000 - 3000
    candles = market_of(100, 100, 300, 300, 300, 300, 300)
    signals = at(candles, enter_short=[0, 4, 5], exit_short=[], enter=[], exit=[])
    result = run_by_hand(candles, signals, risk=Risk(max_drawdown=0.1, halt_bars=1), **BOTH)
    assert result.equity[2:].tolist() == [-1000.0] * 5
    (veto,) = result.events[result.events["kind"] == Kind.VETOED]
    assert (veto["time"], veto["reason"]) == (candles.time[4], Reason.NO_CASH)
    assert veto["quote"] == 0.0


def test_reversal_closes_and_enters_in_one_bar():
    candles = market_of(100, 100, 110, 110, 100)
    signals = at(candles, enter=[0], exit=[], enter_short=[2], exit_short=[], exit_limit=200.0)
    result = run_by_hand(candles, signals, risk=HALF, **BOTH)
    _, sold, shorted = fills_of(result)
    assert sold["time"] == shorted["time"] == candles.time[3]
    assert sold["units"] == pytest.approx(5.0)  # at market, in spite of exit_limit
    # equity 1050: half of it is 525 / 110 = 4.77 units; down 10 each: + 47.73
    assert shorted["units"] == pytest.approx(525 / 110)
    assert result.equity[-1] == pytest.approx(1050 + 525 / 110 * 10)


def test_longs_and_shorts_together_never_exceed_equity():
    rows = np.full((4, 5, 2), 100.0)
    rows[:, 4] = 1e9
    candles = candles_of(rows, np.zeros((4, 2), np.uint8))
    signals = at(candles, enter_short={0: (True, False)}, exit_short=[], enter={1: (False, True)})
    result = run_by_hand(candles, signals, risk=Risk(fraction=0.7), **BOTH)
    # 700 short: cash 1700, free 1700 - 2 * 700 = 300 of the 700 that the long asks for
    assert fills_of(result)["quote"] == pytest.approx([700.0, 300.0])


def test_target_weight_that_crosses_zero_closes_and_enters_the_other_side():
    candles = market_of(100, 100, 100, 100)
    result = run_by_hand(candles, at(candles, target={0: 0.5, 1: -0.25}), **BOTH)
    fills = fills_of(result)
    assert fills["side"].tolist() == [1, -1, -1]
    assert fills["units"] == pytest.approx([5.0, 5.0, 2.5])
    assert set(fills["reason"].tolist()) == {Reason.TARGET_WEIGHT}


def test_opposite_signal_cancels_a_waiting_entry_first():
    candles = market_of(100, 100, 100, 100)
    signals = at(candles, enter=[0], exit=[], enter_short=[1], exit_short=[], entry_limit=98.0)
    result = run_by_hand(candles, signals, risk=HALF, **BOTH)
    assert life_of(result, 1) == [("CANCELLED", "REPLACED")]
    assert fills_of(result)["side"].tolist() == [-1]  # a sell limit of 98 takes at 100


def test_both_ways_at_once_enters_neither():
    candles = market_of(100, 100, 100)
    signals = at(candles, enter=[0], exit=[], enter_short=[0], exit_short=[0])
    assert len(run_by_hand(candles, signals, risk=HALF, **BOTH).events) == 0
