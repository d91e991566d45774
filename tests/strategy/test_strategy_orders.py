"""Prices of orders, rules of shorts, distances by expression: what they become and need."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from pydantic import ValidationError
from strategy_data import make_candles

from framework.errors import UserError
from framework.market.candles import Candles
from framework.records import OrderTerms, Signals, StrategyTerms, TimeInForce
from framework.strategy.compile import compile_strategy
from framework.strategy.many import compile_many, evaluate_many
from framework.strategy.rules import DISTANCES, RULES
from framework.strategy.spec import OrderSpec, StrategySpec
from framework.types import Interval

HOUR = Interval.parse("1h")
ENTER_EXIT = {"enter": "close > open", "exit": "close < open"}
SHORTS = {"direction": "both", "enter_short": "close < open", "exit_short": "close > open"}


def spec_of(**rest) -> StrategySpec:
    return StrategySpec(**{"name": "test", "interval": HOUR, **ENTER_EXIT, **rest})


def three_bars() -> Candles:
    """Return bars of one pair: up from 100 to 110, down to 100, up to 104."""
    columns = [[100, 110, 100], [112, 111, 105], [98, 99, 95], [110, 100, 104]]
    open_, high, low, close = (np.array([column], float).T for column in columns)
    time = HOUR.ns * np.arange(3)
    standing = np.zeros((3, 1), np.uint8)
    return Candles(("P0-AUD",), HOUR, time, open_, high, low, close, np.ones((3, 1)), standing)


def columns_of(signals: Signals) -> dict[str, list]:
    """Return what was given, by field, of the only pair."""
    given = {field.name: getattr(signals, field.name) for field in fields(Signals)}
    return {name: array[:, 0].tolist() for name, array in given.items() if array is not None}


def test_every_field_of_the_signals_has_a_rule() -> None:
    assert list(RULES) == [f.name for f in fields(Signals) if f.name not in ("traded", "withdraw")]
    assert DISTANCES == ("stop_loss", "take_profit", "trailing_stop")


def test_every_rule_becomes_the_signal_of_its_name() -> None:
    spec = spec_of(
        **SHORTS,
        params={"below": 0.9, "wide": 2},
        confidence="0.5",
        anomaly="high - low",
        entry_order={"limit": "close * below", "stop": "high + 1"},
        exit_order={"limit": "top", "stop": 90},
    )
    distances = {
        "stop_loss": "wide * (high - low) / (10 * close)",
        "take_profit": "3",
        "trailing_stop": "where(close > open, 0.1, nan)",
    }
    plan = compile_strategy(spec, {"top": "max(high, 2)"}, distances=distances)
    found = columns_of(plan.evaluate(three_bars()).signals)
    assert found.pop("exit_limit")[1:] == [112.0, 111.0]  # the first bar has no bar before it
    assert found.pop("trailing_stop")[::2] == [0.1, 0.1]
    assert found.pop("entry_limit") == pytest.approx([99.0, 90.0, 93.6])
    # ranges of 14, 12, 10: 28 / 1100, 24 / 1000, 20 / 1040
    assert found.pop("stop_loss") == pytest.approx([14 / 550, 0.024, 1 / 52])
    assert found == {
        "enter": [True, False, True],
        "exit": [False, True, False],
        "enter_short": [False, True, False],
        "exit_short": [True, False, True],
        "confidence": [0.5, 0.5, 0.5],
        "anomaly": [14.0, 12.0, 10.0],
        "entry_stop": [113.0, 112.0, 106.0],
        "exit_stop": [90.0, 90.0, 90.0],
        "take_profit": [3.0, 3.0, 3.0],
    }


def test_what_is_not_given_is_no_signal() -> None:
    found = columns_of(compile_strategy(spec_of(), {}).evaluate(three_bars()).signals)
    assert set(found) == {"enter", "exit"}


def test_a_plan_tells_each_rule_by_its_path() -> None:
    spec = spec_of(entry_order={"limit": "close * (1 - dip)"}, params={"dip": 0.5})
    plan = compile_strategy(spec, {}, distances={"stop_loss": "2 * atr(14) / close"})
    assert plan.describe() == [
        "strategy.enter: close > open (warm-up 0)",
        "strategy.exit: close < open (warm-up 0)",
        "strategy.entry_order.limit: close * 0.5 (warm-up 0)",
        "risk.stop_loss: 2 * atr(14) / close (warm-up 14)",
        "warm-up: 14 bars of 1h",
    ]


@pytest.mark.parametrize(
    ("rest", "distances", "bars"),
    [
        ({"entry_order": {"limit": "mean(close, 20)[3]"}}, {}, 22),
        ({"exit_order": {"stop": "min(low, 30)"}}, {}, 29),
        ({"anomaly": "zscore(close, 50)"}, {}, 49),
        (SHORTS | {"enter_short": "close < mean(close, 10)"}, {}, 9),
        ({}, {"trailing_stop": "atr(14) / close"}, 14),
        ({"anomaly": "mean(close, 5)"}, {"take_profit": "std(close, 8) / close"}, 7),
    ],
)
def test_the_warm_up_counts_every_rule(rest: dict, distances: dict, bars: int) -> None:
    assert compile_strategy(spec_of(**rest), {}, distances=distances).warmup == bars


def test_distances_follow_the_parameters_and_features_of_every_set() -> None:
    spec = spec_of(params={"wide": 1, "bars": 5}, entry_order={"limit": "close - wide"})
    features = {"reach": "atr(bars) / close"}
    distances = {"stop_loss": "wide * reach"}
    sets = [{}, {"wide": 3}, {"bars": 8}]
    candles = make_candles(60, 1, interval="1h")
    many = evaluate_many(spec, features, sets, candles, distances=distances)
    plans = compile_many(spec, features, sets, distances=distances)
    assert [plan.warmup for plan in plans] == [5, 5, 8]
    np.testing.assert_array_equal(many[1].stop_loss, 3 * many[0].stop_loss)
    np.testing.assert_array_equal(many[1].entry_limit, candles.close - 3)
    alone = spec_of(params={"wide": 1, "bars": 8}, entry_order={"limit": "close - wide"})
    made = compile_strategy(alone, features, distances=distances).evaluate(candles).signals
    np.testing.assert_array_equal(many[2].stop_loss, made.stop_loss)
    assert np.isfinite(made.stop_loss[8:]).all() and np.isnan(made.stop_loss[:8]).all()


def test_faults_name_the_path_as_it_was_written() -> None:
    spec = spec_of(
        **SHORTS | {"enter_short": "close"},
        anomaly="clse",
        entry_order={"limit": "close +", "stop": "close > 1"},
        params={"far": 30},
    )
    distances = {"stop_loss": "far / 10", "take_profit": "-far", "trailing_stop": "atr(0)"}
    with pytest.raises(UserError) as caught:
        compile_strategy(spec, {}, distances=distances)
    assert sorted(fault.partition(":")[0] for fault in caught.value.faults) == [
        "risk.stop_loss",
        "risk.take_profit",
        "risk.trailing_stop",
        "strategy.anomaly",
        "strategy.enter_short",
        "strategy.entry_order.limit",
        "strategy.entry_order.stop",
    ]
    assert "risk.stop_loss: must be less than 1 (was 3)." in caught.value.faults
    assert "risk.take_profit: must be greater than 0 (was -30)." in caught.value.faults


def test_a_set_that_makes_a_distance_impossible_is_named() -> None:
    spec = spec_of(params={"far": 0.5})
    with pytest.raises(UserError) as caught:
        compile_many(spec, {}, [{}, {"far": 1}], distances={"trailing_stop": "far"})
    assert caught.value.faults == ("params[1]: risk.trailing_stop: must be less than 1 (was 1).",)


def test_the_terms_say_how_long_orders_wait() -> None:
    spec = spec_of(
        **SHORTS,
        entry_order={"limit": "close", "bars": 4, "post_only": True},
        exit_order={"time_in_force": "fok"},
    )
    assert spec.terms == StrategyTerms(
        interval=HOUR,
        direction="both",
        entry_order=OrderTerms(time_in_force=TimeInForce.GTC, bars=4, post_only=True),
        exit_order=OrderTerms(time_in_force=TimeInForce.FOK, bars=0, post_only=False),
    )
    assert spec_of().terms == StrategyTerms(interval=HOUR)
    ioc = OrderSpec(time_in_force="ioc").terms
    assert ioc == OrderTerms(time_in_force=TimeInForce.IOC)


@pytest.mark.parametrize(
    ("rest", "path", "message"),
    [
        ({"enter_short": "True"}, "direction", "must be both with enter_short"),
        (
            {"enter_short": "True", "exit_short": "True", "direction": "long"},
            "direction",
            "must be both with enter_short and exit_short",
        ),
        ({"direction": "both"}, "", r"\(missing: enter_short, exit_short\)"),
        ({"direction": "both", "exit_short": "True"}, "", r"\(missing: enter_short\)"),
        (SHORTS | {"enter": None, "exit": None}, "", r"\(missing: enter, exit\)"),
        (
            SHORTS | {"enter": None, "exit": None, "target": "-1"},
            "",
            "enter_short and exit_short go with enter and exit, not target",
        ),
    ],
)
def test_rules_of_shorts_need_their_direction_and_each_other(rest, path, message) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        spec_of(**rest)
    (fault,) = caught.value.errors()
    assert ".".join(map(str, fault["loc"])) == path


def test_a_target_needs_no_rules_of_shorts_to_sell_short() -> None:
    spec = spec_of(enter=None, exit=None, target="where(close > open, 1, -0.5)", direction="both")
    found = columns_of(compile_strategy(spec, {}).evaluate(three_bars()).signals)
    assert found == {"target": [1.0, -0.5, 1.0]}
    assert spec.terms.direction == "both"
