"""Charts: reduced series keep what matters, and figures say what the ledger says."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from report_sample import sample_outcome

from framework.results.page.series import drawdown, numbers, reduce_extremes
from framework.results.plots import account_figure, histogram_figure
from framework.results.price_plot import MARKS, price_figures

VALUES = st.floats(-1e9, 1e9) | st.just(float("nan"))


@given(
    values=arrays(np.float64, st.integers(0, 400), elements=VALUES),
    points=st.integers(4, 120),
)
def test_reduction_keeps_ends_and_the_extremes_of_every_bucket(values, points):
    kept = reduce_extremes(values, points)
    assert np.all(np.diff(kept) > 0)
    assert len(kept) <= max(points, 4)
    if len(values) <= points:
        assert kept.tolist() == list(range(len(values)))
        return
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    inner = np.arange(1, len(values) - 1)
    width = -(-len(inner) // ((points - 2) // 2))
    for start in range(0, len(inner), width):
        bucket = inner[start : start + width]
        mine = np.intersect1d(kept, bucket)
        assert len(mine)
        if np.isfinite(values[bucket]).any():
            assert np.nanmin(values[mine]) == np.nanmin(values[bucket])
            assert np.nanmax(values[mine]) == np.nanmax(values[bucket])


def test_one_bad_bar_in_a_million_is_drawn():
    values = np.ones(1_000_000)
    values[654_321] = -7.0
    assert 654_321 in reduce_extremes(values)


def test_drawdown_starts_from_the_cash():
    fall = drawdown(np.array([90.0, 120.0, 60.0]), 100.0)
    assert fall.tolist() == pytest.approx([-0.1, 0.0, -0.5])


def test_numbers_that_json_lacks_become_none():
    assert numbers(np.array([1.23456789, np.nan, np.inf, -np.inf, 0.0])) == [
        1.234568, None, None, None, 0.0,
    ]  # fmt: skip


def test_account_figure_shows_the_deepest_drawdown_of_the_full_series():
    outcome = sample_outcome(bars=30_000, trades=100)
    equity = outcome.equity.copy()
    equity[12_345] *= 0.4
    outcome = sample_outcome(bars=30_000, trades=100, equity=equity)
    figure = account_figure(outcome)
    by_name = {trace["name"]: trace for trace in figure["data"]}
    assert min(by_name["Drawdown"]["y"]) == pytest.approx(
        drawdown(equity, 10_000.0).min(), rel=1e-6
    )
    assert min(by_name["Strategy"]["y"]) == pytest.approx(equity.min(), rel=1e-6)
    assert by_name["Strategy"]["y"][-1] == pytest.approx(equity[-1], rel=1e-6)
    assert max(by_name["Exposure, highest"]["y"]) == pytest.approx(
        (outcome.invested / equity).max(), rel=1e-6
    )
    assert all(len(trace["x"]) == len(trace["y"]) <= 2_000 for trace in figure["data"])
    json.dumps(figure, allow_nan=False)


def test_logarithmic_scale_is_offered_to_positive_equity_only():
    assert account_figure(sample_outcome(bars=300, trades=4))["log"]
    assert not account_figure(sample_outcome(bars=300, trades=4, ruin=1.2))["log"]


def test_price_charts_show_fills_where_they_happened():
    outcome = sample_outcome(bars=3_000, trades=20)
    fills = outcome.events[outcome.events["kind"] == 2]
    for index, figure in enumerate(price_figures(outcome)):
        traces = {trace["name"]: trace for trace in figure["data"]}
        for name, side in (("Buy", 1), ("Sell", -1)):
            mine = fills[(fills["pair"] == index) & (fills["side"] == side)]
            assert traces[name]["x"] == (mine["time"] // 10**6).tolist()
            assert traces[name]["y"] == pytest.approx(mine["price"].tolist(), rel=1e-6)


def test_too_many_fills_for_one_chart_are_left_out_aloud():
    outcome = sample_outcome(bars=9_000, trades=1_500, pairs=("BTC-AUD",))
    figure = price_figures(outcome)[0]
    assert f"the {MARKS:,} largest of 3,000 fills" in figure["note"]
    drawn = sum(len(t["x"]) for t in figure["data"] if t["name"] in ("Buy", "Sell"))
    assert drawn == MARKS


@pytest.mark.parametrize("trades", [1, 2, 30, 500])
def test_histogram_holds_every_trade_and_mixes_no_wins_with_losses(trades):
    outcome = sample_outcome(bars=4_000, trades=trades, pairs=("BTC-AUD",))
    trace = histogram_figure(outcome)["data"][0]
    assert sum(trace["y"]) == len(outcome.trades) == trades
    assert len(trace["y"]) <= 60
    for (low, high), color in zip(trace["customdata"], trace["marker"]["color"], strict=True):
        assert (low >= 0) if color == "--gain" else (high <= 0)


def test_without_trades_there_is_no_histogram():
    assert histogram_figure(sample_outcome(bars=300, trades=0)) is None


def test_shorts_have_marks_of_their_own():
    outcome = sample_outcome(bars=3_000, trades=20, pairs=("BTC-AUD",), borrow_rate=1e-5)
    traces = {trace["name"]: trace for trace in price_figures(outcome)[0]["data"]}
    trades = outcome.trades
    assert sorted(trades["side"].tolist()) == [-1] * 10 + [1] * 10
    for name, side, moment in (
        ("Buy", 1, "entry_time"),
        ("Sell", 1, "exit_time"),
        ("Sell short", -1, "entry_time"),
        ("Cover", -1, "exit_time"),
    ):
        mine = np.sort(trades[moment][trades["side"] == side])
        assert traces[name]["x"] == (mine // 10**6).tolist()


@pytest.mark.parametrize("bars", [400, 3_000])
def test_exposure_to_shorts_is_drawn_below_zero(bars):
    outcome = sample_outcome(bars=bars, trades=40, borrow_rate=1e-5)
    figure = account_figure(outcome)
    traces = {trace["name"]: trace["y"] for trace in figure["data"]}
    short, long = (traces[f"{name}, highest" if bars > 500 else name] for name in ("Short", "Long"))
    share = outcome.shorts.value / outcome.equity
    assert min(short) == pytest.approx(-share.max(), rel=1e-6)
    assert max(short) == 0.0
    longs = outcome.invested + outcome.shorts.owed + outcome.shorts.value
    assert max(long) == pytest.approx((longs / outcome.equity).max(), rel=1e-6)
    low, high = figure["layout"]["yaxis3"]["range"]
    assert low < min(short)
    assert high > max(long)
    json.dumps(figure, allow_nan=False)
