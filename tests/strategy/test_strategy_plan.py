"""Plans: NaN, intervals, pairs, sharing, warm-up, signals, strategies, plug-ins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf
from strategy_data import evaluate, make_candles, make_plan

from framework.config.build import build_part
from framework.config.search_path import StrategySource
from framework.errors import UserError
from framework.learning.labels import Label
from framework.market.resample import resample
from framework.strategy.catalogue import list_functions
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import Interval

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "conf" / "model"


def held(text: str) -> list[bool]:
    """Return where a condition holds on p_up = NaN, 1, 2."""
    plan = make_plan({"it": text}, model_outputs=["p_up"])
    array = plan.evaluate(make_candles(3, 1), {"p_up": np.array([[np.nan], [1.0], [2.0]])})
    return array.features["it"][:, 0].tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p_up > 1", [False, False, True]),
        ("p_up <= 1", [False, True, False]),
        ("p_up != 1", [False, False, True]),
        ("p_up == 1", [False, True, False]),
        ("not p_up > 1", [False, True, False]),
        ("not not p_up > 1", [False, False, True]),
        ("holds(p_up > 1) == 1", [False, False, True]),
        ("holds(p_up > 1) == 0", [True, True, False]),
        ("not holds(p_up > 1) == 1", [True, True, False]),
        ("holds(True) == 1 and holds(1 > 2) == 0", [True, True, True]),
        ("not p_up == 1", [False, False, True]),
        ("not (p_up > 1 and close > 0)", [False, True, False]),
        ("not (p_up > 1 and close < 0)", [True, True, True]),
        ("not (p_up > 1 or close < 0)", [False, True, False]),
        ("p_up > 1 or close > 0", [True, True, True]),
        ("not cross_above(p_up, 1)", [False, True, False]),
        ("not (p_up > 1)[1]", [False, False, True]),
        ("0 < p_up < 2", [False, True, False]),
        ("not 0 < p_up < 2", [False, False, True]),
        ("where(p_up > 1, close > 0, close < 0)", [False, False, True]),
        ("where(p_up > 1, close < 0, close > 0)", [False, True, False]),
        ("not of('P0-AUD', p_up > 1)", [False, True, False]),
        ("True and p_up > 1", [False, False, True]),
        ("not (False or p_up > 1)", [False, True, False]),
    ],
)
def test_what_rests_on_nan_is_false_and_so_is_its_contrary(text: str, expected: list[bool]) -> None:
    assert held(text) == expected


def test_where_gives_nan_where_its_condition_is_unknown() -> None:
    plan = make_plan({"it": "where(p_up > 1, 10, 20)"}, model_outputs=["p_up"])
    array = plan.evaluate(make_candles(3, 1), {"p_up": np.array([[np.nan], [1.0], [2.0]])})
    np.testing.assert_array_equal(array.features["it"][:, 0], [np.nan, 20, 10])


@pytest.mark.parametrize("first", [0, 1, 5, 95])
def test_on_sees_the_last_closed_candle_only(first: int) -> None:
    candles = make_candles(700, 2, first=first)
    hours = resample(candles, Interval.parse("1h"))
    array = evaluate("on('1h', close - open)", candles)
    for bar in range(700):
        closes = int(candles.time[bar]) + candles.interval.ns
        closed = np.flatnonzero(hours.time + hours.interval.ns <= closes)
        if len(closed):
            expected = hours.close[closed[-1]] - hours.open[closed[-1]]
            np.testing.assert_array_equal(array[bar], expected)
        else:
            assert np.isnan(array[bar]).all()


def test_on_nested_and_with_a_feature_inside_is_evaluated_on_its_own_candles() -> None:
    candles = make_candles(2_000, 1)
    features = {"trend": "close > mean(close, 3)", "it": "on('1d', trend)"}
    features["same"] = "on('1h', on('1d', close > mean(close, 3)))"
    made = make_plan(features).evaluate(candles).features
    days = resample(candles, Interval.parse("1d")).close[:, 0]
    for bar in range(2_000):
        day = (bar + 1) // 96 - 1
        expected = day >= 2 and days[day] > days[day - 2 : day + 1].mean()
        assert made["it"][bar, 0] == expected
        assert made["same"][bar, 0] == ((bar + 1) // 96 >= 3 and expected)


@pytest.mark.parametrize("text", ["on('1h', mean(close, 3))", "on('1d', on('1w', close))"])
@pytest.mark.parametrize("first", range(0, 700, 37))
def test_the_warm_up_of_on_covers_every_alignment(text: str, first: int) -> None:
    candles = make_candles(1_500, 1, first=first)
    plan = make_plan({"it": text})
    assert not np.isnan(plan.evaluate(candles).features["it"][plan.warmup :]).any()


def test_warm_up_is_known_before_data_and_adds_up() -> None:
    warm_ups = {
        "close": 0,
        "close[3]": 3,
        "mean(close, 20)": 19,
        "mean(mean(close, 20), 5)[2]": 25,
        "ema(close, 20) > mean(close, 50)": 49,
        "cross_above(mean(close, 20), mean(close, 50))": 50,
        "atr(14)": 14,
        "macd(close).hist": 33,
        "on('1h', mean(close, 3))": 14,
        "log_returns(close, 5) + hour()": 5,
    }
    for text, bars in warm_ups.items():
        assert make_plan({"it": text}).warmup == bars, text


def test_of_gives_the_other_pair_to_every_pair() -> None:
    candles = make_candles(100, 3)
    array = evaluate("of('P1-AUD', mean(close, 5) - xrank(close))", candles)
    whole = evaluate("mean(close, 5) - xrank(close)", candles)
    for pair in range(3):
        np.testing.assert_array_equal(array[:, pair], whole[:, 1])
    nested = evaluate("of('P0-AUD', of('P1-AUD', on('1h', close)))", candles)
    np.testing.assert_array_equal(nested[:, 2], evaluate("on('1h', close)", candles)[:, 1])


def test_what_is_written_twice_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from framework.strategy.kernels import sums

    calls: list[int] = []
    original = sums.rolling_mean
    monkeypatch.setattr(
        sums, "rolling_mean", lambda x, bars: calls.append(bars) or original(x, bars)
    )
    features = {
        "a": "mean(close, fast)",
        "b": "mean(close, 2 * 10) - mean( close,20 )",
        "c": "on('1h', mean(close, 20)) + on('1h', mean(close, fast))",
        "d": "a + of('P0-AUD', a)",
    }
    plan = make_plan(features, enter="a > mean(close, 40 // 2)", params={"fast": 20})
    plan.evaluate(make_candles(200, 1))
    assert calls == [20, 20]  # once on 15m candles, once on 1h candles


def test_signals_follow_the_rules() -> None:
    candles = make_candles(300, 2)
    plan = make_plan({}, enter="close > mean(close, 20)", exit="close < open")
    signals = plan.evaluate(candles).signals
    assert signals.enter is not None and signals.exit is not None and signals.target is None
    assert signals.enter.dtype == bool and signals.enter.shape == (300, 2)
    np.testing.assert_array_equal(signals.exit, candles.close < candles.open)
    spec = StrategySpec(name="x", interval=Interval.parse("15m"), target="1", confidence="p_up")
    made = compile_strategy(spec, {}, ["p_up"]).evaluate(candles, {"p_up": candles.close})
    assert made.signals.target is not None and made.signals.target.tolist() == [[1.0, 1.0]] * 300
    np.testing.assert_array_equal(made.signals.confidence, candles.close)


def test_what_a_plan_hands_out_cannot_be_written_and_leaves_its_inputs_writable() -> None:
    candles = make_candles(50, 2)
    outputs = {"p_up": np.ones((50, 2))}
    plan = make_plan({"a": "p_up", "b": "close", "c": "3"}, model_outputs=["p_up"])
    features = plan.evaluate(candles, outputs).features
    for array in features.values():
        assert not array.flags.writeable
        assert array.flags.f_contiguous
    assert outputs["p_up"].flags.writeable


def test_columns_that_were_promised_must_come() -> None:
    candles = make_candles(10, 1)
    plan = make_plan({"a": "p_up"}, model_outputs=["p_up"])
    with pytest.raises(ValueError, match="'p_up' was promised"):
        plan.evaluate(candles)
    with pytest.raises(ValueError, match=r"p_up must be \(10, 1\)"):
        plan.evaluate(candles, {"p_up": np.ones((9, 1))})
    with pytest.raises(ValueError, match="candles must be of 15m"):
        plan.evaluate(make_candles(10, 1, interval="1h"), {"p_up": np.ones((10, 1))})


def test_what_is_recorded_beside_the_candles_must_come_with_them() -> None:
    plan = make_plan({"a": "bid", "b": "close"}, records=["books"])
    assert plan.records == {"books"}
    with pytest.raises(ValueError, match="books were promised"):
        plan.evaluate(make_candles(10, 1))


def test_a_model_output_is_not_known_on_other_intervals() -> None:
    with pytest.raises(UserError, match="'p_up' is known on the strategy's own interval only"):
        make_plan({"a": "on('1h', p_up)"}, model_outputs=["p_up"])


def test_evaluating_twice_gives_the_same_and_a_prefix_the_prefix() -> None:
    candles = make_candles(900, 3)
    plan = strategy_plan("multi_trend")
    whole = plan.evaluate(candles).signals.target
    assert whole is not None
    np.testing.assert_array_equal(plan.evaluate(candles).signals.target, whole)
    np.testing.assert_array_equal(plan.evaluate(candles[:611]).signals.target, whole[:611])


def strategy_tree(name: str) -> dict:
    """Return a strategy as it is composed: with those that it switches between written out."""
    found = StrategySource("test", "strategies://.").load_config(f"strategy/{name}")
    return OmegaConf.to_container(found.config)


def strategy_plan(name: str) -> object:
    tree = strategy_tree(name)
    spec = StrategySpec(**tree["strategy"])
    features = {k: str(v) for k, v in tree.get("features", {}).items()}
    return compile_strategy(spec, features, model_outputs=model_outputs(name))


def model_outputs(name: str) -> tuple[str, ...]:
    """Return what the model predicts that a strategy chooses."""
    tree = OmegaConf.load(ROOT / "strategies" / f"{name}.yaml")
    chosen = {key: word for line in tree.get("defaults", ()) for key, word in line.items()}
    model = chosen.get("override /model", "none")
    made = build_part(OmegaConf.to_container(OmegaConf.load(MODELS / f"{model}.yaml")), "model")
    if "label" in tree.get("model", {}):
        made = made.__class__(label=Label(**tree.model.label))
    return made.outputs


def predictions(name: str, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return made-up predictions: probabilities at random, three regimes that last."""
    random = np.random.default_rng(5)
    made = {output: random.random(shape) for output in model_outputs(name)}
    if "regime" in made:
        made["regime"] = (np.arange(shape[0])[:, None] // 500 % 3) * np.ones(shape)
    return made


STRATEGIES = sorted(path.stem for path in (ROOT / "strategies").glob("*.yaml"))


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_file_is_complete_and_acts(name: str) -> None:
    text = (ROOT / "strategies" / f"{name}.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[2].startswith("# Source: ")
    tree = strategy_tree(name)
    assert set(tree) - {"defaults", "features", "search", "model"} == {"strategy"}
    assert tree["strategy"]["name"] == name
    assert all(
        key.removeprefix("strategy.params.") in tree["strategy"]["params"]
        for key in tree.get("search", {})
    )
    plan = strategy_plan(name)
    candles = make_candles(6_000, 5, first=7)
    signals = plan.evaluate(candles, predictions(name, candles.close.shape)).signals
    if signals.target is not None:
        assert np.nanmax(signals.target) > 0
        assert np.nanmin(signals.target) >= 0
    else:
        assert signals.enter.any()
        assert name == "buy_and_hold" or signals.exit.any()
    if tree["strategy"].get("direction") == "both":
        assert signals.enter_short.any() and signals.exit_short.any()
        assert not (signals.enter & signals.enter_short).any()


def test_the_pullback_waits_an_average_range_below_the_close() -> None:
    candles = make_candles(600, 1)
    signals = strategy_plan("pullback_limit").evaluate(candles).signals
    before = candles.close[:-1]
    high, low = np.maximum(candles.high[1:], before), np.minimum(candles.low[1:], before)
    ranges = (high - low)[:, 0]
    reach = ranges[:14].mean()  # Wilder: a mean of 14 to begin with, then 1/14 of each new one
    for bar in range(15, 600):
        reach = (13 * reach + ranges[bar - 1]) / 14
        assert signals.entry_limit[bar, 0] == pytest.approx(candles.close[bar, 0] - reach)
    assert signals.exit_limit is None


def test_the_trend_of_both_directions_follows_the_sign_of_the_past_return() -> None:
    candles = make_candles(96 * 60, 2)
    signals = strategy_plan("trend_both").evaluate(candles).signals
    days = candles.close[95::96]
    for day in range(28, 59):
        bars = slice(95 + 96 * day, 95 + 96 * (day + 1))  # from its close to the next
        risen = days[day] > days[day - 28]
        for signal, expected in (
            (signals.enter, risen),
            (signals.exit_short, risen),
            (signals.exit, ~risen),
            (signals.enter_short, ~risen),
        ):
            assert (signal[bars] == expected).all()
        scatter = np.std(np.diff(np.log(days[day - 28 : day + 1]), axis=0), axis=0, ddof=1)
        expected = np.minimum(0.4 / (scatter * np.sqrt(365)), 1.0)
        np.testing.assert_allclose(signals.confidence[bars], expected[None].repeat(96, 0))
    assert not signals.enter[: 95 + 96 * 28].any()


def test_the_crossover_strategy_crosses_simple_averages() -> None:
    candles = make_candles(500, 1)
    signals = strategy_plan("ma_cross").evaluate(candles).signals
    close = candles.close[:, 0]
    for bar in range(51, 500):
        fast = [close[bar - k - 19 : bar - k + 1].sum() / 20 for k in (0, 1)]
        slow = [close[bar - k - 49 : bar - k + 1].sum() / 50 for k in (0, 1)]
        assert signals.enter[bar, 0] == (fast[0] > slow[0] and fast[1] <= slow[1])
        assert signals.exit[bar, 0] == (fast[0] < slow[0] and fast[1] >= slow[1])
    assert not signals.enter[:50].any()


@pytest.mark.parametrize("name", ["none", "basic"])
def test_a_feature_set_compiles(name: str) -> None:
    tree = yaml.safe_load((ROOT / "conf" / "features" / f"{name}.yaml").read_text(encoding="utf-8"))
    plan = make_plan(tree)
    made = plan.evaluate(make_candles(300, 2)).features
    assert set(made) == set(tree)
    assert all(np.isfinite(array[plan.warmup :]).all() for array in made.values())


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("own_indicators", "own_broken"):
        sys.modules.pop(name, None)


PLUGIN = '''
import numpy as np
from framework.strategy.function import function
from framework.types import FloatArray, BoolArray

@function(warm_up=lambda bars: bars, source="Test")
def slope(x: FloatArray, bars: int = 4) -> FloatArray:
    """Rise per bar."""
    made = np.full_like(x, np.nan)
    made[bars:] = (x[bars:] - x[: len(x) - bars]) / bars
    return made

@function(source="Test")
def rising(x: FloatArray, y: FloatArray) -> BoolArray:
    """True where x is above y."""
    return x > y
'''


def test_a_plug_in_adds_functions(plugin: Path) -> None:
    (plugin / "own_indicators.py").write_text(PLUGIN, encoding="utf-8")
    candles = make_candles(40, 2)
    array = evaluate("slope(close, bars=5)", candles, plugins=["own_indicators"])
    np.testing.assert_array_equal(array[5:], (candles.close[5:] - candles.close[:-5]) / 5)
    rising = evaluate("not rising(slope(close), 0)", candles, plugins=["own_indicators"])
    slope = evaluate("slope(close)", candles, plugins=["own_indicators"])
    np.testing.assert_array_equal(rising, slope <= 0)
    listed = {item.name: item for item in list_functions(["own_indicators"])}
    assert listed["slope"].signature == "slope(x, bars=4)"
    assert make_plan({"a": "slope(close)"}, plugins=["own_indicators"]).warmup == 4


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (PLUGIN.replace("def slope", "def ema"), "plugins: 'own_broken' defines ema(), but there"),
        ("import nothing_like_it", "plugins: 'own_broken' cannot be imported (ModuleNotFoundError"),
        ("1 +", "plugins: 'own_broken' cannot be imported (SyntaxError"),
        (PLUGIN.replace("bars: int = 4", "bars: str"), "plugins: 'own_broken' cannot be imported"),
    ],
)
def test_a_faulty_plug_in_is_told_in_one_line(plugin: Path, source: str, line: str) -> None:
    (plugin / "own_broken.py").write_text(source, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        make_plan({}, plugins=["own_broken"])
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(line)


def test_a_plug_in_that_is_no_module_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"plugins: '\.\./x' is no importable module name"):
        make_plan({}, plugins=["../x"])


def test_a_plug_in_function_that_gives_another_shape_is_refused(plugin: Path) -> None:
    source = PLUGIN.replace("return made", "return made[1:]")
    (plugin / "own_broken.py").write_text(source, encoding="utf-8")
    with pytest.raises(UserError, match=r"slope\(\) must give a \(40,\) array of float64"):
        evaluate("slope(close)", make_candles(40, 1), plugins=["own_broken"])


def test_compiling_and_evaluating_load_neither_pandas_nor_a_plotter() -> None:
    import subprocess

    code = (
        "import sys; sys.path.insert(0, 'tests/strategy'); from strategy_data import *; "
        "evaluate('ema(close, 5) + mean(close, 3)', make_candles(50, 1)); "
        "assert not {'pandas', 'polars', 'vectorbt'} & set(sys.modules), 'loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
