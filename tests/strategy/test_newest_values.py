"""The newest values alone are, bit for bit, the last of all values, however many bars there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from strategy_data import make_candles, make_plan, with_records
from test_strategy_functions import RECORDS, all_calls

from framework.market.candles import Candles
from framework.market.growing_candles import GrowingCandles
from framework.market.resample import resample
from framework.types import Interval

HOLED = "where(hour() == 7, nan, close)"
"""A series that lacks values now and then, as no column does."""

WRITTEN = {
    "nested": "mean(max(close - mean(close, 9), 30), 5)[3]",
    "recursive": "zscore(ema(close, 12) / mean(volume, 40), 25)",
    "of recursive": "ema(std(log_returns(close), 12), 8)",
    "long": "mean(close, 1100) - quantile(close, 300, 0.9)",
    "hours": "on('1h', ema(mean(close, 5), 3)) - on('1d', close)[2]",
    "hours within": "mean(on('1h', log(volume) * exp(close / 100)), 50)",
    "days on hours": "on('1h', on('1d', rsi(close, 3)))",
    "other": "of('P1-AUD', zscore(close, 20)) - close ** 1.7",
    "across": "xrank(std(close, 20)) + sin(hour())",
    "across an hour": "on('1h', xrank(returns(close, 2)))",
    "case": "where(cross_above(close, mean(close, 20)), low[1], high[4] % 3)",
    "contrary": "not cross_above(close, mean(close, 20)) and not (close > open)[2]",
    "unknown": "not holds(close > mean(close, 7)) == 1",
    "flow": "mean(imbalance(2), 15) + order_flow_imbalance() * signed_volume()",
    "constant": "1 / 3",
    "predicted": "mean(p_up, 4) > 0.4 and p_up[2] < ema(p_up, 3)",
}
for name in ("mean", "sum", "min", "max", "std", "zscore", "rank", "quantile"):
    rest = ", 0.3" if name == "quantile" else ""
    WRITTEN |= {
        f"{name} {bars}": f"{name}({series}, {bars}{rest})"
        for bars, series in ((3, HOLED), (60, HOLED), (96, "log_returns(volume)"))
    }
WRITTEN |= {"corr": "corr(close, volume, 30)", "corr holed": f"corr({HOLED}, low, 9)"}
CUTS = (1, 2, 5, 97, 250, 601, 4_095, 4_096, 4_097, 4_100, 6_500, 8_191, 8_192, 8_193, 8_900)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two rows are equal to the last bit; one NaN is as good as another."""
    if one.dtype == bool:
        return one.tolist() == other.tolist()
    nan = np.isnan(one)
    return bool((nan == np.isnan(other)).all() and one[~nan].tobytes() == other[~nan].tobytes())


def until(candles: Candles, bars: int) -> Candles:
    """Return so many candles and what was recorded up to the close of the last."""
    assert candles.recorded is not None
    close = int(candles.time[0]) + bars * candles.interval.ns
    return replace(candles[:bars], recorded=candles.recorded.until(close))


@pytest.mark.parametrize("first", [0, 3])
def test_every_function_gives_its_newest_value_alone(first: int) -> None:
    candles = with_records(make_candles(600, 2, first=first))
    plan = make_plan({f"f{i}": call for i, call in enumerate(all_calls())}, records=RECORDS)
    whole = plan.evaluate(candles).features
    for bars in (1, 2, 5, 97, 250, 431, 600):
        newest = plan.newest(until(candles, bars)).features
        for (name, row), call in zip(newest.items(), all_calls(), strict=True):
            assert row.shape == (1, 2)
            assert same(row[0], whole[name][bars - 1]), f"{call} after {bars} bars"


