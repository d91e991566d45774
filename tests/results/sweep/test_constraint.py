"""A constraint is broken by how much it is exceeded."""

import numpy as np
import pytest

from framework.errors import UserError
from framework.results.sweep.constraint import read_constraints

KNOWN = ("sharpe", "max_drawdown", "trades")


@pytest.mark.parametrize(
    ("text", "violation"),
    [
        ("max_drawdown < 0.25", [0.25, -0.125, 2.2250738585072014e-308, 1e6]),
        ("max_drawdown <= 0.25", [0.25, -0.125, 0.0, 1e6]),
        ("0.25 > max_drawdown", [0.25, -0.125, 2.2250738585072014e-308, 1e6]),
        ("trades >= 10 * max_drawdown", [3.0, -0.75, 0.5, 1e6]),
    ],
)
def test_by_how_much_it_is_broken(text, violation):
    (found,) = read_constraints([text], KNOWN)
    metrics = {
        "max_drawdown": np.array([0.5, 0.125, 0.25, np.nan]),
        "trades": np.array([2.0, 2.0, 2.0, 2.0]),
    }
    assert found.violation(metrics).tolist() == violation


def test_every_fault_is_named():
    with pytest.raises(UserError) as raised:
        read_constraints(["sharpe", "sharp > 1", "1 < sharpe < 2", "1 < 2", "a b"], KNOWN)
    form = "is no comparison of two expressions, such as 'max_drawdown < 0.3'."
    assert raised.value.faults == (
        f"sweep.constraints: 'sharpe' {form}",
        "sweep.constraints: 'sharp' is no metric. Did you mean 'sharpe'?",
        f"sweep.constraints: '1 < sharpe < 2' {form}",
        "sweep.constraints: '(1) - (2)' names no metric. Choices: max_drawdown, sharpe, trades.",
        f"sweep.constraints: 'a b' {form}",
    )
