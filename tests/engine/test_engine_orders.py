"""Orders that wait at a price, worked by hand; engine and twin run every case."""

from __future__ import annotations

import pytest
from engine_cases import at, fills_of, life_of, run_by_hand
from engine_markets import market_of

from framework.engine.execution import Execution
from framework.records import OrderTerms, OrderType, TimeInForce

IOC, FOK = (OrderTerms(time_in_force=each) for each in (TimeInForce.IOC, TimeInForce.FOK))
HALF = Execution(
    half_spread_bps=50, slippage_bps=50, impact_bps=0, max_participation=None, rounding=False
)
TENTH = Execution(
    half_spread_bps=0, slippage_bps=0, impact_bps=0, max_participation=0.1, rounding=False
)
FEES = dict(taker_fee_bps=100, maker_fee_bps=50)


def test_limit_traded_through_fills_at_its_price_as_maker():
    candles = market_of(100, (100, 101, 97, 99), 99)
    signals = at(candles, enter=[0], entry_limit=98.0)
    result = run_by_hand(candles, signals, execution=HALF, **FEES)
    (fill,) = fills_of(result)
    # no spread, no slippage, 0.5 %: 1000 / (98 * 1.005) = 10.15331
    assert fill["price"] == 98.0 and fill["slippage"] == 0.0
    assert fill["units"] == pytest.approx(1000 / (98 * 1.005))
    assert fill["fee"] == pytest.approx(1000 - 1000 / 1.005)
    assert fill["type"] == OrderType.LIMIT
    assert result.equity[-1] == pytest.approx(1000 / (98 * 1.005) * 99)


def test_limit_that_is_only_touched_goes_on_waiting():
    candles = market_of(100, (100, 101, 98, 99), (99, 99, 98, 99), (99, 99, 97.9, 99))
    result = run_by_hand(candles, at(candles, enter=[0], entry_limit=98.0))
    (fill,) = fills_of(result)
    assert fill["time"] == candles.time[3] and fill["price"] == 98.0


def test_limit_marketable_on_arrival_takes_with_costs_up_to_its_limit():
    candles = market_of(100, (100, 103, 99, 102), 102)
    for limit, price in ((102.0, 101.0), (100.6, 100.6)):  # 100 * 1.01 = 101
        result = run_by_hand(
            candles, at(candles, enter=[0], entry_limit=limit), execution=HALF, **FEES
        )
        (fill,) = fills_of(result)
        assert fill["price"] == pytest.approx(price)
        assert fill["units"] == pytest.approx(1000 / (price * 1.01))  # the taker fee


def test_limit_within_half_a_spread_of_the_open_is_not_marketable():
    candles = market_of(100, (100, 103, 99, 102), 102)  # ask: 100 * 1.005 = 100.5
    result = run_by_hand(candles, at(candles, enter=[0], entry_limit=100.4), execution=HALF, **FEES)
    (fill,) = fills_of(result)
    assert fill["price"] == 100.4
    assert fill["units"] == pytest.approx(1000 / (100.4 * 1.005))  # the maker fee


def test_post_only_is_cancelled_rather_than_taken():
    candles = market_of(100, (100, 103, 90, 102), 102)
    result = run_by_hand(
        candles, at(candles, enter=[0], entry_limit=101.0), entry_order=OrderTerms(post_only=True)
    )
    assert life_of(result, 1) == [("CANCELLED", "POST_ONLY")]


def test_resting_limit_that_a_bar_gaps_beyond_fills_at_the_bar_s_high():
    candles = market_of(100, (100, 101, 99, 100), (90, 95, 89, 94), 94)
    result = run_by_hand(candles, at(candles, enter=[0], entry_limit=98.0), **FEES)
    (fill,) = fills_of(result)
    assert fill["price"] == 95.0  # nearest to 98 in 89..95
    assert fill["units"] == pytest.approx(1000 / (95 * 1.005))


def test_immediate_or_cancel_keeps_what_the_first_open_fills():
    candles = market_of(100, *[(100, 100, 100, 100, 40.0)] * 3)  # 4 units a bar
    result = run_by_hand(candles, at(candles, enter=[0]), execution=TENTH, entry_order=IOC)
    assert fills_of(result)["units"] == pytest.approx([4.0])
    assert life_of(result, 1) == [("FILLED", "SIGNAL"), ("EXPIRED", "TIME_IN_FORCE")]
    assert result.events[-1]["quote"] == pytest.approx(600.0)


def test_immediate_or_cancel_limit_below_the_open_expires():
    candles = market_of(100, (100, 100, 90, 95), 95)
    result = run_by_hand(candles, at(candles, enter=[0], entry_limit=98.0), entry_order=IOC)
    assert life_of(result, 1) == [("EXPIRED", "TIME_IN_FORCE")]


def test_fill_or_kill_fills_whole_or_not_at_all():
    candles = market_of(100, *[(100, 100, 100, 100, 40.0)] * 3)
    for cash, life in ((1000.0, ("EXPIRED", "TIME_IN_FORCE")), (400.0, ("FILLED", "SIGNAL"))):
        result = run_by_hand(
            candles, at(candles, enter=[0]), cash, execution=TENTH, entry_order=FOK
        )
        assert life_of(result, 1) == [life]


def test_order_good_for_two_bars_expires_at_the_second_close_with_trades_or_not():
    candles = market_of(100, 100, 100, (100, 100, 90, 95), flat=[1])
    result = run_by_hand(
        candles, at(candles, enter=[0], entry_limit=98.0), entry_order=OrderTerms(bars=2)
    )
    assert life_of(result, 1) == [("EXPIRED", "TIME_IN_FORCE")]
    assert result.events[-1]["time"] == candles.time[2]


