"""Every rule worked by hand; the arithmetic stands beside the number."""

from __future__ import annotations

import numpy as np
import pytest
from engine_markets import candles_of, market_of, rules_of, signals_of

from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.market.rules import MarketRules
from framework.records import Kind, Reason, Signals


def run(candles, signals, cash=1_000.0, **kw):
    return simulate(candles, signals, rules_of(pairs=candles.pairs, **kw), cash)


def of(simulation, kind):
    return simulation.events[simulation.events["kind"] == kind]


def costs(**kw):
    none = dict(half_spread_bps=0, slippage_bps=0, impact_bps=0, max_participation=None)
    return Execution(**(none | {"rounding": False} | kw))


def test_fee_is_paid_on_the_way_in_and_out():
    candles = market_of(100, 100, 110, 120)
    result = run(candles, signals_of(candles, [0], [1]), fee_bps=100)
    bought, sold = of(result, Kind.FILLED)
    assert bought["units"] == pytest.approx(1000 / (100 * 1.01), rel=1e-15)
    assert bought["fee"] == pytest.approx(1000 - 1000 / 1.01, rel=1e-12)
    # sold at 110: 9.9009900990 * 110 = 1089.1089109; less 1 %: 1078.2178218
    assert sold["quote"] == pytest.approx(1000 / 1.01 * 1.1)
    assert result.cash[-1] == pytest.approx(1000 / 1.01 * 1.1 * 0.99, rel=1e-14)
    assert result.cash[:2] == pytest.approx([1000.0, 0.0], abs=1e-9)
    assert result.equity[1] == pytest.approx(1000 / 1.01)


def test_decision_fills_at_next_open_not_at_its_close():
    candles = market_of((10, 10, 10, 10), (20, 40, 20, 40), (40, 40, 40, 40))
    result = run(candles, signals_of(candles, [0]))
    (fill,) = of(result, Kind.FILLED)
    assert fill["price"] == 20.0 and fill["time"] == candles.time[1]
    assert result.equity.tolist() == [1000.0, 2000.0, 2000.0]  # 50 units


def test_spread_and_slippage_worsen_both_sides():
    candles = market_of(100, 100, 100, 100)
    result = run(
        candles,
        signals_of(candles, [0], [1]),
        execution=costs(half_spread_bps=50, slippage_bps=50),
    )
    bought, sold = of(result, Kind.FILLED)
    assert bought["price"] == pytest.approx(101.0)  # 100 * (1 + 0.005 + 0.005)
    assert sold["price"] == pytest.approx(99.0)
    assert bought["slippage"] == pytest.approx(1000 / 101)  # one quote unit per unit bought
    assert result.cash[-1] == pytest.approx(1000 / 101 * 99)


def test_impact_grows_with_the_share_of_the_volume():
    candles = market_of(100, 100, 100, volume=20.0)
    result = run(candles, signals_of(candles, [0]), execution=costs(impact_bps=200))
    (fill,) = of(result, Kind.FILLED)
    # 1000 / 100 = 10 units without impact are half the volume: 100 * (1 + 0.02 * 0.5) = 101
    assert fill["price"] == pytest.approx(101.0)
    assert fill["units"] == pytest.approx(1000 / 101)


def test_order_larger_than_its_volume_share_fills_over_three_bars():
    candles = market_of(100, *[(100, 100, 100, 100, 40.0)] * 4)
    result = run(candles, signals_of(candles, [0]), execution=costs(max_participation=0.1))
    # 10 units wanted, 4 a bar: 4, 4, 2
    fills = of(result, Kind.FILLED)
    assert fills["units"] == pytest.approx([4, 4, 2])
    assert fills["time"].tolist() == candles.time[1:4].tolist()
    assert set(fills["order"].tolist()) == {1}
    assert result.cash == pytest.approx([1000, 600, 200, 0, 0])


def test_exit_cancels_what_is_still_being_bought():
    candles = market_of(100, *[(100, 100, 100, 100, 40.0)] * 4)
    signals = signals_of(candles, [0], [1])
    result = run(candles, signals, execution=costs(max_participation=0.1))
    assert result.events["kind"].tolist() == [
        Kind.DECIDED, Kind.FILLED, Kind.CANCELLED, Kind.DECIDED, Kind.FILLED,
    ]  # fmt: skip
    cancelled = of(result, Kind.CANCELLED)[0]
    assert cancelled["quote"] == pytest.approx(600.0)  # 1000 less 4 units at 100
    assert result.cash[-1] == pytest.approx(1000.0)


