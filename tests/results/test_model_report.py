"""The report's part on a model, and what a run keeps of it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from judged_sample import of_anomaly, of_barriers, of_direction, of_regimes, of_values
from report_sample import sample_outcome
from test_report import HOSTILE, Page, charts_of
from test_report_browser import BROWSER, open_page

from framework.results.metrics import compute
from framework.results.model_judgement import Importance, ScoreRow
from framework.results.outcome import Check
from framework.results.page.wording import MINUS, NARROW
from framework.results.report import render
from framework.results.run_directory import RunDirectory


@pytest.fixture(scope="module")
def plain():
    return sample_outcome(bars=2_000, trades=40)


def judged(outcome, judgement):
    return replace(outcome, model=judgement)


def text_of(outcome, judgement):
    return Page(render(judged(outcome, judgement), {})).text.replace(NARROW, " ")


def test_every_score_stands_by_fold_and_by_pair(plain):
    said = text_of(plain, of_direction(plain))
    line = "{} {} 52.7 % 50.3 % 53.1 % 49.9 % 0.514 0.538 ± 0.007 0.249 0.691"
    assert line.format("all", "10 000") in said
    for name in (*(f"test {fold}" for fold in range(1, 6)), *plain.pairs):
        assert line.format(name, "2 000") in said
    assert "AUC is 0.5 where nothing is known" in said


def test_classes_are_counted_and_shared_by_what_came(plain):
    said = text_of(plain, of_barriers(plain))
    assert "down predicted flat predicted up predicted In all" in said
    assert "flat came 90 (42.9 %) 40 (19.0 %) 80 (38.1 %) 210" in said


def test_inputs_come_by_what_is_lost_without_them(plain):
    said = text_of(plain, of_direction(plain))
    order = [said.index(name) for name in ("return_1", "range 44.0 %", "hour_sin")]
    assert order == sorted(order)
    assert "return_1 31.0 % +0.0142 ± 0.0031" in said
    assert f"hour_sin 25.0 % {MINUS}0.0004 ± 0.0011" in said


def test_the_band_of_seeds_is_told_by_its_ends(plain):
    judgement = of_direction(plain)
    ends = judgement.seeds.free_KT[:, -1]
    said = text_of(plain, judgement)
    assert (
        "Fold 5 fitted anew, in short, with 3 other seeds: AUC 0.531 to 0.541 on later bars, where "
        f"the simplest rule ends at {ends.min():.3f} to {ends.max():.3f} without costs."
    ) in said
    same = replace(judgement.seeds, scores=(0.5, 0.5, 0.5))
    assert "AUC 0.500 each time" in text_of(plain, replace(judgement, seeds=same))


def test_values_regimes_and_strangeness_are_told_in_their_own_words(plain):
    values = text_of(plain, of_values(plain))
    assert "all 900 0.051 ± 0.011 0.002 0.00634 0.00412 0.00163" in values
    assert f"{plain.pairs[0]} 180 n/a n/a n/a n/a n/a" in values
    assert "a n/a +0.0100" in values
    assert "Accuracy" not in values
    regimes = text_of(plain, of_regimes())
    assert f"1 300 33.3 % {MINUS}0.0140 % 0.630 %" in regimes
    assert "Mean size of the log-return into the next bar." in text_of(plain, of_anomaly())


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (of_direction, ["calibration", "groups", "rule", "seeds"]),
        (of_barriers, ["calibration", "groups", "rule"]),
        (of_values, ["groups", "rule", "seeds"]),
        (lambda outcome: of_regimes(), []),
        (lambda outcome: of_anomaly(), ["groups", "histogram"]),
    ],
)
def test_every_chart_has_its_place_and_every_place_its_chart(plain, made, names):
    source = render(judged(plain, made(plain)), {})
    assert list(charts_of(source)["model"]) == names
    places = [
        str(attrs["id"]).removeprefix("model-")
        for _, attrs in Page(source).elements
        if "chart" in str(attrs.get("class")) and str(attrs.get("id")).startswith("model-")
    ]
    assert sorted(places) == sorted(names)


def test_a_run_without_a_model_has_the_page_that_it_always_had(plain):
    source = render(plain, {})
    assert "model-" not in source.split('id="plotly"')[0]
    assert "model" not in charts_of(source)
    assert "page.charts.model" not in source
    with_model = render(judged(plain, of_regimes()), {})
    assert "page.charts.model" in with_model


def test_hostile_names_of_inputs_and_outputs_stay_text(plain):
    judgement = replace(
        of_direction(plain),
        model=HOSTILE,
        predicts=HOSTILE,
        pairs=(ScoreRow(HOSTILE, 1, {"auc": math.nan}),),
        importances=(Importance(HOSTILE, 0.1, 0.1, 0.1),),
        outcome=HOSTILE,
    )
    source = render(judged(plain, judgement), {})
    assert "<script>alert" not in source
    assert Page(source).text.count("alert(1)") >= 4


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found to open the page in")
@pytest.mark.parametrize("made", [of_direction, of_barriers, lambda outcome: of_anomaly()])
def test_the_charts_of_the_model_are_drawn_without_a_word_in_the_console(plain, tmp_path, made):
    path = tmp_path / "report.html"
    path.write_text(render(judged(plain, made(plain)), compute(plain)), "utf-8")
    dom, said = open_page(path, tmp_path)
    assert said == ""
    assert 'data-charts="drawn"' in dom
    for name in charts_of(path.read_text("utf-8"))["model"]:
        assert re.search(f'id="model-{name}"[^>]*><div class="plot-container', dom), name


def test_a_run_keeps_the_whole_judgement_and_says_whether_it_is_sane(plain, tmp_path):
    judgement = of_direction(plain, rows=(ScoreRow("all", 7, {"auc": math.nan, "f1": 0.25}),))
    checks = (Check("shuffled labels", True, ""), Check("planted signal", False, ""))
    outcome = replace(plain, model=judgement, checks=checks)
    directory = RunDirectory(tmp_path)
    directory.write_ledger(outcome)
    directory.write_metrics(outcome, judgement.metrics())
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["sanity"] == "failed"
    assert (metrics["model_samples"], metrics["model_auc"], metrics["model_f1"]) == (7, None, 0.25)
    assert (metrics["model_seeds_lowest"], metrics["model_seeds_highest"]) == (0.531, 0.541)
    kept = json.loads((tmp_path / "model.json").read_text())
    assert kept["confusion"] == [[41_020, 33_102], [38_441, 36_999]]
    assert kept["rows"] == [{"of": "all", "samples": 7, "scores": {"auc": None, "f1": 0.25}}]
    time = np.array(kept["rule"]["time"])
    closes = plain.time + plain.interval.ns
    assert time[-1] == str(np.datetime64(int(closes[-1]), "ns").astype("datetime64[s]")) + "Z"
    midnight = closes % 86_400_000_000_000 == 0
    assert kept["rule"]["paid"][0] == judgement.rule.paid[midnight][0]
    assert time[0].endswith("T00:00:00Z")
    assert len(kept["seeds"]["free_KT"]) == 3


def test_a_run_without_a_model_keeps_no_word_of_one(plain, tmp_path):
    directory = RunDirectory(tmp_path)
    directory.write_ledger(plain)
    directory.write_metrics(plain, {})
    assert not (tmp_path / "model.json").exists()
    assert "sanity" not in json.loads((tmp_path / "metrics.json").read_text())