def test_resting_limit_fills_over_three_bars_under_a_share_of_the_volume():
    candles = market_of(
        100, (100, 100, 97, 98, 40.0), (98, 98, 96, 97, 40.0), (96, 97, 95, 96, 40.0)
    )
    result = run_by_hand(
        candles, at(candles, enter=[0], entry_limit=98.0), execution=TENTH, cash=980.0
    )
    fills = fills_of(result)
    assert fills["price"].tolist() == [98.0, 98.0, 97.0]  # the last bar lies below: its high
    # 980 - 4 * 98 - 4 * 98 = 196 buys 2.0206 at 97
    assert fills["units"] == pytest.approx([4, 4, 196 / 97])


def test_stop_entry_fills_at_its_price_or_the_open_beyond():
    for bar, price in (((100, 104, 99, 103), 102.0), ((103, 104, 101, 102), 103.0)):
        candles = market_of(100, 100, bar, 103)
        result = run_by_hand(
            candles, at(candles, enter=[0], entry_stop=102.0), execution=HALF, **FEES
        )
        (fill,) = fills_of(result)
        assert fill["price"] == pytest.approx(price * 1.01)  # spread and slippage, as a taker
        assert fill["fee"] == pytest.approx(1000 - 1000 / 1.01)
        assert fill["type"] == OrderType.STOP


def test_stop_entry_that_nothing_touches_waits():
    candles = market_of(100, (100, 101.9, 99, 100), 100)
    result = run_by_hand(candles, at(candles, enter=[0], entry_stop=102.0))
    assert life_of(result, 1) == []


def test_stop_limit_gapped_over_rests_from_the_next_bar_on():
    candles = market_of(100, (105, 106, 102.5, 105), (105, 106, 102.5, 105), 105)
    signals = at(candles, enter=[0], entry_stop=102.0, entry_limit=103.0)
    result = run_by_hand(candles, signals)
    (fill,) = fills_of(result)
    assert (fill["time"], fill["price"]) == (candles.time[2], 103.0)
    assert fill["type"] == OrderType.LIMIT


def test_exit_limit_sells_above_and_exit_stop_below():
    candles = market_of(100, 100, (100, 100, 100, 100), (100, 106, 94, 100), 100)
    signals = at(candles, enter=[0], exit=[2], exit_limit=105.0)
    result = run_by_hand(candles, signals, **FEES)
    units = 1000 / 101
    assert fills_of(result)["price"].tolist() == [100.0, 105.0]
    assert result.equity[-1] == pytest.approx(units * 105 * 0.995)  # maker
    result = run_by_hand(candles, at(candles, enter=[0], exit=[2], exit_stop=95.0), **FEES)
    assert fills_of(result)["price"].tolist() == [100.0, 95.0]
    assert result.equity[-1] == pytest.approx(units * 95 * 0.99)  # taker


def test_exit_limit_gapped_beyond_fills_at_the_bar_s_low():
    candles = market_of(100, 100, 100, 100, (110, 112, 108, 110))
    result = run_by_hand(candles, at(candles, enter=[0], exit=[1], exit_limit=105.0))
    assert fills_of(result)["price"].tolist() == [100.0, 108.0]


def test_exit_without_a_price_goes_at_market():
    candles = market_of(100, 100, 100, 101)
    result = run_by_hand(candles, at(candles, enter=[0], exit=[2], exit_limit=float("nan")))
    assert fills_of(result)["price"].tolist() == [100.0, 101.0]


def test_entry_without_a_price_is_refused():
    candles = market_of(100, 100)
    result = run_by_hand(candles, at(candles, enter=[0], entry_limit=float("nan")))
    assert [event["reason"] for event in result.events] == [35]  # NO_PRICE


def test_entry_at_another_price_replaces_and_at_the_same_price_goes_on():
    candles = market_of(100, 100, 100, 100, (100, 100, 95, 98))
    signals = at(candles, enter=[0, 1, 2], entry_limit={0: 97.0, 1: 97.0, 2: 96.0})
    result = run_by_hand(candles, signals)
    assert life_of(result, 1) == [("CANCELLED", "REPLACED")]
    assert result.events["time"][1] == candles.time[2]
    assert fills_of(result)["price"].tolist() == [96.0]


def test_exit_signal_cancels_a_waiting_entry():
    candles = market_of(100, 100, (100, 100, 90, 95))
    result = run_by_hand(candles, at(candles, enter=[0], exit=[1], entry_limit=98.0))
    assert life_of(result, 1) == [("CANCELLED", "SIGNAL")]


def test_withdrawn_what_waits_to_be_bought_is_called_back_and_what_is_held_stays():
    candles = market_of(100, 100, 100, 100, 100, volume=10)  # a tenth of it: one unit a bar
    signals = at(candles, enter=[0], withdraw=[2, 3])
    result = run_by_hand(candles, signals, execution=TENTH)
    assert [fill["time"] for fill in fills_of(result)] == candles.time[1:3].tolist()
    assert life_of(result, 1) == [
        ("FILLED", "SIGNAL"),
        ("FILLED", "SIGNAL"),
        ("CANCELLED", "PAUSE"),
    ]
    assert result.account["positions"]["units"][0, 0] == 2.0


def test_withdrawn_an_exit_goes_on():
    candles = market_of(100, 100, 100, 100, 100, 100, volume=10)
    signals = at(candles, enter=[0], exit=[3], withdraw=[2, 3, 4])
    result = run_by_hand(candles, signals, execution=TENTH)
    assert [fill["side"] for fill in fills_of(result)] == [1, 1, -1, -1]
