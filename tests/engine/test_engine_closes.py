"""Which closes the account remembers: those of the strategy's candles, on finer ones too."""

from __future__ import annotations

import numpy as np
import pytest
from engine_markets import Venue, market_of, signals_of
from test_engine_rules import costs, of

from framework.engine.account import CLOSES, account_to_bytes
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.engine.simulate import simulate, step_once
from framework.records import Kind, Reason, Signals, StrategyTerms
from framework.types import Interval

RISK = Risk(volatility_halt=0.05, volatility_bars=2)


def rules(decision, execution=None, risk=RISK):
    terms = StrategyTerms(interval=Interval.parse(decision))
    return make_rules(risk, costs(interval=execution), Venue(name="v"), ["A-Q"], terms)


def remembered(account):
    """Closes that the account knows, oldest first."""
    count = int(account["wallet"]["closes"][0])
    slots = np.arange(max(0, count - CLOSES), count) % CLOSES
    return np.exp(account["positions"]["log_closes"][0, 0, slots])


def prices(bars, seed=4):
    return 100 * np.exp(np.random.default_rng(seed).normal(0, 0.01, bars).cumsum())


@pytest.mark.parametrize("bars", [3, 4, 103, 3_001])
def test_only_closes_that_end_a_candle_of_the_strategy_are_remembered(bars):
    close = prices(bars)
    candles = market_of(*close.tolist(), interval="15m")
    fine = rules("1h", Interval.parse("15m"))
    account = simulate(candles, signals_of(candles), fine, 1_000.0).account
    hours = close[3::4]  # the candles that open at a quarter to
    assert account["wallet"]["closes"][0] == len(hours)
    assert remembered(account) == pytest.approx(hours[-CLOSES:], rel=1e-14)
    assert account["wallet"]["bars"][0] == bars


def test_run_that_begins_within_a_candle_of_the_strategy_remembers_its_end():
    close = prices(50)
    quarter = 15 * 60 * 1_000_000_000
    candles = market_of(*close.tolist(), interval="15m", start=6 * quarter)
    fine = rules("1h", Interval.parse("15m"))
    account = simulate(candles, signals_of(candles), fine, 1_000.0).account
    assert remembered(account) == pytest.approx(close[1::4], rel=1e-14)  # opened at 01:45


def test_weeks_end_with_sunday():
    close = prices(30)
    candles = market_of(*close.tolist(), interval="1d")  # from Thursday, 1970-01-01
    account = simulate(
        candles, signals_of(candles), rules("1w", Interval.parse("1d")), 1_000.0
    ).account
    assert remembered(account) == pytest.approx(close[3::7], rel=1e-14)


@pytest.mark.parametrize("decision", ["1m", "1h"])
def test_without_finer_candles_every_close_is_remembered(decision):
    close = prices(700)
    candles = market_of(*close.tolist(), interval=decision, start=123)
    account = simulate(candles, signals_of(candles), rules(decision), 1_000.0).account
    assert account["wallet"]["closes"][0] == 700
    assert remembered(account) == pytest.approx(close[-CLOSES:], rel=1e-14)


def test_volatility_on_finer_candles_is_that_of_the_strategys():
    close = prices(400)
    candles = market_of(*close.tolist(), interval="15m")
    hours = np.log(close[3::4])
    for t in (7, 11, 203, 399):
        last = (t + 1) // 4
        seen = np.std(np.diff(hours[last - 3 : last]), ddof=1) if last > 2 else np.inf
        for factor, refused in ((1 - 1e-9, True), (1 + 1e-9, not np.isfinite(seen))):
            bound = min(seen * factor, 10.0)
            fine = rules(
                "1h", Interval.parse("15m"), Risk(volatility_halt=bound, volatility_bars=2)
            )
            result = simulate(candles, signals_of(candles, [t]), fine, 1_000.0)
            vetoes = [Reason(r) for r in of(result, Kind.VETOED)["reason"]]
            assert vetoes == ([Reason.VOLATILITY] if refused else [])


def test_stepping_on_finer_candles_remembers_what_a_run_does():
    close = prices(130)
    candles = market_of(*close.tolist(), interval="15m")
    fine = rules("1h", Interval.parse("15m"))
    enter = np.random.default_rng(3).random((130, 1)) < 0.1
    whole = simulate(candles, Signals(enter=enter), fine, 1_000.0)
    part = simulate(candles[:1], Signals(enter=enter[:1]), fine, 1_000.0)
    for t in range(1, 130):
        seen = Signals(enter=enter[: t + 1])
        part = step_once(part.account, candles[: t + 1], seen, fine)
    assert account_to_bytes(part.account) == account_to_bytes(whole.account)


def test_nothing_is_remembered_while_no_rule_looks_back():
    candles = market_of(*prices(50).tolist())
    account = simulate(candles, signals_of(candles), rules("1m", risk=Risk()), 1_000.0).account
    assert account["wallet"]["closes"][0] == 0
    assert not account["positions"]["log_closes"].any()
    assert not account["products"].any()
