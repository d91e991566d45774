"""Slippage that grows with volatility and impact that does not grow in proportion, by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from engine_markets import Venue, market_of, signals_of
from test_engine_rules import costs, of, run

from framework.engine.assumptions import assumptions
from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.records import Kind, Reason

SWING = log(1.1) * sqrt(2.0)
"""Sample deviation of two log-returns, one of +10 % and the same back: 0.1348."""

TWO = Risk(volatility_bars=2)


def test_impact_grows_with_the_root_of_the_share():
    candles = market_of(100, 100, 100, volume=40.0)
    execution = costs(impact_bps=200, impact_power=0.5)
    (fill,) = of(run(candles, signals_of(candles, [0]), execution=execution), Kind.FILLED)
    # 10 units without impact are a quarter of the volume: 100 * (1 + 0.02 * 0.5) = 101
    assert fill["price"] == pytest.approx(101.0)
    assert fill["units"] == pytest.approx(1000 / 101)


def test_impact_on_a_sale_is_that_of_the_units_sold():
    candles = market_of(100, (100, 100, 100, 100, 1e5), (100, 100, 100, 100, 160.0))
    execution = costs(impact_bps=200, impact_power=0.25)
    signals = signals_of(candles, [0], [1])
    bought, sold = of(run(candles, signals, execution=execution), Kind.FILLED)
    assert bought["price"] == pytest.approx(100.2)  # 10 units are 1e-4 of it: a tenth of 2 %
    share = bought["units"] / 160  # about a sixteenth, whose fourth root is about a half
    assert sold["price"] == pytest.approx(100 * (1 - 0.02 * share**0.25))


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_without_volume_an_order_is_all_of_it_whatever_the_power(power):
    candles = market_of(100, 100, 100, volume=0.0)
    execution = costs(impact_bps=200, impact_power=power)
    (fill,) = of(run(candles, signals_of(candles, [0]), execution=execution), Kind.FILLED)
    assert fill["price"] == pytest.approx(102.0)


def test_slippage_grows_with_the_volatility_of_the_closes_before():
    candles = market_of(100, 110, 100, (100, 150, 90, 140), (140, 140, 140, 140))
    execution = costs(half_spread_bps=10, slippage_bps=20, slippage_volatility=0.1)
    signals = signals_of(candles, [2], [3])
    bought, sold = of(run(candles, signals, execution=execution, risk=TWO), Kind.FILLED)
    # bought at the open of bar 3: its own range and close say nothing yet
    assert bought["price"] == pytest.approx(100 * (1 + 0.003 + 0.1 * SWING))
    # sold in bar 4: returns of bars 2 and 3
    back, up = log(100 / 110), log(140 / 100)
    assert sold["price"] == pytest.approx(140 * (1 - 0.003 - 0.1 * (up - back) / sqrt(2)))
    assert bought["slippage"] == pytest.approx(bought["units"] * (bought["price"] - 100))


def test_stop_slips_by_the_volatility_before_its_bar():
    candles = market_of(100, 110, 100, 100, (100, 100, 80, 85), 85)
    risk = Risk(volatility_bars=2, stop_loss=0.1)
    result = run(
        candles, signals_of(candles, [2]), execution=costs(slippage_volatility=0.1), risk=risk
    )
    bought, sold = of(result, Kind.FILLED)
    assert sold["reason"] == Reason.STOP_LOSS
    stop = 0.9 * bought["price"]
    # returns of bars 2 and 3: -10 % and 0, a deviation of 0.0674
    assert sold["price"] == pytest.approx(stop * (1 - 0.1 * log(1.1) / sqrt(2)))


def test_while_the_volatility_is_not_known_the_range_of_the_bar_counts():
    candles = market_of(100, (100, 110, 95, 105), (105, 105, 105, 105))
    execution = costs(slippage_volatility=0.1)
    (fill,) = of(run(candles, signals_of(candles, [0]), execution=execution, risk=TWO), Kind.FILLED)
    assert fill["price"] == pytest.approx(101.5)  # (110 - 95) / 100 of which a tenth


def test_still_market_does_not_slip():
    candles = market_of(100, 100, 100, (100, 130, 90, 100))
    execution = costs(slippage_volatility=10)
    (fill,) = of(run(candles, signals_of(candles, [2]), execution=execution, risk=TWO), Kind.FILLED)
    assert fill["price"] == 100.0


def test_sale_gets_no_less_than_nothing():
    candles = market_of(100, (100, 100, 100, 100), (100, 400, 50, 100), 100)
    execution = costs(slippage_volatility=2)
    signals = signals_of(candles, [0], [1])
    bought, sold = of(run(candles, signals, execution=execution), Kind.FILLED)
    assert (bought["price"], sold["price"]) == (100.0, 0.0)  # 2 * 3.5 of the price would be lost


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"slippage_volatility": 0.5}, "adds 0.5 times the standard deviation of the pair's 2 log"),
        ({"impact_power": 0.5}, "at a bar's whole volume, less by the share to the power of 0.5."),
        ({}, "Impact adds 10 basis points at a bar's whole volume, less in proportion."),
    ],
)
def test_assumptions_name_each_cost(values, words):
    assert words in " ".join(assumptions(TWO, Execution(**values), Venue(name="v")))


def test_defaults_cost_what_spread_slippage_and_share_cost_to_the_last_bit():
    bars = 100 * np.exp(np.random.default_rng(2).normal(0, 0.02, 50).cumsum())
    candles = market_of(*bars.tolist(), volume=300.0)
    execution = Execution(rounding=False, max_participation=None)
    enter, leave = range(0, 50, 4), range(2, 50, 4)
    fills = of(run(candles, signals_of(candles, enter, leave), execution=execution), Kind.FILLED)
    sold = fills[fills["side"] < 0]
    opens = candles.open[np.searchsorted(candles.time, sold["time"]), 0]
    lost = 2.0 * 1e-4 + 1.0 * 1e-4 + 10.0 * 1e-4 * (sold["units"] / 300.0)
    assert len(sold) == 12
    np.testing.assert_array_equal(sold["price"], opens * (1.0 - lost))
