"""The gate: which bounds are upper ones, what reaches none, and what is said of each."""

from __future__ import annotations

import math

import pytest

from framework.errors import UserError
from framework.results.gate import SMALLER_IS_BETTER, require_metrics, shortfalls
from framework.results.metrics import NAMES


def test_a_bound_that_is_just_reached_is_passed() -> None:
    assert (
        shortfalls({"sharpe": 1.0, "max_drawdown": 0.25}, {"sharpe": 1, "max_drawdown": 0.25}) == ()
    )


def test_a_good_figure_has_a_lower_bound_and_a_cost_an_upper_one() -> None:
    metrics = {
        "sharpe": math.nextafter(1.0, 0.0),
        "max_drawdown": 0.3,
        "trades": 9,
        "fees_paid": 5.5,
    }
    gate = {"sharpe": 1.0, "max_drawdown": 0.25, "trades": 10.0, "fees_paid": 5.0}
    assert shortfalls(gate, metrics) == (
        "gate.sharpe: must be at least 1 (was 1).",  # six digits of the nearest float below
        "gate.max_drawdown: must be at most 0.25 (was 0.3).",
        "gate.trades: must be at least 10 (was 9).",
        "gate.fees_paid: must be at most 5 (was 5.5).",
    )


@pytest.mark.parametrize("name", ["sharpe", "max_drawdown"])
@pytest.mark.parametrize(
    "metrics",
    [{}, {"sharpe": None, "max_drawdown": None}, {"sharpe": math.nan, "max_drawdown": math.nan}],
)
def test_what_is_not_defined_reaches_no_bound(name: str, metrics: dict[str, float | None]) -> None:
    word = "most" if name == "max_drawdown" else "least"
    assert shortfalls({name: 0.5}, metrics) == (
        f"gate.{name}: must be at {word} 0.5 (was not defined).",
    )


def test_no_gate_is_passed_by_everything() -> None:
    assert shortfalls({}, {}) == ()


def test_negative_figures_are_compared_as_they_are() -> None:
    assert shortfalls({"total_return": -0.1}, {"total_return": -0.05}) == ()
    assert len(shortfalls({"total_return": -0.1}, {"total_return": -0.15})) == 1


def test_every_metric_of_a_run_or_a_model_may_be_bounded() -> None:
    require_metrics(dict.fromkeys((*NAMES, "model_brier", "model_accuracy"), 0.0))


def test_metrics_that_are_better_when_smaller_exist() -> None:
    assert {name for name in SMALLER_IS_BETTER if not name.startswith("model_")} <= set(NAMES)


def test_bounds_on_nothing_are_all_named_with_the_nearest_metric() -> None:
    with pytest.raises(UserError) as fault:
        require_metrics({"sharp": 1.0, "sortino": 1.0, "max_drawdwn": 0.2})
    assert fault.value.faults == (
        "gate.sharp: is no metric. Did you mean 'sharpe'?",
        "gate.max_drawdwn: is no metric. Did you mean 'max_drawdown'?",
    )
