"""Sizes by volatility and by the Kelly criterion, worked by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from engine_markets import Venue, market_of, rules_of, signals_of
from test_engine_rules import costs, of, run, two_pairs

from framework.engine.account import new_account
from framework.engine.assumptions import assumptions
from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.engine.simulate import simulate, step_once
from framework.records import Kind, Reason, Signals
from framework.types import Interval

DAY = Interval.parse("1d")
SWING = log(1.1) * sqrt(2.0)
"""Sample deviation of two log-returns, one of +10 % and the same back: 0.1348."""


def asked(simulation):
    return of(simulation, Kind.DECIDED)["quote"].tolist()


def reasons(simulation):
    return [Reason(r) for r in of(simulation, Kind.VETOED)["reason"]]


# a volatility aimed at


def test_entry_is_scaled_to_the_annual_volatility_aimed_at():
    candles = market_of(100, 110, 100, 100, interval="1d")
    risk = Risk(volatility_target=0.5, volatility_bars=2)
    result = run(candles, signals_of(candles, [2]), risk=risk, interval=DAY)
    # 0.5 a year is 0.02617 a day, and 0.1348 was seen: 19.4 % of 1000
    assert asked(result) == [pytest.approx(1000 * 0.5 / sqrt(365) / SWING)]
    assert 194.0 < asked(result)[0] < 194.3


def test_calm_pair_gets_no_more_than_its_equal_share_times_confidence():
    candles = market_of(100, 100.001, 100, 100, interval="1d")
    risk = Risk(volatility_target=0.5, volatility_bars=2)
    half = np.full((4, 1), 0.5)
    result = run(candles, signals_of(candles, [2], confidence=half), risk=risk, interval=DAY)
    assert asked(result) == [500.0]


def test_two_pairs_get_half_each_before_their_volatility_scales_them():
    candles = two_pairs((100, 100), (110, 121), (100, 100), (100, 100))
    risk = Risk(volatility_target=10, volatility_bars=2)
    signals = signals_of(candles, [(2, 0), (2, 1)])
    result = run(candles, signals, risk=risk, interval=Interval.parse("12h"))
    # 10 a year is 10 / sqrt(730) = 0.3701 in 12 hours: above 0.1348 and 2 * 0.1348 alike
    assert asked(result) == [500.0, 500.0]
    risk = Risk(volatility_target=5, volatility_bars=2)
    result = run(candles, signals, risk=risk, interval=Interval.parse("12h"))
    assert asked(result) == [500.0, pytest.approx(500 * 5 / sqrt(730) / (2 * SWING))]


@pytest.mark.parametrize("size", [{"volatility_target": 0.5}, {"inverse_volatility": True}])
def test_entry_is_refused_while_the_volatility_its_size_needs_is_not_known(size):
    candles = market_of(100, 110, 100, 100)
    always = Signals(enter=np.ones((4, 1), bool))
    result = run(candles, always, risk=Risk(volatility_bars=2, **size))
    assert reasons(result) == [Reason.VOLATILITY]
    assert of(result, Kind.VETOED)["time"].tolist() == [candles.time[0]]
    assert of(result, Kind.DECIDED)["time"].tolist() == [candles.time[2]]


@pytest.mark.parametrize("size", [{"volatility_target": 0.5}, {"inverse_volatility": True}])
def test_target_weights_need_no_volatility(size):
    candles = market_of(100, 110, 100)
    signals = Signals(target=np.full((3, 1), 0.5))
    assert asked(run(candles, signals, risk=Risk(**size)))[0] == 500.0


# in proportion to one over the volatility


def test_pairs_that_enter_together_get_one_over_their_volatility():
    candles = two_pairs((100, 100), (110, 121), (100, 100), (100, 100))
    risk = Risk(inverse_volatility=True, volatility_bars=2)
    result = run(candles, signals_of(candles, [(2, 0), (2, 1)]), risk=risk)
    # 1 / v and 1 / (2 v): two thirds and one third
    assert asked(result) == pytest.approx([2000 / 3, 1000 / 3])


def test_pair_held_counts_with_its_own_volatility():
    candles = two_pairs((100, 100), (110, 121), (100, 100), (110, 121), (100, 100), (100, 100))
    risk = Risk(inverse_volatility=True, volatility_bars=2)
    confidence = np.where(np.arange(6)[:, None] < 4, 0.3, 1.0) * np.ones((6, 2))
    signals = signals_of(candles, [(2, 0), (4, 1)], confidence=confidence)
    result = run(candles, signals, risk=risk)
    # alone at 30 %: 300, bought at 110 and 272.73 at the close of bar 4; a third of 972.73 then
    assert asked(result) == pytest.approx([300.0, (700 + 300 / 1.1) / 3])


def test_pair_held_that_does_not_move_counts_like_the_one_that_enters():
    candles = two_pairs((100, 100), (110, 100), (100, 100), (100, 100), (100, 121), (100, 100))
    risk = Risk(inverse_volatility=True, volatility_bars=2)
    confidence = np.where(np.arange(6)[:, None] < 4, 0.3, 1.0) * np.ones((6, 2))
    signals = signals_of(candles, [(2, 0), (4, 1)], confidence=confidence)
    assert asked(run(candles, signals, risk=risk)) == pytest.approx([300.0, 500.0])


@pytest.mark.parametrize("size", [{"volatility_target": 0.5}, {"inverse_volatility": True}])
def test_pair_that_does_not_move_has_no_size_by_volatility(size):
    candles = market_of(100, 100, 100, 100)
    risk = Risk(volatility_bars=2, **size)
    assert reasons(run(candles, signals_of(candles, [2]), risk=risk)) == [Reason.VOLATILITY]


# the Kelly criterion


def bet(wins, losses, won, lost, **rules):
    """Enter with an account that has closed these round trips."""
    candles = market_of(100)
    account = new_account(candles.pairs, 1_000.0)
    for name, value in (("wins", wins), ("losses", losses), ("won", won), ("lost", lost)):
        account["wallet"][name] = value
    return step_once(account, candles, signals_of(candles, [0]), rules_of(Risk(**rules)))


def test_entry_gets_its_share_of_the_kelly_bet():
    # W = 20 / 30, R = 0.1 / 0.05 = 2: 2/3 - 1/3 / 2 = 1/2, and half of that
    assert asked(bet(20, 10, 2.0, 0.5, kelly=0.5)) == [pytest.approx(250.0)]
    # W = 0.4, R = 0.3 / 0.1 = 3: 0.4 - 0.6 / 3 = 0.2
    assert asked(bet(40, 60, 12.0, 6.0, kelly=1)) == [pytest.approx(200.0)]


def test_before_enough_round_trips_are_closed_the_start_counts():
    assert asked(bet(20, 9, 2.0, 0.5, kelly=0.5)) == [50.0]
    assert asked(bet(0, 0, 0.0, 0.0, kelly=0.5, kelly_start=0.2)) == [200.0]
    assert asked(bet(1, 1, 0.2, 0.1, kelly=1, kelly_trades=2)) == [pytest.approx(250.0)]


def test_losses_that_lost_nothing_cost_no_edge():
    assert asked(bet(30, 0, 3.0, 0.0, kelly=0.5)) == [500.0]
    assert asked(bet(24, 8, 3.0, 0.0, kelly=0.5)) == [375.0]  # W = 3/4


@pytest.mark.parametrize(
    ("wins", "losses", "won", "lost"),
    [
        (0, 40, 0.0, 2.0),
        (20, 20, 1.0, 2.0),  # 1/2 - 1/2 / (1/2) = -1/2
        (20, 20, 1.0, 1.0),  # 1/2 - 1/2 / 1 = 0
    ],
)
def test_without_an_edge_the_entry_is_refused(wins, losses, won, lost):
    result = bet(wins, losses, won, lost, kelly=0.5)
    (veto,) = of(result, Kind.VETOED)
    assert (veto["reason"], veto["quote"]) == (Reason.NO_EDGE, 0.0)
    assert result.account["positions"]["wish"][0].tolist() == [0.0]


def test_confidence_scales_the_kelly_bet_and_every_pair_gets_the_same():
    candles = two_pairs((100, 100))
    signals = signals_of(candles, [(0, 0), (0, 1)], confidence=np.array([[0.5, 1.0]]))
    account = new_account(candles.pairs, 1_000.0)
    for name, value in (("wins", 20), ("losses", 10), ("won", 2.0), ("lost", 0.5)):
        account["wallet"][name] = value
    result = step_once(account, candles, signals, rules_of(Risk(kelly=0.5), pairs=candles.pairs))
    assert asked(result) == pytest.approx([125.0, 250.0])


# risk per trade, with costs that are not in proportion


def test_risk_per_trade_counts_volatility_slippage_and_the_power_of_impact():
    candles = market_of(100, 110, 100, 100)
    execution = costs(
        slippage_volatility=0.1, impact_bps=100, impact_power=0.5, max_participation=0.25
    )
    risk = Risk(risk_per_trade=0.02, stop_loss=0.1, volatility_bars=2)
    result = run(candles, signals_of(candles, [2]), risk=risk, execution=execution)
    # 0.01 * sqrt(0.25) = 0.005, and a tenth of 0.1348
    kept = 0.9 * (1 - 0.005 - 0.1 * SWING)
    assert asked(result)[0] == pytest.approx(20 / (1 - kept))


# anomalies


def test_entries_are_refused_while_the_anomaly_is_too_high_or_not_known():
    candles = market_of(100, 100, 100, 100, 100, 100)
    scores = np.array([np.nan, 3.1, 3.0, 9.0, np.nan, 0.0])[:, None]
    flags = {"enter": np.ones((6, 1), bool), "exit": np.zeros((6, 1), bool)}
    result = run(candles, Signals(**flags, anomaly=scores), risk=Risk(max_anomaly=3))
    assert reasons(result) == [Reason.ANOMALY]  # of bars 0 and 1: written once
    assert of(result, Kind.DECIDED)["time"].tolist() == [candles.time[2]]


def test_anomaly_refuses_target_weights_too_but_no_sale():
    candles = market_of(100, 100, 100, 100)
    target = np.array([0.5, 0.2, 0.6, 0.6])[:, None]
    scores = np.array([0.0, 9.0, 9.0, 0.0])[:, None]
    result = run(candles, Signals(target=target, anomaly=scores), risk=Risk(max_anomaly=3))
    assert of(result, Kind.FILLED)["side"].tolist() == [1, -1]
    assert reasons(result) == [Reason.ANOMALY]


def test_without_a_bound_the_anomaly_is_not_looked_at():
    candles = market_of(100, 100)
    signals = Signals(enter=np.ones((2, 1), bool), anomaly=np.full((2, 1), np.nan))
    assert len(of(run(candles, signals), Kind.FILLED)) == 1


def test_volatility_refuses_before_the_anomaly():
    candles = market_of(100, 100)
    signals = Signals(enter=np.ones((2, 1), bool), anomaly=np.full((2, 1), 9.0))
    risk = Risk(max_anomaly=3, volatility_halt=0.1)
    assert reasons(run(candles, signals, risk=risk)) == [Reason.VOLATILITY]


# as configured


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"volatility_target": 0.4}, "annual volatility of 0.4 by a pair's 96 last log-returns"),
        ({"inverse_volatility": True}, "one over the standard deviation of a pair's 96 last"),
        ({"kelly": 0.25}, "0.25 of the Kelly bet by the account's own round trips, 0.05 of equity"),
        ({"max_anomaly": 0}, "anomaly score 0."),
        ({"max_correlated_exposure": 0.5}, "a correlation above 0.8, or one not known 0.5"),
    ],
)
def test_assumptions_name_each_rule(values, words):
    assert words in " ".join(assumptions(Risk(**values), Execution(), Venue(name="v")))


def test_sizes_are_the_same_with_the_account_carried_over():
    moves = np.random.default_rng(5).normal(0, 0.01, (600, 2)).cumsum(axis=0)
    candles = two_pairs(*(100 * np.exp(moves)).tolist())
    rng = np.random.default_rng(6)
    enter, leave = rng.random((600, 2)) < 0.05, rng.random((600, 2)) < 0.05
    for size in ({"volatility_target": 2.0}, {"inverse_volatility": True}):
        rules = rules_of(Risk(**size), pairs=candles.pairs)
        whole = simulate(candles, Signals(enter=enter, exit=leave), rules, 1_000.0)
        part = simulate(candles[:311], Signals(enter=enter[:311], exit=leave[:311]), rules, 1_000.0)
        rest = simulate(
            candles, Signals(enter=enter, exit=leave), rules, account=part.account, first=311
        )
        np.testing.assert_array_equal(np.concatenate((part.events, rest.events)), whole.events)
        assert len(of(whole, Kind.FILLED)) > 20
