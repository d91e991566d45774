import sys

import pytest
from hydra import compose, initialize_config_dir

from framework.config.build import build, plain_tree
from framework.config.command_line import quoted_expressions
from framework.config.search_path import project_root, register
from framework.modes.settings import Settings


def settings(*words):
    """Return the settings that a command line makes of the default strategy."""
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(project_root() / "conf")):
        config = compose("config", overrides=["run_dir=x", *quoted_expressions(words)])
    return build(plain_tree(config), Settings)


def test_every_new_key_of_a_strategy_is_given_as_it_is_written():
    made = settings(
        "strategy.enter_short=cross_below(ma_fast, ma_slow)",
        "strategy.exit_short=cross_above(ma_fast, ma_slow)",
        "strategy.direction=both",
        "strategy.anomaly=abs(zscore(close, 96))[1]",
        "strategy.entry_order.limit=close * 0.99",
        "strategy.entry_order.bars=4",
        "strategy.entry_order.post_only=true",
        "strategy.exit_order.stop=min(low, 20)",
        "strategy.exit_order.time_in_force=ioc",
    ).strategy
    assert made.enter_short == "cross_below(ma_fast, ma_slow)"
    assert made.exit_short == "cross_above(ma_fast, ma_slow)"
    assert (made.direction, made.anomaly) == ("both", "abs(zscore(close, 96))[1]")
    assert made.entry_order.limit == "close * 0.99"
    assert (made.entry_order.bars, made.entry_order.post_only) == (4, True)
    assert made.exit_order.stop == "min(low, 20)"
    assert made.exit_order.time_in_force == "ioc"


def test_an_input_of_a_model_is_given_as_it_is_written():
    made = settings(
        "model=logistic",
        "model.inputs.gap=close / ema(close, 96) - 1",
        "model.inputs.range=high - low",
    ).model
    assert made.inputs["gap"] == "close / ema(close, 96) - 1"
    assert made.inputs["range"] == "high - low"
    assert made.inputs["return_1"] == "log_returns(close)"


def test_a_distance_is_a_number_or_an_expression():
    made = settings(
        "risk.stop_loss=2 * atr(14) / close",
        "risk.take_profit=0.05",
        "risk.trailing_stop=where(close > open, 0.02, 0.04)",
    ).risk
    assert made.stop_loss == "2 * atr(14) / close"
    assert made.take_profit == 0.05
    assert made.trailing_stop == "where(close > open, 0.02, 0.04)"
    assert set(made.expressions) == {"stop_loss", "trailing_stop"}


def test_partial_targets_are_a_list_of_gains_and_shares():
    made = settings("risk.targets=[{gain: 0.02, share: 0.5}, {gain: 0.04, share: 0.25}]").risk
    assert [(target.gain, target.share) for target in made.targets] == [(0.02, 0.5), (0.04, 0.25)]


@pytest.mark.parametrize(
    "word",
    [
        "risk.stop_loss=0.02",
        "risk.stop_loss=-1e-3",
        "risk.stop_loss=0.01,0.02, 0.03",
        "risk.stop_loss=choice(0.01,0.02)",
        "risk.stop_loss=range(0.01,0.05,0.01)",
        "risk.stop_loss=null",
        "risk.stop_loss=true",
        "risk.stop_loss='2 * atr(14)','3 * atr(14)'",
        "risk.stop_loss=${risk.trailing_stop}",
        "risk.fraction=0.1,0.2",
        "strategy.params.fast=1,2",
        "strategy.interval=15m,1h",
        "strategy=breakout",
    ],
)
def test_what_is_no_expression_stays_as_it_is(word):
    assert quoted_expressions([word]) == [word]


@pytest.mark.parametrize("values", ["long,both", "'long'"])
def test_what_a_strategy_may_leave_out_can_be_swept(values):
    assert quoted_expressions([f"strategy.direction={values}"]) == [
        f"++strategy.direction={values}"
    ]


def test_a_strategy_file_may_set_distances_by_expression(tmp_path, monkeypatch):
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "mine.yaml").write_text(
        "# @package _global_\n"
        "features: {reach: atr(14) / close}\n"
        "risk: {stop_loss: 2 * reach, targets: [{gain: 0.02, share: 0.5}]}\n"
        "strategy:\n"
        "  {name: mine, interval: 1h, enter: true, exit: false, anomaly: reach,\n"
        "  entry_order: {limit: close - 1, bars: 3}}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["framework"])
    made = settings("strategy=mine", "risk.max_anomaly=0.1")
    assert made.risk.expressions == {"stop_loss": "2 * reach"}
    assert made.risk.targets[0].share == 0.5
    assert (made.strategy.entry_order.limit, made.strategy.entry_order.bars) == ("close - 1", 3)
