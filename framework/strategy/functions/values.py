"""Functions of single values."""

from __future__ import annotations

import numpy as np

from framework.strategy.function import function
from framework.types import BoolArray, FloatArray

_GROUP = "Value by value"


@function(scope="every", memory=0, group=_GROUP, source="Absolute value")
def abs(x: FloatArray) -> FloatArray:
    """Size without sign."""
    return np.abs(x)


@function(scope="every", memory=0, group=_GROUP, source="Natural logarithm")
def log(x: FloatArray) -> FloatArray:
    """Natural logarithm; NaN below 0."""
    return np.log(x)


@function(scope="every", memory=0, group=_GROUP, source="Exponential function")
def exp(x: FloatArray) -> FloatArray:
    """Power of e: the exponential function of `x`."""
    return np.exp(x)


@function(scope="every", memory=0, group=_GROUP, source="Square root")
def sqrt(x: FloatArray) -> FloatArray:
    """Square root; NaN below 0."""
    return np.sqrt(x)


@function(scope="every", memory=0, group=_GROUP, source="Sign function")
def sign(x: FloatArray) -> FloatArray:
    """-1 below 0, 0 at 0, 1 above."""
    return np.sign(x)


@function(scope="every", memory=0, group=_GROUP, source="min(max(x, least), most)")
def clip(x: FloatArray, least: FloatArray, most: FloatArray) -> FloatArray:
    """`x`, but no less than `least` and no more than `most`; the bounds are numbers or series."""
    return np.minimum(np.maximum(x, least), most)


@function(scope="every", memory=0, group=_GROUP, source="Indicator function")
def holds(condition: BoolArray) -> FloatArray:
    """1 where a condition holds, 0 where it does not or rests on NaN: `holds(c) == 0` answers where
    `not c` is unknown.
    """
    return np.where(condition, 1.0, 0.0)
