"""The sweep page: what it says, how large it is, and that a browser draws it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sweep_sample import sample_trials

from framework.errors import OutsideFault
from framework.results.sweep import maps, page
from framework.results.sweep.commands import command_line, hydra_value
from framework.results.sweep.curves import Curve, Curves
from framework.results.sweep.judgement import Tried, judge
from framework.results.sweep.page import SweepFacts
from framework.types import DAY_NS

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
FACTS = SweepFacts("ma_cross", "sharpe", ("BTC-AUD", "15m"), ("python", "-m", "framework"))


def grid(**values: list) -> dict[str, list]:
    rows = list(product(*values.values()))
    return {f"strategy.params.{name}": [row[k] for row in rows] for k, name in enumerate(values)}


def rendered(tried: Tried, facts: SweepFacts = FACTS) -> str:
    return page.render(tried, judge(tried), facts)


def charts_of(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', html)
    return json.loads(found[1])


def test_a_map_shows_the_best_over_the_other_axes():
    params = grid(a=[1, 2], b=[1, 2], c=[1, 2])
    objective = np.array([1.0, 5.0, 2.0, np.nan, -3.0, 0.0, np.nan, np.nan])
    tried = sample_trials(params, objective=objective)
    figures = maps.map_figures(tried, judge(tried), "sharpe")
    assert len(figures) == 3
    [shown] = [figure for figure in figures if figure["name"] in ("a and b", "b and a")]
    heat = shown["data"][0]
    cells = np.array(heat["z"], float)
    if shown["name"] == "b and a":
        cells = cells.T
    # rows b = 1, 2; columns a = 1, 2
    np.testing.assert_array_equal(cells, [[5.0, 0.0], [2.0, np.nan]])
    assert (heat["x"], heat["y"]) == (["1", "2"], ["1", "2"])
    assert shown["data"][1]["x"] == shown["data"][1]["y"] == ["1"]


def test_each_of_the_best_has_the_command_that_makes_it_again():
    params = grid(fast=[5, 10], mode=["long only", "both"])
    html = rendered(sample_trials(params, objective=np.array([1.0, 4.0, 2.0, 3.0])))
    found = re.findall(r"<code>(.*?)</code>", html)
    assert found == [
        "python -m framework strategy.params.fast=5 strategy.params.mode=both",
        "python -m framework strategy.params.fast=10 strategy.params.mode=both",
        "python -m framework strategy.params.fast=10 "
        "&#x27;strategy.params.mode=&quot;long only&quot;&#x27;",
        "python -m framework strategy.params.fast=5 "
        "&#x27;strategy.params.mode=&quot;long only&quot;&#x27;",
    ]


@pytest.mark.parametrize(
    "value",
    [None, True, 7, -0.25, 1e-07, "btc_aud", "15m", "5", "null", "a b", 'say "x"', "a\\", "x,y"],
)
def test_hydra_reads_back_what_a_command_says(value: object):
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import QuotedString

    [parsed] = OverridesParser.create().parse_overrides([f"key={hydra_value(value)}"])
    read = parsed.value()
    if isinstance(read, QuotedString):
        read = read.text
    assert (read, type(read)) == (value, type(value))


def test_a_command_is_safe_in_a_shell():
    said = command_line(["printf", "%s"], {"a": "$(touch /tmp/x); b"})
    done = subprocess.run(["sh", "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == 'a="$(touch /tmp/x); b"'


def test_what_others_wrote_cannot_become_markup():
    evil = "</script><script>alert(1)</script>"
    params = {f"strategy.{evil}": [1, 2, 3], "strategy.kind": [evil, "a", "b"]}
    tried = sample_trials(params)
    html = rendered(tried, SweepFacts(evil, evil, (evil,), (evil,), {1: evil}, {evil: evil}))
    assert "<script>alert" not in html


def test_the_size_does_not_grow_with_the_trials():
    rng = np.random.default_rng(0)
    sizes = []
    for count in (1_000, 10_000):
        params = {f"strategy.params.p{k}": rng.uniform(size=count).tolist() for k in range(6)}
        params["strategy.kind"] = [f"kind {k}" for k in range(count)]
        tried = sample_trials(params)
        judged = replace(judge(replace(tried, blocks=tried.blocks[:, :8])), overfitting=None)
        sizes.append(len(page.render(tried, judged, FACTS)))
    assert max(sizes) < 3_000_000
    assert sizes[1] < sizes[0] * 1.1


@pytest.mark.parametrize("objective", [np.full(3, np.nan), np.array([-1.0, -2.0, np.nan])])
def test_a_sweep_that_found_nothing_says_so(objective: np.ndarray):
    html = rendered(sample_trials(grid(fast=[1, 2, 3]), objective=objective))
    charts = charts_of(html)
    assert charts["maps"] == []
    assert ("There is no best trial" in html) == bool(np.isnan(objective).all())
    assert (charts["response"] is None) == bool(np.isnan(objective).all())


def test_the_front_is_drawn_and_listed_with_every_objective():
    params = grid(fast=[5, 10, 20], slow=[50, 90])
    first = np.array([1.0, 3.0, 2.0, 0.5, np.nan, 1.25])
    second = np.array([0.5, -2.0, -0.25, 0.25, 9.0, -1.0])
    # (3, -2), (2, -0.25) and (1, 0.5) stay; (0.5, 0.25) is below row 0, (1.25, -1) below row 2
    tried = sample_trials(params, objective=first, objectives={"sharpe": first, "-loss": second})
    html = rendered(tried)
    others, front = charts_of(html)["front"][0]["data"]
    assert (front["x"], front["y"]) == ([3.0, 2.0, 1.0], [-2.0, -0.25, 0.5])
    assert front["text"][0] == "no. 1: fast 5, slow 90"
    assert (others["x"], others["y"]) == ([0.5, 1.25], [0.25, -1.0])
    assert (front["name"], others["name"]) == ("3 on the front", "2 others")
    listed = html.partition('id="h-front"')[2].partition("</section>")[0]
    assert [row.split("</td><td>")[1:4] for row in re.findall(r"<tr><td>.*?</tr>", listed)] == [
        ["1", "3.000", "\N{MINUS SIGN}2.000"],
        ["2", "2.000", "\N{MINUS SIGN}0.250"],
        ["0", "1.000", "0.500"],
    ]
    assert listed.count("<code>") == 3
    assert 'id="h-front"' not in rendered(sample_trials(params))


def test_of_a_long_front_the_first_are_listed_and_the_number_is_told():
    count = 1_500
    first = np.arange(count, dtype=np.float64)
    objectives = {"a": first, "b": -first, "c": np.zeros(count)}
    tried = sample_trials({"fast": list(range(count))}, objective=first, objectives=objectives)
    html = rendered(tried)
    drawn = charts_of(html)["front"]
    assert [figure["name"] for figure in drawn] == ["a and b", "a and c", "b and c"]
    assert [len(each["x"]) for each in drawn[0]["data"]] == [0, 600]
    assert drawn[0]["data"][1]["name"] == "600 of 1\N{NARROW NO-BREAK SPACE}500 on the front"
    listed = html.partition('id="h-front"')[2].partition("</section>")[0]
    assert listed.count("<code>") == 20
    assert "The 20 highest in a of 1\N{NARROW NO-BREAK SPACE}500." in listed


def test_failed_trials_are_listed_by_what_was_wrong():
    facts = replace(FACTS, errors={1: "slow: must be above fast.", 2: "slow: must be above fast."})
    html = rendered(sample_trials(grid(fast=[1, 2, 3])), facts)
    assert "<td>2</td><td>1</td>" in re.sub(r' class="\w+"', "", html)


def test_a_page_that_cannot_be_written_is_an_outside_fault(tmp_path: Path):
    tried = sample_trials(grid(fast=[1, 2, 3]))
    (tmp_path / "taken").touch()
    with pytest.raises(OutsideFault, match="sweep page"):
        page.write_page(tmp_path / "taken" / "sweep.html", tried, judge(tried), FACTS)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium found to open the page in")
@pytest.mark.parametrize(
    ("params", "drawn"),
    [
        (grid(fast=[5, 10, 20], slow=[50, 100], kind=["a", "b"]), 7),
        (grid(fast=[5, 10, 20]), 4),
        ({"strategy": ["a"]}, 1),
    ],
)
def test_charts_are_drawn_without_a_word_in_the_console(
    tmp_path: Path, params: dict[str, list], drawn: int
):
    tried, facts = sample_trials(params), FACTS
    if drawn == 7:
        depth = -tried.metrics["max_drawdown"]
        tried = replace(tried, objectives={"sharpe": tried.objective, "-max_drawdown": depth})
        line = np.linspace(1.0, 2.0, 50)
        facts = replace(facts, curves=Curves((Curve(0, np.arange(50) * DAY_NS, line, line),)))
    path = tmp_path / "sweep.html"
    page.write_page(path, tried, judge(tried), facts)
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=500,1200",
            "--virtual-time-budget=20000", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert 'data-charts="drawn"' in done.stdout
    assert done.stdout.count('class="plot-container') == drawn
