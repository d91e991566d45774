"""Every way of getting an expression wrong that was thought of, with the exact line it is told in."""

# ruff: noqa: E501  (each message is asserted as the one line that it is)
from __future__ import annotations

import pytest
from pydantic import ValidationError
from strategy_data import evaluate, make_candles, make_plan

from framework.errors import UserError
from framework.strategy.spec import StrategySpec
from framework.types import Interval

PARAMS = {"fast": 20, "slow": 50, "trend": "1d"}
FEATURES = {"ema_fast": "ema(close, fast)", "ema_slow": "ema(close, slow)"}
PAIRS = ["BTC-AUD", "ETH-AUD"]

WRONG = [
    ("close >", "cannot be read at column 8, where it ends."),
    ("(close", "cannot be read at column 1, near '(close'; it has 1 '(' and 0 ')'."),
    ("close = 3", "cannot be read at column 7, near '= 3'; equality is written '=='."),
    ("close > ema(close, 20))", "cannot be read at column 23, near ')'; it has 1 '(' and 2 ')'."),
    (
        "close > 1 && open > 1",
        "cannot be read at column 12, near '& open > 1'; write 'and' and 'or'.",
    ),
    ("", "is empty; write an expression, such as close > ema(close, 20)."),
    (
        "ema_fst > ema_slow",
        "'ema_fst' is no feature, column or model output. Did you mean 'ema_fast'?",
    ),
    ("closee > 1", "'closee' is no feature, column or model output. Did you mean 'close'?"),
    ("ema > 3", "'ema' is a function; write ema(x, timeperiod=30)."),
    ("emaa(close) > 3", "'emaa' is no function. Did you mean 'ema'?"),
    ("quick(3) > 1", "'quick' is no function. Did you mean 'qstick'?"),
    ("close.signal > 1", "close has no outputs to name (was .signal)."),
    (
        "macd(close) > 1",
        "macd(close, 12, 26, 9) has several outputs; name one of them: macd, signal, hist.",
    ),
    (
        "macd(close).sgnal > 0",
        "macd(close, 12, 26, 9) has no output 'sgnal'. Did you mean 'signal'?",
    ),
    (
        "macd(close).foo > 0",
        "macd(close, 12, 26, 9) has no output 'foo'. Choices: macd, signal, hist.",
    ),
    (
        "bbands(close).up > 0",
        "bbands(close, 20, 2.0, 2.0, 0) has no output 'up'. Did you mean 'upper'?",
    ),
    ("ema(close, 200000) > 1", "ema(): 'timeperiod' must be at most 100,000 (was 200000)."),
    (
        "ema(close, fast / 3) > 1",
        "ema(): 'timeperiod' must be a whole number (was 6.666666666666667); '//' divides into whole.",
    ),
    (
        "ema(close, 2.5) > 1",
        "ema(): 'timeperiod' must be a whole number (was 2.5); '//' divides into whole.",
    ),
    (
        "ema(close, open) > 1",
        "ema(): 'timeperiod' must be a whole number known beforehand (was open).",
    ),
    ("ema(20) > 1", "ema(): 'x' must be a series, such as close (was 20): ema(x, timeperiod=30)."),
    ("ema(close, 20, 30) > 1", "ema() takes at most 2 arguments (was 3): ema(x, timeperiod=30)."),
    ("ema(close, len=20) > 1", "ema() has no argument 'len'. Choices: timeperiod, x."),
    ("ema(close, timeperiod=20, timeperiod=3) > 1", "ema(): 'timeperiod' is given twice."),
    ("mean(close) > 1", "mean() lacks 'bars': mean(x, bars)."),
    ("mean(close, -5) > 1", "mean(): 'bars' must not be negative, that looks forward (was -5)."),
    ("mean(close, 0) > 1", "mean(): 'bars' must be at least 1 (was 0)."),
    ("mean(close, 2000000) > 1", "mean(): 'bars' must be at most 1,000,000 (was 2000000)."),
    ("std(close, 1) > 1", "std(): 'bars' must be at least 2 (was 1)."),
    (
        "max(close, open) > 1",
        "max(): 'bars' must be a whole number known beforehand (was open); of two series a and b, write where(a > b, a, b).",
    ),
    ("quantile(close, 10, 1.5) > 1", "quantile(): 'level' must be at most 1 (was 1.5)."),
    ("close[-1] > close", "close[-1] looks forward; bars ago count from 0 (was -1)."),
    ("shift(close, -1) > close", "shift(close, -1) looks forward; bars ago count from 0 (was -1)."),
    (
        "close[open] > 1",
        "close[open]: bars ago must be a whole number known beforehand (was open).",
    ),
    ("close[1.5] > 1", "close[1.5]: bars ago must be a whole number known beforehand (was 1.5)."),
    ("close[1:3] > 1", "a slice is not part of expressions; x[n] is x n bars ago."),
    (
        "close > 1 + (open > 2)",
        "'+' needs numbers (was a condition: open > 2); where(open > 2, 1, 0) makes a number of it.",
    ),
    (
        "close and open > 1",
        "'and' needs a condition (was a series of numbers: close); compare it, such as close > 0.",
    ),
    (
        "not close",
        "'not' needs a condition (was a series of numbers: close); compare it, such as close > 0.",
    ),
    (
        "close",
        "enter needs a condition (was a series of numbers: close); compare it, such as close > 0.",
    ),
    (
        "'x' > 1",
        "'>' takes no text (was a text: 'x'); texts name intervals and pairs in on and of.",
    ),
    (
        "close > 'a'",
        "'>' takes no text (was a text: 'a'); texts name intervals and pairs in on and of.",
    ),
    ("close if up else open", "'x if c else y' is not part of expressions; write where(c, x, y)."),
    ("(close > 1) & (open > 1)", "'&' is not part of expressions; write 'and'."),
    ("(close > 1) | (open > 1)", "'|' is not part of expressions; write 'or'."),
    ("~(close > 1)", "'~' is not part of expressions; write 'not'."),
    ("lambda: 1", "'lambda' is not part of expressions."),
    ("[c for c in close] > 1", "a comprehension is not part of expressions."),
    ("(x := close) > 1", "':=' is not part of expressions; name it under features:."),
    ("f'{close}' > 1", "an f-string is not part of expressions."),
    ("close.__class__ > 1", "'.__class__' is no output of a function."),
    (
        "__import__('os').system('x')",
        "only functions of the expression language can be called, by their name.",
    ),
    ("open.close() > 1", "only functions of the expression language can be called, by their name."),
    ("close in (1, 2)", "'in' is not part of expressions; write x == a or x == b."),
    ("close is None", "'is' is not part of expressions; write '=='."),
    ("None", "None is not part of expressions."),
    ("1j > close", "1j is not part of expressions."),
    ("on('1d') > 1", "on() lacks 'x': on(interval, x)."),
    (
        "on('5m', close) > 1",
        "on(): '5m' must be longer than 15m and made of whole 15m candles. Choices: 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w.",
    ),
    (
        "on('20m', close) > 1",
        "on(): '20m' must be longer than 15m and made of whole 15m candles. Choices: 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 1w.",
    ),
    (
        "on('1x', close) > 1",
        "on(): '1x' is no interval: a count and one of s m h d w, such as 15m.",
    ),
    ("on(1, close) > 1", "on(): the interval must be a text, such as '1d' (was 1)."),
    (
        "on('1h', on('30m', close)) > 1",
        "on(): '30m' must be longer than 1h and made of whole 1h candles. Choices: 2h, 4h, 6h, 8h, 12h, 1d, 1w.",
    ),
    ("on('1h', p_up) > 1", "'p_up' is a model's output, but the chosen model does not give it."),
    ("of('BTC-USD', close) > 1", "of(): 'BTC-USD' is no pair of this run. Did you mean 'BTC-AUD'?"),
    ("of(3, close) > 1", "of(): the pair must be a text, such as 'BTC-AUD' (was 3)."),
    ("p_up > 0.5", "'p_up' is a model's output, but the chosen model does not give it."),
    (
        "bid > 1",
        "'bid' needs recorded order books, and the exchange has none; exchange.from_store=true "
        "reads what mode=collect recorded.",
    ),
    (
        "signed_volume() > 1",
        "'signed_volume' needs recorded trades, and the exchange has none; exchange.from_store=true "
        "reads what mode=collect recorded.",
    ),
    ("close > 10 ** 20", "10 ** 20 must be a number between -1e15 and 1e15."),
    ("close > 9 ** 9 ** 9", "9 ** 387420489 must be a number between -1e15 and 1e15."),
    ("close > 1 / 0", "'/' divides by zero."),
    (
        "where(close, 1, 2) > 1",
        "where() needs a condition (was a series of numbers: close); compare it, such as close > 0.",
    ),
    (
        "where(close > 1, close > 2, 3)",
        "where() needs numbers (was a condition: close > 2); where(close > 2, 1, 0) makes a number of it.",
    ),
    ("sqrt(-1) > close", "sqrt(-1) must be a number between -1e15 and 1e15."),
    ("ema(*close) > 1", "'*' before an argument is not part of expressions."),
    ("close > ema(close, **fast)", "ema() has no argument '**'. Choices: timeperiod, x."),
    ("close ! open", "cannot be read at column 7, near '! open'; write 'not'."),
    ("5 > [1, 2]", "a list of values is not part of expressions."),
    ("hour(3) > 1", "hour() takes at most 0 arguments (was 1): hour()."),
    (
        "rsi(close, trend) > 1",
        "rsi(): 'timeperiod' must be a whole number known beforehand (was '1d').",
    ),
    (
        "trend > close",
        "'>' takes no text (was a text: '1d'); texts name intervals and pairs in on and of.",
    ),
    ("ema(close, 0) > 1", "ema(): 'timeperiod' must be at least 1 (was 0)."),
    ("ema(close, 100001) > 1", "ema(): 'timeperiod' must be at most 100,000 (was 100001)."),
    ("ema(close, timeperiod=-3) > 1", "ema(): 'timeperiod' must be at least 1 (was -3)."),
    ("bbands(close, 20, 2, 2, 99).upper > 1", "bbands(): 'matype' must be at most 13 (was 99)."),
    ("macd(close, 1, 0).macd > 1", "macd(): 'fastperiod' must be at least 2 (was 1)."),
    (
        "ema(close, 10 ** 14) > 1",
        "ema(): 'timeperiod' must be at most 1,000,000 (was 100000000000000).",
    ),
    ("close > (", "cannot be read at column 9, near '('; it has 1 '(' and 0 ')'."),
    ("close > 'abc", "cannot be read at column 9, near ''abc'."),
    ("sar(-1) > 1", "sar(): 'acceleration' must be at least 0 (was -1)."),
    ("rank(close, 1) > 0", "rank(): 'bars' must be at least 2 (was 1)."),
    (
        "-(close > 1)",
        "'-' needs numbers (was a condition: close > 1); where(close > 1, 1, 0) makes a number of it.",
    ),
    ("close.", "cannot be read at column 7, where it ends."),
    ("1 < close > ", "cannot be read at column 12, where it ends."),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_a_wrong_expression_is_told_in_one_line(text: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        make_plan(FEATURES, enter=text, params=PARAMS, pairs=PAIRS)
    assert str(caught.value) == f"strategy.enter: {line}"
    assert "\n" not in line


WRONG_FEATURES = [
    ({"a": "b + 1", "b": "a + 1"}, ["features.a: refers to itself: b -> a -> b."]),
    ({"a": "a[1]"}, ["features.a: refers to itself: a -> a."]),
    (
        {"close": "open"},
        ["features.close: 'close' is a candle column already; choose another name."],
    ),
    ({"rsi": "rsi(close)"}, ["features.rsi: 'rsi' is a function already; choose another name."]),
    ({"mean": "close"}, ["features.mean: 'mean' is a function already; choose another name."]),
    ({"p_up": "close"}, ["features.p_up: 'p_up' is a model output already; choose another name."]),
    (
        {"bid": "close"},
        ["features.bid: 'bid' is a recorded column already; choose another name."],
    ),
    ({"nan": "close"}, ["features.nan: 'nan' is the absent value already; choose another name."]),
    ({"fast": "close"}, ["features.fast: 'fast' is a parameter already; choose another name."]),
    (
        {"2x": "close"},
        ["features.2x: must be a name of letters, digits and '_', from a letter on (was '2x')."],
    ),
    (
        {"and": "close"},
        ["features.and: must be a name of letters, digits and '_', from a letter on (was 'and')."],
    ),
    (
        {"m": "macd(close)"},
        [
            "features.m: macd(close, 12, 26, 9) has several outputs; name one of them: "
            "macd, signal, hist."
        ],
    ),
    (
        {"t": "'x'"},
        [
            "features.t: t takes no text (was a text: 'x'); texts name intervals and pairs in on and of."
        ],
    ),
    (
        {"a": "clos", "b": "ema(a, 3)", "c": "opn"},
        [
            "features.a: 'clos' is no feature, column or model output. Did you mean 'close'?",
            "features.c: 'opn' is no feature, column or model output. Did you mean 'open'?",
        ],
    ),
]


@pytest.mark.parametrize(("features", "lines"), WRONG_FEATURES)
def test_a_wrong_feature_is_told_at_its_own_path(
    features: dict[str, str], lines: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        make_plan(features, params=PARAMS)
    assert list(caught.value.faults) == lines


def test_every_fault_of_every_expression_is_told_at_once() -> None:
    with pytest.raises(UserError) as caught:
        make_plan(
            {"quick": "emaa(close, fast)", "slowly": "ema(close,"},
            enter="quick > slowly and clsoe > 1 and close + 'a' > opn",
            exit="close[-1] > 1",
            params={"fast": 20, "high": 1},
        )
    paths = [line.partition(":")[0] for line in caught.value.faults]
    assert paths == [
        "strategy.params.high",
        "features.slowly",
        "features.quick",
        *["strategy.enter"] * 3,
        "strategy.exit",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 150 + "close" + ")" * 150,
        "-" * 3_000 + "close",
        " + ".join(["close"] * 200),
        "close" * 1_000,
        "ema(" * 100 + "close" + ")" * 100,
        "not " * 900 + "close > 1",
        "close" + "[1]" * 500,
        "9" * 3_900,
        "\x00",
        "close \ud800",
    ],
)
def test_what_could_hang_or_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        make_plan({}, enter=text)
    assert len(caught.value.faults) == 1


def test_features_that_double_each_other_stay_small() -> None:
    features = {"f0": "close"} | {f"f{i}": f"f{i - 1} + f{i - 1}" for i in range(1, 50)}
    plan = make_plan(features)
    array = plan.evaluate(make_candles(10, 1)).features["f49"]
    assert array[3, 0] == make_candles(10, 1).close[3, 0] * 2.0**49


def test_a_long_chain_of_features_is_refused_in_one_line() -> None:
    features = {f"f{i}": f"f{i + 1} + 1" for i in range(400)} | {"f400": "close"}
    with pytest.raises(UserError, match="nested more than 64 deep") as caught:
        make_plan(features)
    assert len(caught.value.faults) == 1


def test_a_pair_that_the_data_lacks_is_told_when_it_comes() -> None:
    with pytest.raises(UserError, match=r"of\('XX-AUD', \.\.\.\): no pair of this run"):
        evaluate("of('XX-AUD', close)", make_candles(10, 2))


def test_rules_are_either_enter_and_exit_or_a_target() -> None:
    interval = Interval.parse("15m")
    with pytest.raises(ValidationError, match="either enter and exit, or target, not both"):
        StrategySpec(name="x", interval=interval, enter="True", exit="False", target="1")
    with pytest.raises(ValidationError, match=r"give enter and exit, or target \(missing: exit\)"):
        StrategySpec(name="x", interval=interval, enter="True")


def test_a_number_or_boolean_in_yaml_is_an_expression() -> None:
    spec = StrategySpec(name="x", interval="1h", target=1, confidence=0.5)  # type: ignore[arg-type]
    assert (spec.target, spec.confidence) == ("1", "0.5")
    spec = StrategySpec(name="x", interval="1h", enter=True, exit=False)  # type: ignore[arg-type]
    assert (spec.enter, spec.exit) == ("True", "False")
