"""TA-Lib's functions as functions of the expression language, described by TA-Lib itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from framework.strategy.function import MAX_BARS, Function, Input, Parameter
from framework.strategy.memory import Memory
from framework.strategy.talib_module import load_talib
from framework.types import FloatArray

_WINDOWED = frozenset(
    """acos add asin atan avgprice bop ceil cos cosh div donchian floor ln log10 marketfi medprice
    midprice mom mult roc rocp rocr rocr100 sin sinh sub tan tanh trange typprice wclprice willr
    """.split()
)
"""Rest on the bars of their look-back alone; all others carry sums or recursions from the first."""

_SOURCE = "TA-Lib {version}, {function}"


@cache
def talib_names() -> frozenset[str]:
    """Return the names of all of TA-Lib's functions, in lower case."""
    return frozenset(name.lower() for name in load_talib().get_functions())


@cache
def talib_function(name: str) -> Function:
    """Return TA-Lib's function `name` (lower case), read from its own description of it."""
    talib = load_talib()
    code = name.upper()
    described = talib.abstract.Function(code)
    info = described.info
    parameters = tuple(
        Parameter(key, "float", default)
        if isinstance(default, float)
        else Parameter(key, "int", default, -MAX_BARS, MAX_BARS)
        for key, default in info["parameters"].items()
    )
    raw = tuple(info["output_names"])
    outputs, aliases = _short_names(name, raw) if len(raw) > 1 else ((), {})
    inputs = _inputs(info["input_names"])
    lookback = _lookback(code)
    return Function(
        name=name,
        group=f"TA-Lib: {info['group']}",
        summary=f"{info['display_name']}.",
        inputs=inputs,
        parameters=parameters,
        outputs=outputs,
        aliases=aliases,
        gives="number",
        scope="pair",
        warm_up=lookback,
        warm_up_text=f"{described.lookback} by default" if described.lookback else "none",
        memory=(lambda **values: Memory(lookback(**values))) if name in _WINDOWED else None,
        source=_SOURCE.format(version=talib.__version__, function=code),
        call=_caller(getattr(talib._ta_lib, code), len(inputs), lookback),
    )


def _inputs(names: dict[str, Any]) -> tuple[Input, ...]:
    """Return real inputs, which a call names, and price columns, which TA-Lib implies."""
    letters = iter("xyz")
    inputs: list[Input] = []
    for key, value in names.items():
        if isinstance(value, list):
            inputs.extend(Input(column, given=False) for column in value)
        else:
            inputs.append(Input("periods" if key == "periods" else next(letters)))
    return tuple(inputs)


def _lookback(code: str) -> Callable[..., int]:
    """Return the rule for the leading bars without a value; -1 for parameters out of range."""

    def bars(**values: float) -> int:
        described = load_talib().abstract.Function(code)
        if values:
            described.parameters = values
        found: int = described.lookback
        return found

    return bars


def _short_names(name: str, raw: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the outputs' names without what they repeat, and the longer ones as aliases.

    >>> _short_names("macd", ("macd", "macdsignal", "macdhist"))[0]
    ('macd', 'signal', 'hist')
    """
    prefixes = [prefix for prefix in (name, raw[0]) if all(o.startswith(prefix) for o in raw)]
    prefix = max(prefixes, key=len, default="")
    short = tuple(output.removeprefix(prefix).removesuffix("band") or output for output in raw)
    aliases = {output: made for output, made in zip(raw, short, strict=True) if output != made}
    if short[-1].endswith("d") and short[-2].endswith("k"):
        aliases.update({"k": short[-2], "d": short[-1]} if len(raw) == 2 else {})
    return short, aliases


def _caller(
    code: Callable[..., Any], inputs: int, lookback: Callable[..., int]
) -> Callable[..., Any]:
    """Return a call that gives whole numbers as float64, NaN in the warm-up as everywhere else.

    TA-Lib itself gives 0 for a whole number within the warm-up.
    """

    def as_float(array: Any, arrays: tuple[FloatArray, ...], values: dict[str, float]) -> Any:
        if array.dtype == np.float64:
            return array
        made = array.astype(np.float64)
        unknown = np.isnan(arrays[0])
        for other in arrays[1:]:
            unknown |= np.isnan(other)
        first = len(made) if unknown.all() else int(np.argmin(unknown)) + lookback(**values)
        made[:first] = np.nan
        return made

    def call(*arguments: Any, **values: float) -> Any:
        arrays = arguments[:inputs]
        result = code(*arrays, **values)
        if isinstance(result, tuple):
            return tuple(as_float(item, arrays, values) for item in result)
        return as_float(result, arrays, values)

    return call
