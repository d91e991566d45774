"""Metrics: tiny curves by hand, long ones against plain formulas and vectorbt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_outcomes import make_outcome, random_close, random_fills

from framework.records import EVENT
from framework.results.benchmark import hold_equally
from framework.results.metrics import (
    NAMES,
    cagr,
    compute,
    drawdown,
    exposure,
    sharpe,
    simple_returns,
    sortino,
)
from framework.results.outcome import Outcome


def with_equity(equity: list[float], **changes: Any) -> Outcome:
    """Return an outcome without fills whose equity is given."""
    curve = np.array(equity)
    fields = {"initial_cash": 100.0, "equity": curve, "invested": np.zeros(len(curve))}
    return make_outcome(np.full((len(curve), 1), 10.0), **(fields | changes))


def test_names_are_the_documented_ones() -> None:
    assert tuple(compute(with_equity([100.0, 101.0]))) == NAMES


def test_curve_by_hand() -> None:
    # daily: 100 -> 110 -> 99 -> 99 -> 118.8; returns 0.1, -0.1, 0, 0.2
    metrics = compute(with_equity([100.0, 110.0, 99.0, 99.0, 118.8]))
    deviation = math.sqrt((0.05**2 + 0.15**2 + 0.05**2 + 0.15**2) / 3)
    assert metrics["total_return"] == pytest.approx(0.188, abs=1e-12)
    assert metrics["cagr"] == pytest.approx(1.188 ** (365 / 5) - 1, rel=1e-12)
    assert metrics["volatility"] == pytest.approx(deviation * math.sqrt(365), rel=1e-12)
    assert metrics["sharpe"] == pytest.approx(0.05 / deviation * math.sqrt(365), rel=1e-12)
    assert metrics["sortino"] == pytest.approx(0.05 / 0.05 * math.sqrt(365), rel=1e-12)
    assert metrics["max_drawdown"] == pytest.approx(0.1, abs=1e-12)
    assert metrics["max_drawdown_days"] == 3.0  # from the peak on day 1 to day 4
    assert metrics["calmar"] == pytest.approx(metrics["cagr"] / 0.1, rel=1e-9)
    assert metrics["final_equity"] == 118.8
    assert metrics["bars"] == 5


def test_trades_by_hand() -> None:
    close = np.array([[10.0], [10.0], [12.0], [12.0], [9.0], [9.0]])
    outcome = make_outcome(
        close,
        [
            (1, 0, 1, 10.0, 10.0, 1.0),
            (2, 0, -1, 10.0, 12.0, 1.0),
            (3, 0, 1, 10.0, 12.0, 1.0),
            (4, 0, -1, 10.0, 9.0, 1.0),
            (5, 0, 1, 1.0, 9.0, 1.0),
        ],
    )
    metrics = compute(outcome)
    assert metrics["trades"] == 3  # one still open
    assert metrics["win_rate"] == 0.5
    assert metrics["profit_factor"] == pytest.approx(18.0 / 32.0)
    assert metrics["expectancy"] == pytest.approx((18.0 - 32.0) / 2)
    assert metrics["fees_paid"] == 5.0
    assert metrics["final_equity"] == 1_000.0 + 18.0 - 32.0 - 1.0
    traded = 100.0 + 120.0 + 120.0 + 90.0 + 9.0
    assert metrics["break_even_fee_bps"] == pytest.approx((-15.0 + 5.0) / traded * 1e4)
    mean = float(np.mean([1000.0, 999.0, 1018.0, 1017.0, 986.0, 985.0]))
    assert metrics["turnover"] == pytest.approx(traded / mean / (6 / 365), rel=1e-12)
    invested = np.array([0.0, 100.0 / 999.0, 0.0, 120.0 / 1017.0, 0.0, 9.0 / 985.0])
    assert metrics["exposure"] == pytest.approx(invested.mean(), rel=1e-12)
    assert metrics["benchmark_return"] == pytest.approx(-0.1)


def test_break_even_fee_makes_the_result_nil() -> None:
    close = random_close(3, 200, 2)
    paid = make_outcome(close, random_fills(close, 3, 80))
    rate = compute(paid)["break_even_fee_bps"] / 1e4
    fills = [(*fill[:5], rate * fill[3] * fill[4]) for fill in random_fills(close, 3, 80)]
    assert make_outcome(close, fills).equity[-1] == pytest.approx(1_000.0, abs=1e-9)


def test_without_trades_ratios_are_undefined_and_nothing_is_nan() -> None:
    metrics = compute(with_equity([100.0] * 10))
    for name in ("sharpe", "sortino", "calmar", "win_rate", "profit_factor", "expectancy"):
        assert metrics[name] is None
    assert metrics["deflated_sharpe"] is None
    assert metrics["break_even_fee_bps"] is None
    assert (metrics["total_return"], metrics["max_drawdown"], metrics["trades"]) == (0.0, 0.0, 0)
    assert metrics["volatility"] == 0.0


@pytest.mark.parametrize("equity", [[], [100.0], [100.0, 0.0], [100.0, -5.0, -5.0], [100.0, 1e308]])
def test_degenerate_curves_give_finite_numbers_or_none(equity: list[float]) -> None:
    metrics = compute(with_equity(equity))
    assert tuple(metrics) == NAMES
    assert all(value is None or math.isfinite(value) for value in metrics.values())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e12), max_size=30))
def test_any_curve_gives_finite_numbers_or_none(equity: list[float]) -> None:
    metrics = compute(with_equity(equity))
    assert all(value is None or math.isfinite(value) for value in metrics.values())


def test_growth_at_a_constant_rate_has_no_sharpe_ratio() -> None:
    metrics = compute(with_equity([100.0 * 1.01**bar for bar in range(50)]))
    assert metrics["sharpe"] is None
    assert metrics["deflated_sharpe"] is None
    assert metrics["cagr"] == pytest.approx((1.01**49) ** (365 / 50) - 1, rel=1e-9)


def test_ruin_has_no_ratios_but_its_whole_loss() -> None:
    metrics = compute(with_equity([100.0, 50.0, 0.0, 0.0]))
    assert (metrics["sharpe"], metrics["cagr"]) == (None, None)
    assert metrics["max_drawdown"] == 1.0
    assert metrics["total_return"] == -1.0


def test_drawdown_counts_from_the_initial_cash_and_to_the_end() -> None:
    assert drawdown(np.array([90.0, 95.0, 99.0]), 100.0) == (pytest.approx(0.1), 3)
    assert drawdown(np.array([100.0, 120.0, 110.0, 119.0]), 100.0) == (pytest.approx(1 / 12), 2)
    assert drawdown(np.array([100.0, 101.0, 102.0]), 100.0) == (0.0, 0)
    assert drawdown(np.array([90.0, 100.0, 101.0]), 100.0) == (pytest.approx(0.1), 2)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=40))
def test_drawdown_agrees_with_a_plain_loop(levels: list[int]) -> None:
    peak, since, depth, longest = 10.0, -1 if levels[0] < 10 else 0, 0.0, 0
    for bar, level in enumerate(levels):
        if level >= peak:
            longest = max(longest, bar - since if bar - since > 1 else 0)
            peak, since = float(level), bar
        else:
            depth = max(depth, 1 - level / peak)
            longest = max(longest, bar - since)
    assert drawdown(np.array(levels, float), 10.0) == (pytest.approx(depth, abs=1e-12), longest)


def test_ratios_agree_with_vectorbt(vectorbt: Any) -> None:
    import pandas as pd

    generator = np.random.default_rng(11)
    equity = 10_000.0 * np.exp(np.cumsum(generator.normal(1e-5, 0.003, 5_000)))
    equity[0] = 10_000.0
    curve = with_equity(equity.tolist(), initial_cash=10_000.0)
    metrics = compute(curve)
    returns = pd.Series(simple_returns(equity)).vbt.returns(freq="1D", year_freq="365 days")
    assert metrics["sharpe"] == pytest.approx(returns.sharpe_ratio(), rel=1e-9)
    assert metrics["sortino"] == pytest.approx(returns.sortino_ratio(), rel=1e-9)
    assert metrics["volatility"] == pytest.approx(returns.annualized_volatility(), rel=1e-9)
    assert metrics["max_drawdown"] == pytest.approx(-returns.max_drawdown(), rel=1e-9)
    assert metrics["total_return"] == pytest.approx(returns.total(), rel=1e-9)
    assert metrics["cagr"] == pytest.approx(
        (1 + returns.total()) ** (365 / len(equity)) - 1, rel=1e-9
    )


def test_trade_figures_agree_with_vectorbt(vectorbt_of: Any) -> None:
    close = random_close(21, 400, 3)
    outcome = make_outcome(close, random_fills(close, 21, 300), cash=100_000.0)
    metrics = compute(outcome)
    judge = vectorbt_of(outcome)
    closed = judge.positions.closed
    assert metrics["win_rate"] == pytest.approx(closed.win_rate(), rel=1e-9)
    assert metrics["profit_factor"] == pytest.approx(closed.profit_factor(), rel=1e-9)
    assert metrics["expectancy"] == pytest.approx(closed.expectancy(), rel=1e-9)
    assert metrics["trades"] == judge.positions.count()
    assert metrics["fees_paid"] == pytest.approx(judge.orders.fees.sum(), rel=1e-9)
    assert metrics["final_equity"] == pytest.approx(judge.final_value(), rel=1e-9)


def test_interval_changes_the_annualisation_only() -> None:
    equity = [100.0, 101.0, 100.5, 102.0]
    daily = compute(with_equity(equity))
    quarter_hourly = compute(with_equity(equity, interval="15m"))
    assert quarter_hourly["sharpe"] == pytest.approx(daily["sharpe"] * math.sqrt(96), rel=1e-12)
    assert quarter_hourly["max_drawdown_days"] == pytest.approx(daily["max_drawdown_days"] / 96)
    assert quarter_hourly["max_drawdown"] == daily["max_drawdown"]


def test_more_trials_deflate_the_sharpe_ratio() -> None:
    generator = np.random.default_rng(2)
    equity = 100.0 * np.exp(np.cumsum(generator.normal(0.001, 0.01, 300)))
    outcome = with_equity(equity.tolist())
    alone = compute(outcome)["deflated_sharpe"]
    few = compute(outcome, np.array([0.5, -0.5]))["deflated_sharpe"]
    many = compute(outcome, np.tile([0.5, -0.5, np.nan], 100))["deflated_sharpe"]
    assert 1.0 > alone > few > many > 0.0


def test_deflated_sharpe_by_the_papers_formula() -> None:
    # three trials with annualised ratios a, 1 and -1, spelled out
    returns = np.array([0.02, -0.01, 0.01, 0.0, 0.03, -0.02])
    outcome = with_equity((100.0 * np.cumprod(np.append(1.0, 1.0 + returns))).tolist())
    ratio = returns.mean() / returns.std(ddof=1)
    variance = np.var([ratio * math.sqrt(365), 1.0, -1.0], ddof=1) / 365
    from statistics import NormalDist

    normal, gamma = NormalDist(), 0.5772156649015329
    luck = math.sqrt(variance) * (
        (1 - gamma) * normal.inv_cdf(1 - 1 / 3) + gamma * normal.inv_cdf(1 - 1 / (3 * math.e))
    )
    centred = returns - returns.mean()
    sigma = math.sqrt((centred**2).mean())
    skew, kurtosis = (centred**3).mean() / sigma**3, (centred**4).mean() / sigma**4
    spread = math.sqrt(1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2)
    expected = normal.cdf((ratio - luck) * math.sqrt(5) / spread)
    metrics = compute(outcome, np.array([1.0, -1.0]))
    assert metrics["deflated_sharpe"] == pytest.approx(expected, rel=1e-9)


def test_slippage_is_summed_over_fills_only() -> None:
    close = np.full((3, 1), 10.0)
    outcome = make_outcome(close, [(1, 0, 1, 1.0, 10.0, 0.0)])
    outcome.events["slippage"] = 0.25
    decided = np.zeros(1, EVENT)
    decided["kind"], decided["slippage"], decided["fee"] = 1, 9.0, 9.0
    decided["time"] = outcome.time[0]
    events = np.concatenate([decided, outcome.events])
    metrics = compute(make_outcome(close, [(1, 0, 1, 1.0, 10.0, 0.0)], events=events))
    assert (metrics["slippage_paid"], metrics["fees_paid"]) == (0.25, 0.0)


def test_holding_equally_lets_a_late_pairs_share_wait() -> None:
    close = np.array([[10.0, np.nan, np.nan], [11.0, 4.0, np.nan], [12.0, 2.0, np.nan]])
    held = hold_equally(close, 300.0)
    assert held.tolist() == pytest.approx([300.0, 310.0, 120.0 + 50.0 + 100.0])


def test_holding_nothing_is_cash() -> None:
    assert hold_equally(np.empty((3, 0)), 5.0).tolist() == [5.0] * 3
    assert hold_equally(np.empty((0, 2)), 5.0).tolist() == []


def test_single_figures_on_nothing() -> None:
    assert cagr(100.0, 110.0, 0.0) is None
    assert cagr(1.0, 1e300, 1e-6) is None
    assert exposure(np.array([1.0]), np.array([0.0])) is None
    assert sharpe(np.empty(0), 365.0) is None
    assert sortino(np.array([0.1]), 365.0) is None
