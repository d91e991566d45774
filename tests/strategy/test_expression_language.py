"""The reader of expressions under random text, and random expressions against plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategy_data import make_candles, make_plan

from framework.errors import UserError

BARS = 30
CANDLES = make_candles(BARS, 1, seed=11)
COLUMNS = {name: getattr(CANDLES, name)[:, 0].tolist() for name in ("open", "high", "close")}
PARAMS = {"fast": 3, "level": 99.5}


@dataclass(frozen=True)
class Twin:
    """An expression's text and what it is at each bar; None is a condition that is unknown."""

    text: str
    values: list[Any]


def number(value: float) -> float:
    """Return a value as NumPy would hand it on."""
    return float(value)


def divided(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)


COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def compared(word: str, a: float, b: float) -> bool | None:
    return None if math.isnan(a) or math.isnan(b) else COMPARISONS[word](a, b)


def both(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def contrary(a: bool | None) -> bool | None:
    return None if a is None else not a


LEAVES = st.one_of(
    st.sampled_from([Twin(name, values) for name, values in COLUMNS.items()]),
    st.sampled_from([Twin(name, [float(value)] * BARS) for name, value in PARAMS.items()]),
    st.integers(0, 9).map(lambda n: Twin(f"{n}", [float(n)] * BARS)),
)


def grow_numbers(inner: st.SearchStrategy[Twin]) -> st.SearchStrategy[Twin]:
    def binary(word: str, a: Twin, b: Twin) -> Twin:
        operate = {
            "+": lambda x, y: x + y,
            "-": lambda x, y: x - y,
            "*": lambda x, y: x * y,
        }[word]
        values = [operate(x, y) for x, y in zip(a.values, b.values, strict=True)]
        return Twin(f"({a.text} {word} {b.text})", values)

    def over_close(a: Twin) -> Twin:
        values = [divided(x, y) for x, y in zip(a.values, COLUMNS["close"], strict=True)]
        return Twin(f"(({a.text}) / close)", values)

    def shifted(a: Twin, bars: int) -> Twin:
        if len(set(a.values)) == 1:  # a constant is the same at all times
            return a
        return Twin(f"({a.text})[{bars}]", [math.nan] * bars + a.values[: BARS - bars])

    return st.one_of(
        st.builds(binary, st.sampled_from("+-*"), inner, inner),
        st.builds(over_close, inner),
        st.builds(lambda a: Twin(f"-({a.text})", [-x for x in a.values]), inner),
        st.builds(
            shifted, st.sampled_from([Twin(n, v) for n, v in COLUMNS.items()]), st.integers(1, 4)
        ),
    )


NUMBERS = st.recursive(LEAVES, grow_numbers, max_leaves=6)


def condition_of(word: str, a: Twin, b: Twin) -> Twin:
    values = [compared(word, x, y) for x, y in zip(a.values, b.values, strict=True)]
    return Twin(f"{a.text} {word} {b.text}", values)


def grow_conditions(inner: st.SearchStrategy[Twin]) -> st.SearchStrategy[Twin]:
    def joined(word: str, a: Twin, b: Twin) -> Twin:
        if word == "and":
            values = [both(x, y) for x, y in zip(a.values, b.values, strict=True)]
        else:
            values = [
                contrary(both(contrary(x), contrary(y)))
                for x, y in zip(a.values, b.values, strict=True)
            ]
        return Twin(f"({a.text}) {word} ({b.text})", values)

    return st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(lambda a: Twin(f"not ({a.text})", [contrary(x) for x in a.values]), inner),
    )


CONDITIONS = st.recursive(
    st.builds(condition_of, st.sampled_from(list(COMPARISONS)), NUMBERS, NUMBERS),
    grow_conditions,
    max_leaves=5,
)


def canonical(text: str) -> str:
    """Return an expression's canonical text."""
    line = make_plan({"it": text}, params=PARAMS).describe()[0]
    return line.removeprefix("features.it: ").rpartition(" (warm-up")[0]


@settings(max_examples=150, deadline=None)
@given(NUMBERS)
def test_numbers_are_what_plain_python_makes_of_them(twin: Twin) -> None:
    plan = make_plan({"it": twin.text}, params=PARAMS)
    array = plan.evaluate(CANDLES).features["it"][:, 0]
    np.testing.assert_array_equal(array, twin.values)


@settings(max_examples=150, deadline=None)
@given(CONDITIONS)
def test_conditions_are_what_plain_python_makes_of_them(twin: Twin) -> None:
    plan = make_plan({}, enter=twin.text, params=PARAMS)
    array = plan.evaluate(CANDLES).signals.enter
    assert array is not None
    assert array[:, 0].tolist() == [value is True for value in twin.values]


@settings(max_examples=150, deadline=None)
@given(st.one_of(NUMBERS, CONDITIONS))
def test_canonical_text_is_its_own_canonical_text_and_means_the_same(twin: Twin) -> None:
    text = canonical(twin.text)
    assert canonical(text) == text
    first = make_plan({"it": twin.text}, params=PARAMS).evaluate(CANDLES).features["it"]
    second = make_plan({"it": text}, params=PARAMS).evaluate(CANDLES).features["it"]
    np.testing.assert_array_equal(first, second)


WORDS = st.sampled_from(
    "close open ema mean macd on of where shift not and or if else lambda ( ) [ ] , . : + - * / ** "
    "< > == = & | ~ ! @ 1 20 0.5 1e400 -1 '1d' \"x\" \\ # ; None True fast signal import for in "
    "f'{x}' := ... \n \t { } ^ % // 1j 0x1F 1_0 é 𝟙 ２ __class__".split(" ")
)


def refused_or_compiled(text: str) -> None:
    try:
        make_plan({}, enter=text, params=PARAMS)
    except UserError as error:
        assert all(line.startswith("strategy.enter: ") for line in error.faults)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=14))
def test_random_words_are_refused_in_lines_or_compiled(words: list[str]) -> None:
    refused_or_compiled(" ".join(words))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_random_text_is_refused_in_lines_or_compiled(text: str) -> None:
    refused_or_compiled(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("((close))", "close"),
        ("close>ema( close,2*fast )", "close > ema(close, 6)"),
        ("ema(x=close, timeperiod=5)", "ema(close, 5)"),
        ("ema(close)", "ema(close, 30)"),
        ("not (close > open or high <= close)", "close <= open and high > close"),
        ("1 < close <= 5 != open", "1 < close and close <= 5 and 5 != open"),
        ("-close ** 2", "-close ** 2"),
        ("(-close) ** 2", "(-close) ** 2"),
        ("close - (open - high)", "close - (open - high)"),
        ("(close - open) - high", "close - open - high"),
        ("shift(close + 1, 2)", "(close + 1)[2]"),
        ("close[0]", "close"),
        ("macd(close).macdsignal", "macd(close, 12, 26, 9).signal"),
        ("stoch().k", "stoch(5, 3, 0, 3, 0).slowk"),
        ("sqrt(4 * 4) * close", "4 * close"),
        ("where(fast > 2, close, open)", "close"),
        ("on(trend, close)", "on('1d', close)"),
        ("not on('1h', close > open)", "on('1h', close <= open)"),
    ],
)
def test_canonical_text_by_hand(text: str, expected: str) -> None:
    plan = make_plan({"it": text}, params={**PARAMS, "trend": "1d"})
    assert plan.describe()[0].startswith(f"features.it: {expected} (warm-up")
