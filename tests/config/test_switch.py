"""A switch is written out as one strategy: names kept apart, rules that follow the active one."""

import pytest

from framework.config.search_path import StrategySource
from framework.config.switch import write_out_switch
from framework.config.used_strategy import BESIDE, RULES, renamed
from framework.errors import UserError

TREND = {
    "features": {"rising": "close > ema(close, fast)", "gap": 2},
    "strategy": {
        "name": "trend",
        "interval": "15m",
        "params": {"fast": 20, "pair": "BTC-AUD"},
        "enter": "rising and of(pair, close > open)",
        "exit": "not rising",
        "anomaly": "gap",
    },
    "search": {"strategy.params.fast": {"low": 5, "high": 50}},
    "pairs": {"symbols": ["BTC-AUD"]},
}
DIP = {
    "features": {"rising": "close > mean(close, fast)"},
    "strategy": {"params": {"fast": 3}, "enter": "not rising", "exit": "rising"},
}
FILES = {"trend": TREND, "dip-buyer": DIP}


def written(**rest):
    """Return what is made of a switch between the two, with some keys changed."""
    cases = [{"when": "hour() < half", "use": "trend"}, {"when": True, "use": "dip-buyer"}]
    strategy = {"name": "both", "interval": "15m", "params": {"half": 12}, "switch": cases}
    tree = {"strategy": {**strategy, **rest}, "features": {"own": "close"}, "risk": {"fraction": 1}}
    return write_out_switch(tree, "both", FILES.__getitem__, ["both", *FILES])


def test_names_that_two_strategies_share_are_kept_apart():
    assert written()["features"] == {
        "trend_rising": "close > ema(close, trend_fast)",
        "trend_gap": "2",
        "trend_enter": "trend_rising and of(trend_pair, close > open)",
        "trend_exit": "not trend_rising",
        "trend_when": "hour() < half",
        "trend_active": "holds(trend_when) == 1",
        "dip_buyer_rising": "close > mean(close, dip_buyer_fast)",
        "dip_buyer_enter": "not dip_buyer_rising",
        "dip_buyer_exit": "dip_buyer_rising",
        "dip_buyer_when": "True",
        "dip_buyer_active": "holds(not trend_when and dip_buyer_when) == 1",
        "own": "close",
    }


def test_the_rules_are_those_of_the_active_strategy_until_another_is():
    assert written()["strategy"] == {
        "name": "both",
        "interval": "15m",
        "params": {"trend_fast": 20, "trend_pair": "BTC-AUD", "dip_buyer_fast": 3, "half": 12},
        "enter": "trend_active and trend_enter or dip_buyer_active and dip_buyer_enter",
        "exit": "trend_active and trend_exit or dip_buyer_active and dip_buyer_exit "
        "or not trend_active and not dip_buyer_active "
        "or trend_active and not trend_active[1] or dip_buyer_active and not dip_buyer_active[1]",
    }


def test_nothing_else_is_taken():
    made = written()
    assert set(made) == {"strategy", "features", "risk"}
    assert made["risk"] == {"fraction": 1}


def test_parameters_of_a_used_strategy_are_set_by_their_longer_names():
    params = written(params={"half": 12, "trend_fast": 9})["strategy"]["params"]
    assert params == {"trend_fast": 9, "trend_pair": "BTC-AUD", "dip_buyer_fast": 3, "half": 12}


def test_an_interval_may_be_written_otherwise_but_must_be_the_same():
    assert written(interval="900s")["strategy"]["interval"] == "900s"
    with pytest.raises(UserError, match=r"trend.yaml: strategy.interval: must be 1h.*was 15m"):
        written(interval="1h")


def test_what_a_used_strategy_may_say_is_what_a_strategy_may_say():
    from framework.strategy.spec import StrategySpec

    refused = {"entry_order", "exit_order"}
    assert {*RULES, *BESIDE, *refused} == set(StrategySpec.__pydantic_fields__)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("fast", "x_fast"),
        ("ema(close, fast)[fast] > fast * 2", "ema(close, x_fast)[x_fast] > x_fast * 2"),
        ("mean(close, mean)", "mean(close, x_mean)"),
        ("bbands(close, fast).fast", "bbands(close, x_fast).fast"),
        ("f(fast=fast)", "f(fast=x_fast)"),
        ("of('fast', close) > 0", "of('fast', close) > 0"),
        ("'é' == fast", "'é' == x_fast"),
        ("close >\n    fast", "close > x_fast"),
        ("ema(close fast", "ema(close fast"),
        ("(" * 300 + "fast" + ")" * 300, "(" * 300 + "fast" + ")" * 300),
    ],
)
def test_only_names_are_renamed_and_what_cannot_be_read_is_left(text, made):
    assert renamed(text, {"fast", "mean"}, "x_") == made


def test_an_expression_too_long_is_left_for_the_compiler():
    text = "fast + " * 700 + "1"
    assert renamed(text, {"fast"}, "x_") == text


def test_the_users_strategy_is_used_before_the_projects_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strategies").mkdir()
    head = "# @package _global_\n"
    mine = head + "strategy: {params: {mine: 1}, enter: close > mine, exit: close < mine}"
    (tmp_path / "strategies" / "breakout.yaml").write_text(mine)
    one = head + "strategy: {name: one, interval: 1h, switch: [{when: true, use: breakout}]}"
    (tmp_path / "strategies" / "one.yaml").write_text(one)
    found = StrategySource("test", "strategies://.").load_config("strategy/one").config
    assert found.strategy.params == {"breakout_mine": 1}
    assert "switch" not in found.strategy