def test_stop_loss_sells_at_its_level_inside_the_bar():
    candles = market_of(100, 100, (99, 99, 94, 96), 96)
    result = run(candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05))
    fill = of(result, Kind.FILLED)[1]
    assert (fill["price"], fill["reason"]) == (95.0, Reason.STOP_LOSS)
    assert result.cash[-1] == pytest.approx(950.0)


def test_gap_through_the_stop_fills_at_the_open():
    candles = market_of(100, 100, (90, 99, 85, 96), 96)
    result = run(candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05))
    assert of(result, Kind.FILLED)[1]["price"] == 90.0


def test_entry_bar_can_stop_its_own_position_out():
    candles = market_of(100, (100, 101, 90, 100), 100)
    result = run(candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05))
    assert of(result, Kind.FILLED)["price"].tolist() == [100.0, 95.0]


def test_stop_and_target_in_one_bar_count_as_stop():
    candles = market_of(100, 100, (100, 120, 90, 110), 110)
    result = run(candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05, take_profit=0.05))
    fill = of(result, Kind.FILLED)[1]
    assert (fill["price"], fill["reason"]) == (95.0, Reason.STOP_LOSS)


def test_target_must_be_traded_through():
    candles = market_of(100, 100, (100, 110, 100, 105), (105, 110.5, 105, 108), 108)
    result = run(candles, signals_of(candles, [0]), risk=Risk(take_profit=0.1))
    fill = of(result, Kind.FILLED)[1]
    assert fill["price"] == pytest.approx(110.0)
    assert fill["time"] == candles.time[3]


def test_target_opened_beyond_fills_at_the_open():
    candles = market_of(100, 100, (120, 125, 118, 119), 119)
    result = run(candles, signals_of(candles, [0]), risk=Risk(take_profit=0.1))
    assert of(result, Kind.FILLED)[1]["price"] == 120.0


def test_stop_pays_spread_slippage_and_fee():
    candles = market_of(100, 100, (99, 99, 80, 90), 90)
    result = run(
        candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.1), fee_bps=100,
        execution=costs(half_spread_bps=60, slippage_bps=40),
    )  # fmt: skip
    bought, sold = of(result, Kind.FILLED)
    assert bought["price"] == pytest.approx(101.0)
    assert sold["price"] == pytest.approx(101 * 0.9 * 0.99)
    units = 1000 / (101 * 1.01)
    assert result.cash[-1] == pytest.approx(units * 101 * 0.9 * 0.99 * 0.99)


def test_trailing_stop_rises_only_on_bars_already_past():
    # The third bar makes the high of 120 and falls to 100: its own high must not stop it out.
    candles = market_of(100, 100, (100, 120, 100, 119), (119, 119, 107, 110), 110)
    result = run(candles, signals_of(candles, [0]), risk=Risk(trailing_stop=0.1))
    fill = of(result, Kind.FILLED)[1]
    assert fill["time"] == candles.time[3]
    assert fill["price"] == pytest.approx(108.0)  # 120 * 0.9
    assert fill["reason"] == Reason.TRAILING_STOP


def test_units_are_rounded_down_to_lots_and_the_rest_stays_cash():
    candles = market_of(30, 30, 30)
    result = run(
        candles, signals_of(candles, [0]), execution=costs(rounding=True),
        market=MarketRules(lot_step=0.5),
    )  # fmt: skip
    (fill,) = of(result, Kind.FILLED)
    assert fill["units"] == 33.0  # 1000 / 30 = 33.33
    assert result.cash[-1] == pytest.approx(10.0)


def test_stop_is_rounded_down_to_the_tick():
    candles = market_of(101, 101, (101, 101, 90, 95), 95)
    result = run(
        candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05),
        execution=costs(rounding=True), market=MarketRules(tick_size=0.5),
    )  # fmt: skip
    assert of(result, Kind.FILLED)[1]["price"] == 95.5  # 101 * 0.95 = 95.95


