"""One strategy under many parameter sets: the same signals, less work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from strategy_data import make_candles

from framework.errors import UserError
from framework.strategy.compile import compile_strategy
from framework.strategy.many import ManySignals, compile_many, evaluate_many
from framework.strategy.spec import StrategySpec

FEATURES = {
    "quick": "mean(close, fast)",
    "slow_one": "mean(close, slow)",
    "day": "on('1h', mean(close, fast))",
    "gap": "of('P0-AUD', quick) - slow_one",
}
SPEC = StrategySpec(
    name="many",
    interval="15m",
    params={"fast": 3, "slow": 10, "least": 0.5},
    enter="cross_above(quick, slow_one) and not gap > least",
    exit="cross_below(quick, slow_one) or close < day[1]",
)
SETS = [{"fast": f, "slow": s} for f in (2, 3, 5) for s in (8, 10, 20, 30)]


def spec_with(changed):
    return StrategySpec(
        name="many",
        interval="15m",
        params={**SPEC.params, **changed},
        enter=SPEC.enter,
        exit=SPEC.exit,
    )


@pytest.mark.parametrize("cap", [0, 20_000, 2**28])
def test_every_set_gives_the_signals_of_the_strategy_alone(cap):
    candles = make_candles(400)
    signals = evaluate_many(SPEC, FEATURES, SETS, candles, memory_cap_bytes=cap)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(signals.__getitem__, range(len(SETS))))
    for changed, found in zip(SETS, made, strict=True):
        alone = compile_strategy(spec_with(changed), FEATURES).evaluate(candles).signals
        np.testing.assert_array_equal(found.enter, alone.enter)
        np.testing.assert_array_equal(found.exit, alone.exit)
    assert signals._values.bytes <= cap


def test_plans_are_those_of_the_strategy_alone():
    for changed, plan in zip(SETS, compile_many(SPEC, FEATURES, SETS), strict=True):
        assert plan.describe() == compile_strategy(spec_with(changed), FEATURES).describe()


def test_crossovers_compute_each_average_once():
    spec = StrategySpec(
        name="cross",
        interval="15m",
        params={"fast": 3, "slow": 10},
        enter="cross_above(mean(close, fast), mean(close, slow))",
        exit="cross_below(mean(close, fast), mean(close, slow))",
    )
    sets = [{"fast": f, "slow": s} for f in range(2, 7) for s in range(10, 20)]
    signals = evaluate_many(spec, {}, sets, make_candles(100))
    list(signals)
    assert signals.computed == 5 + 10 + 1  # and the close
    assert len(signals[3:5]) == 2


def test_a_value_like_another_is_no_other_constant():
    spec = StrategySpec(
        name="kinds", interval="15m", params={"x": 1}, enter="flag", exit="not flag"
    )
    plans = compile_many(spec, {"flag": "close > x"}, [{"x": 1}, {"x": 2.0}, {"x": 1.0}])
    texts = [plan.describe()[0] for plan in plans]
    assert texts[0] != texts[1]
    with pytest.raises(UserError, match=r"params\[1\]: features.flag"):
        compile_many(spec, {"flag": "close > x"}, [{"x": 1}, {"x": True}])


def test_faults_name_the_first_set_that_has_them():
    with pytest.raises(UserError) as caught:
        compile_many(SPEC, FEATURES, [{"fast": 2}, {"fast": 0}, {"fast": 0}, {"fsat": 3}])
    text = str(caught.value)
    assert text.count("params[1]: features.quick: mean(): 'bars' must be at least 1") == 1
    assert "params[3]: strategy.params.fsat: the strategy has no such parameter." in text
    assert "Did you mean 'fast'?" in text
    assert "params[2]" not in text


def test_no_sets_give_no_signals():
    assert len(ManySignals([], make_candles(10))) == 0
    assert compile_many(SPEC, FEATURES, []) == []
