"""Objectives: what they may say, what they are worth, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from framework.errors import UserError
from framework.results.sweep.objective import read_objective, read_objectives

KNOWN = ("sharpe", "max_drawdown", "trades", "total_return")
TABLE = {
    "sharpe": np.array([2.0, 1.0, np.nan, 3.0]),
    "max_drawdown": np.array([0.5, 0.25, 0.1, 0.0]),
    "trades": np.array([50.0, 9.0, 50.0, 10.0]),
    "total_return": np.array([0.4, -0.1, 0.2, 0.3]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sharpe", [2.0, 1.0, np.nan, 3.0]),
        ("sharpe - 2 * max_drawdown", [1.0, 0.5, np.nan, 3.0]),
        ("-max_drawdown", [-0.5, -0.25, -0.1, 0.0]),
        ("total_return / max_drawdown", [0.8, -0.4, 2.0, np.nan]),  # 0.3 / 0 is not finite
        ("sqrt(total_return)", [0.4**0.5, np.nan, 0.2**0.5, 0.3**0.5]),
        ("min(sharpe, 2.5) + abs(total_return)", [2.4, 1.1, np.nan, 2.8]),
        ("(sharpe + 1) ** 2", [9.0, 4.0, np.nan, 16.0]),
    ],
)
def test_value_of_every_trial(text: str, expected: list[float]):
    np.testing.assert_allclose(read_objective(text, KNOWN).of(TABLE), expected)


def test_fewer_trades_than_asked_for_do_not_count():
    value = read_objective("total_return", KNOWN).of(TABLE, min_trades=10)
    np.testing.assert_array_equal(value, [0.4, np.nan, 0.2, 0.3])


def test_metrics_it_reads():
    assert read_objective("sharpe - 2 * max_drawdown", KNOWN).metrics == {"sharpe", "max_drawdown"}


def test_no_trials():
    empty = {name: np.zeros(0) for name in KNOWN}
    assert len(read_objective("sharpe", KNOWN).of(empty, min_trades=3)) == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sharp", "sweep.objective: 'sharp' is no metric. Did you mean 'sharpe'?"),
        ("max(sharpe)", "sweep.objective: max takes 2 (was 1)."),
        ("abss(1)", "sweep.objective: 'abss' is no function of objectives. Did you mean 'abs'?"),
        ("sharpe +", "sweep.objective: 'sharpe +' cannot be read as an expression of metrics."),
        ("  ", "sweep.objective: is empty; name a metric, such as sharpe."),
        ("'sharpe'", "sweep.objective: 'sharpe' is no number."),
        ("sharpe * True", "sweep.objective: True is no number."),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, line: str):
    with pytest.raises(UserError) as refused:
        read_objective(text, KNOWN)
    assert str(refused.value) == line


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "sharpe.real",
        "sharpe[0]",
        "sharpe if trades else 0",
        "[sharpe]",
        "lambda: sharpe",
        "sharpe > 1",
        "sharpe and trades",
        "max(*sharpe)",
        "min(sharpe, b=1)",
        "(sharpe := 1)",
        "~sharpe",
        "f'{sharpe}'",
    ],
)
def test_what_python_has_and_objectives_do_not(text: str):
    with pytest.raises(UserError) as refused:
        read_objective(text, KNOWN)
    assert all(fault.startswith("sweep.objective: ") for fault in refused.value.faults)
    assert "\n" not in refused.value.faults[0]


def test_depth_length_and_size_are_bounded():
    for text in ("-" * 100 + "sharpe", "sharpe" + " + sharpe" * 100, f"sharpe * {'9' * 320}"):
        with pytest.raises(UserError):
            read_objective(text, KNOWN)
    value = read_objective("sharpe + 9 ** 9 ** 9 ** 9", KNOWN).of(TABLE)
    assert np.isnan(value).all()


def test_a_number_alone_is_no_objective():
    with pytest.raises(UserError, match="names no metric"):
        read_objective("1 + 2", KNOWN)


def test_several_objectives_report_every_fault_at_once():
    first, second = read_objectives(["sharpe", "-max_drawdown"], KNOWN)
    assert (first.text, second.text) == ("sharpe", "-max_drawdown")
    with pytest.raises(UserError) as refused:
        read_objectives(["sharp", "sharpe", "trade"], KNOWN)
    assert len(refused.value.faults) == 2
    with pytest.raises(UserError):
        read_objectives([], KNOWN)
