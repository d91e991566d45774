"""Functions without machine code of their own, and the one that makes it for all of them."""

from __future__ import annotations

import gc

import pytest
from numba.core.errors import TypingError

from framework.engine.compiled import apart, compiled, njit
from framework.engine.linking import WithAllCalled

entered = njit(pipeline_class=WithAllCalled)


def adding(number: int):
    """Return a function like others of its kind, but for a number."""

    @compiled
    def add(x: float) -> float:
        return x + number

    return add


def test_each_caller_gets_the_function_that_it_names() -> None:
    one, ten = adding(1), adding(10)

    @apart
    def both(x: float) -> float:
        return one(x) * ten(x)

    @entered
    def outer(x: float) -> float:
        return both(x) + one(x)

    assert outer(2.0) == 3.0 * 12.0 + 3.0
    assert outer(3) == 4 * 13 + 4


def test_python_cannot_call_a_function_without_machine_code() -> None:
    one = adding(1)
    for _ in range(2):  # compiled by the first call
        with pytest.raises(KeyError, match="add is called by compiled code only"):
            one(2.0)


def test_the_collector_works_as_before_after_compiling_and_after_failing_to() -> None:
    one = adding(1)

    @entered
    def fine(x: float) -> float:
        return one(x)

    @entered
    def unfit(x: float) -> float:
        return one(x).nothing

    before = gc.get_threshold()
    assert fine(1.0) == 2.0
    assert gc.get_threshold() == before
    with pytest.raises(TypingError):
        unfit(1.0)
    assert gc.get_threshold() == before
