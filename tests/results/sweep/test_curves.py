"""Equity of the best trials as a chart."""

from __future__ import annotations

import numpy as np
from sweep_sample import sample_trials

from framework.results.sweep.curves import Curve, Curves, curves_figure, curves_section
from framework.results.sweep.judgement import judge
from framework.types import DAY_NS

TRIED = sample_trials(
    {"strategy.params.fast": [5, 7, 9], "risk": ["off", "on", "off"]},
    objective=np.array([1.0, 3.0, 2.0]),
    index=np.array([10, 11, 12]),
)


def curve(row: int, equity: list[float], holding: tuple[float, ...] = (1.0, 0.9, 0.8)) -> Curve:
    return Curve(row, np.arange(1, 4) * DAY_NS, np.array(equity), np.array(holding))


def figure(*drawn: Curve) -> dict:
    found = curves_figure(TRIED, judge(TRIED), Curves(drawn))
    assert found is not None
    return found


def test_each_line_is_a_trial_with_its_parameters_and_the_best_lies_on_top():
    drawn = figure(
        curve(1, [1.0, 1.5, 2.0]), curve(2, [1.0, 1.25, 1.5]), curve(0, [1.0, 1.125, 0.5])
    )
    held, third, second, best = drawn["data"]
    assert [each["y"] for each in drawn["data"]] == [
        [1.0, 0.9, 0.8], [1.0, 1.125, 0.5], [1.0, 1.25, 1.5], [1.0, 1.5, 2.0],
    ]  # fmt: skip
    assert best["x"] == [86_400_000, 172_800_000, 259_200_000]
    assert (best["meta"], best["name"]) == (["no. 11: fast 7, risk on"], "no. 11, the best")
    assert (second["meta"], second["name"]) == (["no. 12: fast 9, risk off"], "the next 2")
    assert (third["meta"], third["name"]) == (["no. 10: fast 5, risk off"], "the next 2")
    assert [each["showlegend"] for each in (third, second, best)] == [False, True, True]
    assert held["name"] == "Holding instead"
    assert drawn["log"] is True


def test_holding_is_said_to_be_the_bests_where_trials_traded_different_candles():
    drawn = figure(curve(1, [1.0, 1.5, 2.0]), curve(2, [1.0, 1.2, 1.5], (1.0, 1.1, 1.2)))
    assert drawn["data"][0]["name"] == "Holding what no. 11 traded"
    assert drawn["data"][0]["y"] == [1.0, 0.9, 0.8]


def test_an_equity_that_is_gone_has_no_logarithm():
    assert figure(curve(1, [1.0, 1.5, 2.0]), curve(2, [1.0, 0.5, 0.0]))["log"] is False


def test_a_line_has_few_points_and_its_extremes():
    time = np.arange(30_000) * 1_000_000
    equity = np.full(30_000, 2.0)
    equity[12_345], equity[20_001] = 7.0, 1.0
    drawn = figure(Curve(1, time, equity, equity))
    assert len(drawn["data"][1]["y"]) <= 600
    place = drawn["data"][1]["x"].index(12_345)
    assert drawn["data"][1]["y"][place] == 7.0
    assert min(drawn["data"][1]["y"]) == 1.0


def test_what_is_left_out_is_said_and_nothing_is_where_no_trial_counts():
    said = curves_section(Curves(missing=("Trial 4 is left out: <gone>.",)))
    assert '<p class="note">Trial 4 is left out: &lt;gone&gt;.</p>' in said
    assert curves_figure(TRIED, judge(TRIED), Curves()) is None
    assert curves_section(Curves()) == ""