def test_order_below_the_smallest_is_vetoed():
    candles = market_of(100, 100, 100)
    result = run(
        candles, signals_of(candles, [0]), risk=Risk(fraction=0.01),
        execution=costs(rounding=True), market=MarketRules(min_notional=10.5),
    )  # fmt: skip
    (veto,) = result.events
    assert (veto["kind"], veto["reason"], veto["quote"]) == (Kind.VETOED, Reason.MIN_NOTIONAL, 10.0)


def test_flat_candle_makes_a_decided_order_wait():
    candles = market_of(100, 100, 120, flat=[1])
    result = run(candles, signals_of(candles, [0]))
    (fill,) = of(result, Kind.FILLED)
    assert (fill["time"], fill["price"]) == (candles.time[2], 120.0)


def test_no_entry_is_decided_on_a_flat_candle():
    candles = market_of(100, 100, 100, flat=[0])
    result = run(candles, signals_of(candles, [0]))
    (veto,) = result.events
    assert veto["reason"] == Reason.NOT_TRADABLE


def test_stop_waits_for_a_bar_with_trades():
    candles = market_of(100, 100, (90, 90, 90, 90), (91, 92, 91, 92), flat=[2])
    result = run(candles, signals_of(candles, [0]), risk=Risk(stop_loss=0.05))
    fill = of(result, Kind.FILLED)[1]
    assert (fill["time"], fill["price"]) == (candles.time[3], 91.0)


def test_fixed_fraction_leaves_the_rest_in_cash():
    candles = market_of(100, 100, 110)
    result = run(candles, signals_of(candles, [0]), risk=Risk(fraction=0.25))
    assert of(result, Kind.FILLED)[0]["units"] == 2.5
    assert result.equity[-1] == 750 + 2.5 * 110


def test_confidence_scales_the_size():
    candles = market_of(100, 100, 100)
    signals = signals_of(candles, [0], confidence=np.full((3, 1), 0.4))
    result = run(candles, signals, risk=Risk(fraction=0.5))
    fill = of(result, Kind.FILLED)[0]
    assert (fill["units"], fill["confidence"]) == (pytest.approx(2.0), 0.4)


def two_pairs(*prices):
    rows = np.array([[[a, b]] * 4 + [[1e9, 1e9]] for a, b in prices], float)
    return candles_of(rows, np.zeros((len(rows), 2), np.uint8))


def test_all_cash_is_split_between_two_entries():
    candles = two_pairs((10, 20), (10, 20), (10, 20))
    result = run(candles, signals_of(candles, [(0, 0), (0, 1)]))
    assert of(result, Kind.FILLED)["units"].tolist() == [50.0, 25.0]


def test_second_entry_finds_no_cash_when_the_first_took_all():
    candles = two_pairs((10, 20), (10, 20), (10, 20))
    result = run(candles, signals_of(candles, [(0, 0), (1, 1)]))
    assert of(result, Kind.VETOED)["reason"].tolist() == [Reason.NO_CASH]


def test_cash_of_an_exit_pays_an_entry_of_the_same_bar():
    candles = two_pairs((10, 20), (10, 20), (12, 20), (12, 20))
    result = run(candles, signals_of(candles, [(0, 0), (1, 1)], [(1, 0)]))
    fills = of(result, Kind.FILLED)
    assert fills["side"].tolist() == [1, -1, 1]
    # decided at 10: 1000 of equity; sold at 12 for 1200, of which the order spends its 1000
    assert fills["units"].tolist() == [100.0, 100.0, 50.0]
    assert result.cash[-1] == pytest.approx(200.0)


def test_exposure_cap_shrinks_entries_and_then_refuses():
    candles = two_pairs((10, 20), (10, 20), (10, 20))
    risk = Risk(fraction=0.5, max_exposure=0.6)
    result = run(candles, signals_of(candles, [(0, 0), (1, 1)]), risk=risk)
    assert of(result, Kind.FILLED)["quote"].tolist() == [500.0, pytest.approx(100.0)]
    both = run(candles, signals_of(candles, [(0, 0), (0, 1)]), risk=risk)
    assert of(both, Kind.FILLED)["quote"] == pytest.approx([300.0, 300.0])
    full = run(
        candles, signals_of(candles, [(0, 0), (1, 1)]), risk=Risk(fraction=0.5, max_exposure=0.5)
    )
    assert of(full, Kind.VETOED)["reason"].tolist() == [Reason.MAX_EXPOSURE]


