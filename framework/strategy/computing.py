"""Compute calls of functions: pair by pair, value by value, or across the pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from framework.errors import UserError
from framework.strategy.function import Function, Input
from framework.strategy.node import Node


def runner(
    function: Function, parts: Sequence[Node], values: Mapping[str, int | float]
) -> Callable[[Any], Any]:
    """Return what computes a call from a context."""
    call, scope = function.call, function.scope
    if scope == "every":
        return lambda context: call(*(context.value(part) for part in parts), **values)
    if scope == "cross_section":

        def across(context: Any) -> Any:
            everyone = context.across()
            if context is not everyone:
                return across_value(everyone)[:, context.columns]
            return across_value(context)

        def across_value(context: Any) -> Any:
            return call(*(context.series(part) for part in parts), **values)

        return across
    by_name = dict(zip((item.name for item in function.given), parts, strict=True))
    sources = [(item, by_name.get(item.name)) for item in function.inputs]
    outputs = len(function.outputs)
    checked = function.group == "Plug-ins"

    def run(context: Any) -> Any:
        bars, pairs = context.shape
        columns = [_columns(context, item, part) for item, part in sources]
        if not bars:
            empty = np.full((0, pairs), np.nan)
            return (empty,) * outputs if outputs else empty
        made = [call(*(column(pair) for column in columns), **values) for pair in range(pairs)]
        if outputs:
            return tuple(np.array([item[i] for item in made]).T for i in range(outputs))
        if checked:
            _check_made(function, made, bars)
        return made[0].reshape(bars, 1) if pairs == 1 else np.array(made).T

    return run


def _columns(context: Any, item: Input, part: Node | None) -> Callable[[int], Any]:
    """Return what gives an input of a function for each pair."""
    if item.kind in ("books", "trades"):
        return lambda pair: context.recorded(item.kind, pair)
    if part is not None:
        array = context.series(part)
    else:
        array = context.time[:, None] if item.name == "time" else context.column(item.name)
    return lambda pair: array[:, min(pair, array.shape[1] - 1)]


def _check_made(function: Function, made: Sequence[Any], bars: int) -> None:
    """Refuse what a plug-in must not give."""
    wanted = np.bool_ if function.gives == "condition" else np.float64
    for array in made:
        if not isinstance(array, np.ndarray) or array.shape != (bars,) or array.dtype != wanted:
            was = getattr(array, "dtype", type(array).__name__)
            raise UserError(
                f"plugins: {function.name}() must give a ({bars},) array of {wanted.__name__} "
                f"(was {was}, shape {getattr(array, 'shape', '()')})."
            )
