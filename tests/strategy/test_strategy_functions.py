"""Every function of the language: causal, warm-up as declared, equal to an independent twin."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from strategy_data import evaluate, make_candles, make_plan, with_records

from framework.market.candles import Candles
from framework.strategy.catalogue import list_functions
from framework.strategy.function import Function
from framework.strategy.talib_module import load_talib

FUNCTIONS = {item.name: item for item in list_functions()}
TALIB = sorted(name for name, item in FUNCTIONS.items() if item.group.startswith("TA-Lib"))
OWN = sorted(set(FUNCTIONS) - set(TALIB))
ARGUMENTS = {"bars": "7", "level": "0.3", "interval": "'1h'", "pair": "'P0-AUD'", "periods": "high"}
SERIES = {"x": "close", "y": "volume", "z": "low", "a": "close", "b": "open"}
SERIES |= {"condition": "close > open", "least": "99", "most": "low"}
SERIES |= {"low_price": "low", "high_price": "high"}
RECORDS = ("books", "trades")
BOUNDED = {"acos", "asin", "atanh"}


def call_of(item: Function, output: str = "") -> str:
    """Return a call of a function with ordinary arguments."""
    given = [part.name for part in item.given]
    constants = [part.name for part in item.parameters if part.default is None]
    names = [*constants, *given] if item.name in ("on", "of") else [*given, *constants]
    arguments = [ARGUMENTS.get(name) or SERIES[name] for name in names]
    if item.name in BOUNDED:
        arguments = ["close / 1000"]
    if item.name == "mavp":
        arguments = ["close", "2 + hour()"]
    text = f"{item.name}({', '.join(arguments)})"
    return f"{text}.{output}" if output else text


def all_calls() -> list[str]:
    return [
        call_of(item, output) for item in FUNCTIONS.values() for output in item.outputs or ("",)
    ]


def test_talib_offers_all_its_functions() -> None:
    talib = load_talib()
    hidden = {"min", "max", "sum", "exp", "sqrt"}
    assert set(TALIB) | hidden == {name.lower() for name in talib.get_functions()}
    assert len(TALIB) == 196


def known(candles: Candles, bars: int) -> Candles:
    """Return so many candles and what was recorded up to the close of the last."""
    assert candles.recorded is not None
    close = int(candles.time[0]) + bars * candles.interval.ns
    return replace(candles[:bars], recorded=candles.recorded.until(close))


def test_every_function_gives_on_a_prefix_the_prefix_of_what_it_gives() -> None:
    candles = with_records(make_candles(600, 2))
    plan = make_plan({f"f{i}": call for i, call in enumerate(all_calls())}, records=RECORDS)
    whole = plan.evaluate(candles).features
    for cut in (0, 1, 5, 97, 250, 431, 599):
        part = plan.evaluate(known(candles, cut)).features
        for (name, array), call in zip(part.items(), all_calls(), strict=True):
            assert array.tobytes() == whole[name][:cut].copy("F").tobytes() or np.array_equal(
                array, whole[name][:cut], equal_nan=array.dtype != bool
            ), f"{call} cut at {cut}"


def test_every_function_is_without_a_value_in_its_declared_warm_up_only() -> None:
    candles = with_records(make_candles(600, 2, first=1))
    holes = {"fractal"}  # a value only where there is a swing
    for call in all_calls():
        plan = make_plan({"it": call}, records=RECORDS)
        array = plan.evaluate(candles).features["it"]
        if array.dtype == bool or call.partition("(")[0] in holes:
            continue
        nan = np.isnan(array)
        assert not nan[plan.warmup :].any(), call
        if not call.startswith("on("):
            assert nan[: plan.warmup].all(), call


def test_a_function_leaves_the_candles_as_they_were() -> None:
    candles = with_records(make_candles(600, 2))
    recorded = candles.recorded
    assert recorded is not None and recorded.books is not None and recorded.trades is not None
    kept = (candles, recorded.books, recorded.trades)
    before = [part.digest for part in kept]
    make_plan({f"f{i}": call for i, call in enumerate(all_calls())}, records=RECORDS).evaluate(
        candles
    )
    for part in kept:
        del part.__dict__["digest"]
    assert [part.digest for part in kept] == before


@pytest.mark.parametrize("name", TALIB)
def test_a_talib_function_equals_talib_called_directly(name: str) -> None:
    candles = make_candles(600, 1)
    talib = load_talib()
    columns = {
        c: candles.__getattribute__(c)[:, 0].copy() for c in ("open", "high", "low", "close")
    }
    columns["volume"] = candles.volume[:, 0].copy()
    item = FUNCTIONS[name]
    arrays = []
    for part in item.inputs:
        if not part.given:
            arrays.append(columns[part.name])
        elif name in BOUNDED:
            arrays.append(columns["close"] / 1000)
        elif part.name == "periods":
            arrays.append(2 + (candles.time // 3_600_000_000_000 % 24).astype(float))
        else:
            arrays.append(columns[SERIES[part.name]])
    expected = getattr(talib, name.upper())(*arrays)
    lookback = make_plan({"it": call_of(item, (item.outputs or ("",))[0])}).warmup
    for index, output in enumerate(item.outputs or ("",)):
        array = evaluate(call_of(item, output), candles)[:, 0]
        direct = expected[index] if item.outputs else expected
        if direct.dtype != np.float64:
            direct = direct.astype(float)
            direct[:lookback] = np.nan
        np.testing.assert_array_equal(array, direct)


def rolled(values: np.ndarray, bars: int, of: Callable[[list[float]], float]) -> np.ndarray:
    """Apply `of` to every window, the slow and obvious way."""
    made = np.full(len(values), np.nan)
    for i in range(bars - 1, len(values)):
        window = values[i - bars + 1 : i + 1].tolist()
        if not any(math.isnan(value) for value in window):
            made[i] = of(window)
    return made


def exact_mean(window: list[float]) -> float:
    return float(sum(map(Fraction, window)) / len(window))


def slow_rank(window: list[float]) -> float:
    last = window[-1]
    below = sum(value < last for value in window)
    return (below + 0.5 * (sum(value == last for value in window) - 1)) / (len(window) - 1)


@pytest.mark.parametrize("bars", [1, 2, 3, 20, 50])
def test_mean_and_sum_are_the_exact_ones_rounded_once(bars: int) -> None:
    candles = make_candles(500, 1, tick=0.01)
    close = candles.close[:, 0]
    exact = evaluate(f"mean(close, {bars})", candles)[:, 0]
    np.testing.assert_array_equal(exact, rolled(close, bars, exact_mean))
    total = evaluate(f"sum(close, {bars})", candles)[:, 0]
    np.testing.assert_array_equal(total, rolled(close, bars, math.fsum))


@pytest.mark.parametrize("bars", [2, 7, 60])
def test_rolling_functions_equal_their_slow_twins(bars: int) -> None:
    candles = make_candles(400, 1)
    close = candles.close[:, 0]
    exact = {
        "min(close, {})": min,
        "max(close, {})": max,
        "rank(close, {})": slow_rank,
    }
    near = {
        "std(close, {})": statistics.stdev,
        "quantile(close, {}, 0.3)": lambda window: float(np.quantile(window, 0.3)),
        "zscore(close, {})": lambda window: (
            (window[-1] - exact_mean(window)) / statistics.stdev(window)
            if statistics.stdev(window)
            else math.nan
        ),
    }
    for text, twin in exact.items():
        array = evaluate(text.format(bars), candles)[:, 0]
        np.testing.assert_array_equal(array, rolled(close, bars, twin))
    for text, twin in near.items():
        array = evaluate(text.format(bars), candles)[:, 0]
        np.testing.assert_allclose(array, rolled(close, bars, twin), rtol=1e-11)


def test_corr_equals_its_slow_twin() -> None:
    candles = make_candles(300, 1)
    array = evaluate("corr(close, volume, 12)", candles)[:, 0]
    x, y = candles.close[:, 0], candles.volume[:, 0]
    for i in range(11, 300):
        twin = statistics.correlation(x[i - 11 : i + 1].tolist(), y[i - 11 : i + 1].tolist())
        assert array[i] == pytest.approx(twin, abs=1e-11)


def test_changes_and_values_by_hand() -> None:
    candles = make_candles(50, 1)
    close = candles.close[:, 0]
    for text, twin in {
        "diff(close, 3)": lambda i: close[i] - close[i - 3],
        "returns(close, 3)": lambda i: close[i] / close[i - 3] - 1,
        "log_returns(close, 3)": lambda i: math.log(close[i] / close[i - 3]),
        "close[3]": lambda i: close[i - 3],
        "shift(close, 3)": lambda i: close[i - 3],
        "clip(close, 99.5, 100.5)": lambda i: min(max(close[i], 99.5), 100.5),
        "abs(close - 100)": lambda i: abs(close[i] - 100),
        "sign(close - close[1])": lambda i: np.sign(close[i] - close[i - 1]),
        "where(close > 100, 1, close)": lambda i: 1.0 if close[i] > 100 else close[i],
    }.items():
        array = evaluate(text, candles)[:, 0]
        assert [array[i] for i in range(3, 50)] == pytest.approx(
            [twin(i) for i in range(3, 50)], rel=1e-15, abs=1e-15
        ), text


def test_hour_and_weekday_are_those_of_the_opening_in_utc() -> None:
    candles = make_candles(200, 1, interval="1h")  # from Thursday 1970-01-01 00:00 UTC on
    assert evaluate("hour()", candles)[[0, 23, 24, 50], 0].tolist() == [0, 23, 0, 2]
    assert evaluate("weekday()", candles)[[0, 23, 24, 96], 0].tolist() == [3, 3, 4, 0]


def test_crossing_is_above_now_and_not_above_one_bar_ago() -> None:
    candles = with_close(make_candles(7, 1), [1, 2, 3, 2, 2, 3, 1])
    above = evaluate("cross_above(close, 2)", candles)[:, 0]
    below = evaluate("cross_below(close, 2)", candles)[:, 0]
    assert above.tolist() == [False, False, True, False, False, True, False]
    assert below.tolist() == [False, False, False, False, False, False, True]


def with_close(candles: Candles, close: list[float]) -> Candles:
    """Return candles whose close is given and whose other columns do not matter."""
    import dataclasses

    array = np.array(close, float)[:, None]
    return dataclasses.replace(candles, close=array)


def test_averages_of_a_flat_market_never_cross() -> None:
    prices = [0.1, 0.3, 0.7, 1.1] * 30 + [0.1] * 200
    candles = with_close(make_candles(len(prices), 1), prices)
    crossed = evaluate("cross_above(mean(close, 7), mean(close, 30))", candles)[:, 0]
    assert not crossed[150:].any()
    assert set(evaluate("mean(close, 30)", candles)[150:, 0]) == {0.1}
    assert set(evaluate("std(close, 30)", candles)[150:, 0]) == {0.0}


def test_ties_of_two_averages_are_decided_by_the_values() -> None:
    candles = make_candles(9_000, 1, tick=0.25)  # quarters have no rounding of their own
    above = evaluate("mean(close, 16) > mean(close, 32)", candles)[:, 0]
    quarters = np.rint(candles.close[:, 0] * 4).astype(np.int64)
    total = np.concatenate([[0], np.cumsum(quarters)])
    fast, slow = total[32:] - total[16:-16], total[32:] - total[:-32]
    assert (2 * fast == slow).sum() > 10
    np.testing.assert_array_equal(above[31:], 2 * fast > slow)


WINDOWS = "mean(it, 5)|sum(it, 5)|std(it, 5)|min(it, 5)|max(it, 5)|rank(it, 5)"
WINDOWS += "|quantile(it, 5, 0.5)|corr(it, high, 5)|zscore(it, 5)"


@pytest.mark.parametrize("text", WINDOWS.split("|"))
def test_a_window_recovers_when_a_missing_value_has_left_it(text: str) -> None:
    candles = make_candles(60, 1, seed=3)
    holed = candles.close.copy()
    holed[20] = np.nan
    outputs = {"forecast": holed}
    plan = make_plan({"it": text.replace("it", "forecast")}, model_outputs=["forecast"])
    array = plan.evaluate(candles, outputs).features["it"][:, 0]
    clean = evaluate(text.replace("it", "close"), candles)[:, 0]
    assert np.flatnonzero(np.isnan(array)).tolist() == [0, 1, 2, 3, 20, 21, 22, 23, 24]
    np.testing.assert_allclose(array[25:], clean[25:], rtol=1e-12)


def test_a_mean_is_exact_again_after_an_outlier() -> None:
    prices = [1.1] * 10 + [1e20] + [1.1] * 20_000
    array = evaluate("mean(close, 5)", with_close(make_candles(len(prices), 1), prices))[:, 0]
    assert set(array[9_000:]) == {1.1}
    np.testing.assert_allclose(array[20:], 1.1, rtol=1e-14)


def test_standard_deviation_keeps_its_digits_far_from_zero() -> None:
    generator = np.random.default_rng(5)
    noise = np.round(generator.normal(0, 1, 3_000), 3) / 1024
    prices = (2.0**20 + np.repeat([0.0, 1e5, 3e5], 1_000) + noise).tolist()
    array = evaluate("std(close, 30)", with_close(make_candles(len(prices), 1), prices))[:, 0]
    for i in (500, 999, 1_040, 1_900, 2_040, 2_999):
        assert array[i] == pytest.approx(statistics.stdev(prices[i - 29 : i + 1]), rel=1e-9)


def test_cross_section_rank_leaves_out_pairs_without_a_value() -> None:
    candles = make_candles(4, 3)
    close = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 1.0], [np.nan, 5.0, 4.0], [np.nan, np.nan, 1.0]])
    plan = make_plan({"it": "xrank(forecast)"}, model_outputs=["forecast"])
    array = plan.evaluate(candles, {"forecast": close}).features["it"]
    expected = [[0, 0.5, 1], [0.75, 0.75, 0], [np.nan, 1, 0], [np.nan, np.nan, 0.5]]
    np.testing.assert_array_equal(array, expected)


def test_the_page_of_functions_is_up_to_date() -> None:
    from pathlib import Path

    from framework.strategy.document import functions_page

    page = Path(__file__).parents[2] / "docs" / "functions.md"
    assert page.read_text(encoding="utf-8") == functions_page(), (
        "run python -m framework.strategy.document"
    )


def test_every_function_says_what_it_does_and_where_it_is_from() -> None:
    for item in FUNCTIONS.values():
        assert item.summary.endswith("."), item.name
        assert item.source, item.name
