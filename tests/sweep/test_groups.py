"""Trials that differ in numbers only share a group; choices, texts and nulls set them apart."""

from framework.sweep.groups import split
from framework.sweep.trial import Trial


def grouped(*words, apart=()):
    trials = [Trial(k, tuple(each.split())) for k, each in enumerate(words)]
    groups = split(trials, ["pairs=btc_aud"], apart)
    return [[trial.index for trial in group.trials] for group in groups], groups


def test_numbers_of_strategy_rules_and_fees_go_together():
    found, (group,) = grouped(
        "strategy.params.fast=5 risk.stop_loss=0.1 exchange.taker_fee_bps=5",
        "strategy.params.fast=5.5 risk.stop_loss=1e-1 exchange.taker_fee_bps=.5",
        "strategy.params.fast=-6 risk.stop_loss=2 exchange.taker_fee_bps=0",
    )
    assert found == [[0, 1, 2]]
    assert group.values == [(5, 0.1, 5), (5.5, 0.1, 0.5), (-6, 2, 0)]
    assert [type(value) for value, *_ in group.values] == [int, float, int]
    assert group.words == (
        *("pairs=btc_aud", "strategy.params.fast=5", "risk.stop_loss=0.1"),
        "exchange.taker_fee_bps=5",
    )
    assert group.strategy_params(1) == {"fast": 5.5}
    tree = {"risk": {"stop_loss": None, "fraction": 1}}
    assert group.section(tree, "risk", (0.1,)) == {"stop_loss": 0.1, "fraction": 1}
    assert tree["risk"]["stop_loss"] is None


def test_parameters_may_be_texts_too():
    found, (group,) = grouped("strategy.params.kind=slow", "strategy.params.kind=true")
    assert found == [[0, 1]]
    assert group.values == [("slow",), (True,)]


def test_choices_texts_and_nulls_make_groups_of_their_own():
    assert grouped(
        "risk=off risk.stop_loss=0.1",
        "risk=balanced risk.stop_loss=0.1",
        "risk=off risk.stop_loss=null",
        "risk=off risk.stop_loss='atr(14)/close'",
        "risk=off risk.stop_loss=0.2",
        "risk=off",
    )[0] == [[0, 4], [1], [2], [3], [5]]


def test_other_numbers_make_groups_of_their_own():
    assert grouped("cash=1", "cash=2", "seed=1", "exchange.seed=4", "exchange.seed=5")[0] == [
        [0],
        [1],
        [2],
        [3],
        [4],
    ]


def test_keys_that_others_refer_to_make_groups_of_their_own():
    words = ("strategy.params.fast=5", "strategy.params.fast=6")
    assert grouped(*words, apart=["strategy.params.fast"])[0] == [[0], [1]]
