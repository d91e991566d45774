"""Risk, execution and rules as configured."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml
from engine_markets import IDEAL, MINUTE, Venue, market_of, rules_of, signals_of
from pydantic import ValidationError

from framework.engine.assumptions import assumptions
from framework.engine.execution import Execution
from framework.engine.kernel import is_compiled
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.errors import UserError
from framework.market.rules import MarketRules
from framework.records import Signals, StrategyTerms

CONF = Path(__file__).parents[2] / "conf"


def of_yaml(path):
    values = yaml.safe_load(path.read_text())
    target = values.pop("_target_")
    kind = {"Risk": Risk, "Execution": Execution}[target.rpartition(".")[2]]
    return kind(**values)


def test_off_is_the_risk_of_no_rules():
    assert of_yaml(CONF / "risk" / "off.yaml") == Risk()


def test_ideal_and_realistic_execution_are_what_they_are_called():
    assert of_yaml(CONF / "execution" / "ideal.yaml") == IDEAL
    assert of_yaml(CONF / "execution" / "realistic.yaml") == Execution()


@pytest.mark.parametrize("name", ["conservative", "balanced", "aggressive"])
def test_presets_name_every_field(name):
    path = CONF / "risk" / f"{name}.yaml"
    assert set(yaml.safe_load(path.read_text())) == {f.name for f in fields(Risk)} | {"_target_"}
    assert of_yaml(path).max_drawdown


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop_loss": 0}, {"stop_loss": 1}, {"fraction": 1.5}, {"take_profit": -0.1},
        {"max_positions": 0}, {"cool_down": -1}, {"trailing": 0.1}, {"max_exposure": 2},
    ],
)  # fmt: skip
def test_risk_outside_its_range_is_refused(wrong):
    with pytest.raises(ValidationError):
        Risk(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"half_spread_bps": -1}, {"max_participation": 0}, {"max_participation": 1.5}]
)
def test_execution_outside_its_range_is_refused(wrong):
    with pytest.raises(ValidationError):
        Execution(**wrong)


def test_shorts_are_refused_on_a_spot_exchange():
    terms = StrategyTerms(interval=MINUTE, direction="both")
    with pytest.raises(UserError, match=r"must be long on v, a spot exchange.*\(was 'both'\)"):
        make_rules(Risk(), IDEAL, Venue(name="v"), ["A-Q"], terms)


def test_market_rules_of_single_pairs_count_only_when_rounding():
    venue = Venue(
        name="v", market=MarketRules(lot_step=1), markets={"B-Q": MarketRules(lot_step=2)}
    )
    pairs = ["A-Q", "B-Q"]
    terms = StrategyTerms(interval=MINUTE)
    rounded = make_rules(Risk(), Execution(), venue, pairs, terms)
    assert rounded.pairs["lot_step"].tolist() == [1, 2]
    assert make_rules(Risk(), IDEAL, venue, pairs, terms).pairs["lot_step"].tolist() == [0, 0]


def test_rules_cannot_be_written_to():
    rules = rules_of()
    with pytest.raises(ValueError, match="read-only"):
        rules.scalars["fraction"] = 2


def test_assumptions_name_costs_and_switched_on_rules():
    venue = Venue(name="v", taker_fee_bps=26)
    lines = " ".join(assumptions(Risk(stop_loss=0.02, max_positions=3), Execution(), venue))
    for words in ("26 basis points", "stop-loss 0.02", "positions 3", "0.1 of a bar's volume"):
        assert words in lines
    ideal = " ".join(assumptions(Risk(), IDEAL, venue))
    assert "no stops" in ideal and "no limits" in ideal and "nothing to spread" in ideal


def test_loop_counts_as_compiled_once_it_ran():
    candles = market_of(1.0, 1.0)
    simulate(candles, signals_of(candles), rules_of(), 1.0)
    assert is_compiled()


def test_every_number_of_pairs_shares_one_compiled_loop():
    from test_engine_rules import two_pairs

    from framework.engine.kernel import simulate_bars

    for candles in (market_of(1.0, 1.0), two_pairs((1, 2), (1, 2))):
        rules = rules_of(pairs=candles.pairs)
        simulate(candles, signals_of(candles), rules, 1.0)
        simulate(candles, Signals(target=np.zeros(candles.close.shape)), rules, 1.0)
    assert len(simulate_bars.signatures) == 1


def test_signals_that_do_not_fit_are_refused():
    candles = market_of(1.0, 1.0)
    flags = np.zeros((2, 1), bool)
    with pytest.raises(ValueError, match="either enter and exit, or target"):
        simulate(candles, Signals(enter=flags, target=flags * 1.0), rules_of(), 1.0)
    with pytest.raises(ValueError, match=r"enter must be \(2, 1\), was \(3, 1\)"):
        simulate(candles, Signals(enter=np.zeros((3, 1), bool)), rules_of(), 1.0)
    with pytest.raises(ValueError, match="rules are for 2 pairs, candles for 1"):
        simulate(candles, Signals(enter=flags), rules_of(pairs=["A-Q", "B-Q"]), 1.0)
