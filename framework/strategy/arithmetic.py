"""Operators: how constants are folded, and how arrays are computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from framework.strategy.parse import Wrong

LARGEST = 1e15
"""Constants beyond it are refused: they could only be a mistake."""

ARRAY: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
    "**": np.power,
}

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": lambda a, b: np.logical_or(np.less(a, b), np.greater(a, b)),  # false with NaN
}

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}

Number = int | float


def fold(operator: str, left: Number, right: Number) -> Number:
    """Return the constant that an operator makes of two; whole numbers stay whole where they can.

    Raises
    ------
    Wrong
        A division by zero, or a result that is no number or beyond `LARGEST`.
    """
    if operator in ("/", "//", "%") and right == 0:
        raise Wrong(f"'{operator}' divides by zero.")
    try:
        made = _folded(operator, left, right)
    except (OverflowError, ZeroDivisionError, ValueError):
        made = math.nan
    return checked(made, f"{left} {operator} {right}")


def _folded(operator: str, left: Number, right: Number) -> Any:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if operator == "/":
        return left / right
    if operator == "//":
        return left // right
    if operator == "%":
        return left % right
    power = float(left) ** float(right)
    whole = isinstance(left, int) and isinstance(right, int) and right >= 0
    if whole and not isinstance(power, complex) and abs(power) <= LARGEST:
        return left**right
    return power


def checked(value: Any, text: str) -> Number:
    """Return a constant that is a number of sensible size; raise `Wrong` otherwise."""
    if isinstance(value, complex) or not abs(value) <= LARGEST:  # neither is NaN
        raise Wrong(f"{_short(text)} must be a number between -1e15 and 1e15.")
    return value  # type: ignore[no-any-return]


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