def test_pair_exposure_cap_shrinks_an_entry():
    candles = market_of(100, 100, 100)
    result = run(candles, signals_of(candles, [0]), risk=Risk(max_pair_exposure=0.3))
    assert of(result, Kind.FILLED)["units"].tolist() == [pytest.approx(3.0)]


def test_of_too_many_entries_the_most_confident_is_taken():
    candles = two_pairs((10, 20), (10, 20), (10, 20))
    confidence = np.array([[0.4, 0.9]] * 3)
    signals = signals_of(candles, [(0, 0), (0, 1)], confidence=confidence)
    result = run(candles, signals, risk=Risk(fraction=0.5, max_positions=1))
    assert of(result, Kind.VETOED)["pair"].tolist() == [0]
    assert of(result, Kind.FILLED)["pair"].tolist() == [1]


def test_drawdown_halt_sells_everything_and_refuses_entries():
    candles = market_of(100, 100, 79, 78, 100, 100)
    signals = signals_of(candles, [0, 4])
    result = run(candles, signals, risk=Risk(max_drawdown=0.2))
    # equity 790 at the third close is 21 % below its peak; sold at the next open
    fill = of(result, Kind.FILLED)[1]
    assert (fill["price"], fill["reason"]) == (78.0, Reason.HALT)
    assert of(result, Kind.VETOED)["reason"].tolist() == [Reason.MAX_DRAWDOWN]
    assert result.account["wallet"]["halted"][0] == 1


def test_daily_loss_bars_entries_until_the_next_utc_day():
    hours = [100, 100, (100, 100, 80, 80), *[80] * 25]
    candles = market_of(*hours, interval="1h")
    signals = signals_of(candles, [0, 5, 22, 24], [3])
    result = run(candles, signals, risk=Risk(daily_loss=0.1))
    vetoes = of(result, Kind.VETOED)
    assert vetoes["reason"].tolist() == [Reason.DAILY_LOSS] * 2
    assert of(result, Kind.FILLED)["time"][-1] == candles.time[25]


def test_cool_down_counts_from_the_bar_of_the_stop():
    candles = market_of(100, 100, (100, 100, 90, 90), *[90] * 5)
    signals = signals_of(candles, [0, 2, 3, 4])
    result = run(candles, signals, risk=Risk(stop_loss=0.05, cool_down=2))
    # stopped in bar 2: bars 2 and 3 are vetoed (one event), bar 4 enters
    assert of(result, Kind.VETOED)["time"].tolist() == [candles.time[2]]
    assert of(result, Kind.FILLED)["time"].tolist() == candles.time[[1, 2, 5]].tolist()


def test_enter_and_exit_together_do_not_enter():
    candles = market_of(100, 100, 100)
    assert not len(run(candles, signals_of(candles, [0], [0])).events)


def test_repeated_entry_signals_are_ignored_silently():
    candles = market_of(100, 100, 100, 100)
    result = run(candles, signals_of(candles, [0, 1, 2]))
    assert result.events["kind"].tolist() == [Kind.DECIDED, Kind.FILLED]


def test_target_weights_add_reduce_and_close():
    candles = market_of(*[100] * 6)
    target = np.array([[0.5], [np.nan], [0.8], [0.2], [0.0], [np.nan]])
    result = run(candles, Signals(target=target))
    fills = of(result, Kind.FILLED)
    assert (fills["side"] * fills["units"]) == pytest.approx([5.0, 3.0, -6.0, -2.0])
    assert result.cash == pytest.approx([1000, 500, 500, 200, 800, 1000])


def test_weights_within_the_band_are_left_alone():
    candles = market_of(*[100] * 4)
    target = np.array([[0.5], [0.55], [0.7], [np.nan]])
    result = run(candles, Signals(target=target), risk=Risk(no_trade_band=0.1))
    assert of(result, Kind.FILLED)["units"] == pytest.approx([5.0, 2.0])


def test_weights_are_clipped_to_long_only():
    candles = market_of(*[100] * 3)
    result = run(candles, Signals(target=np.array([[5.0], [-1.0], [np.nan]])))
    assert of(result, Kind.FILLED)["units"].tolist() == [10.0, 10.0]