def test_expressions_give_their_newest_values_alone() -> None:
    candles = with_records(make_candles(9_000, 3, first=5))
    p_up = np.random.default_rng(4).random((9_000, 3))
    features = {f"f{i}": text for i, text in enumerate(WRITTEN.values())}
    plan = make_plan(
        features,
        enter="cross_above(ema(close, 5), mean(close, 20))",
        exit="f0 > 0 and close > mean(close, 3)",
        records=RECORDS,
        model_outputs=["p_up"],
    )
    whole = plan.evaluate(candles, {"p_up": p_up})
    unequal = set()
    for bars in CUTS:
        made = plan.newest(until(candles, bars), {"p_up": p_up[:bars]})
        for text, (name, row) in zip(WRITTEN.values(), made.features.items(), strict=True):
            if not same(row[0], whole.features[name][bars - 1]):
                unequal.add((text, bars))
        for rule in ("enter", "exit"):
            row = getattr(made.signals, rule)
            assert same(row[0], getattr(whole.signals, rule)[bars - 1])
    assert not unequal
    assert p_up.flags.writeable


def test_what_a_model_sees_can_begin_at_any_bar() -> None:
    candles = make_candles(5_000, 2)
    inputs = {"z": "zscore(close, 40)", "e": "ema(close, 9) / close", "h": "on('1h', close[1])"}
    plan = make_plan({}, inputs=inputs)
    whole = plan.inputs(candles)
    for first in (0, 1, 700, 4_096, 4_999, 5_000):
        part = plan.inputs(candles, first)
        np.testing.assert_array_equal(part, whole[:, first:])


PLUGIN = '''
from framework import function
from framework.types import BoolArray, FloatArray


@function(memory=0)
def is_up_{name}(close: FloatArray, open: FloatArray) -> BoolArray:
    """Whether a candle rose."""
    return close > open


@function(warm_up=2, memory={memory})
def drop_{name}(x: FloatArray) -> FloatArray:
    """Change over two bars."""
    made = x * float("nan")
    made[2:] = x[2:] - x[:-2]
    return made
'''


@pytest.mark.parametrize(("name", "memory", "found"), [("honest", 2, False), ("liar", 1, True)])
def test_a_memory_that_is_too_short_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, memory: int, found: bool
) -> None:
    (tmp_path / f"plugin_{name}.py").write_text(PLUGIN.format(name=name, memory=memory))
    monkeypatch.syspath_prepend(str(tmp_path))
    candles = make_candles(700, 2)
    plan = make_plan({"it": f"drop_{name}(close)"}, plugins=[f"plugin_{name}"])
    whole = plan.evaluate(candles).features["it"]
    assert same(plan.newest(candles).features["it"][0], whole[-1]) is not found
    contrary = make_plan({"it": f"not is_up_{name}()"}, plugins=[f"plugin_{name}"])
    downs = contrary.evaluate(candles).features["it"]
    assert downs[-40:].any()
    for bars in range(660, 700):
        assert same(contrary.newest(candles[:bars]).features["it"][0], downs[bars - 1])


@pytest.mark.parametrize("interval", ["15m", "1h", "1d"])
def test_candles_that_grow_are_those_of_the_whole(interval: str) -> None:
    candles = make_candles(700, 3, first=7)
    wanted = Interval.parse(interval)
    growing = GrowingCandles(candles[:10], lambda: None)
    begin = 10
    for step in (1, 1, 2, 3, 80, 1, 200, 1, 1, 400):
        held = growing.close
        before = held.copy()
        growing.add(candles[begin : begin + step])
        begin += step
        np.testing.assert_array_equal(held, before)
        made, whole = growing.coarser(wanted), resample(candles[:begin], wanted)
        for name in ("time", "open", "high", "low", "close", "volume", "standing"):
            assert getattr(made, name).tobytes() == getattr(whole, name).tobytes()
    assert begin == len(growing) == 700
    with pytest.raises(ValueError, match="read-only"):
        growing.close[0, 0] = 1.0
    with pytest.raises(ValueError, match="must follow"):
        growing.add(candles[5:6])
