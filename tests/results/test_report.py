"""The report says everything, runs nothing that is not its own, and fetches nothing."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_outcomes import make_outcome
from report_sample import sample_outcome

from framework.errors import OutsideFault
from framework.records import EVENT, Kind, Reason
from framework.results.metrics import compute
from framework.results.outcome import Check
from framework.results.page.standalone import json_for_script
from framework.results.report import render, write_report

HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;"


class Page(HTMLParser):
    """Every element with its attributes, and all text outside of scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._raw = False
        self.feed(source)
        self.text = " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._raw = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.said.append(data)


def charts_of(source: str) -> dict:
    return json.loads(re.search(r'id="charts">(.*?)</script>', source, re.S)[1])


def test_every_metric_assumption_check_and_certificate_entry_is_printed():
    outcome = sample_outcome(bars=3_000, trades=40)
    metrics = compute(outcome)
    page = Page(render(outcome, metrics))
    for name, value in metrics.items():
        assert f"{name} {'n/a' if value is None else value}" in page.text
    for line in outcome.assumptions:
        assert line in page.text
    for check in outcome.checks:
        assert f"passed {check.name} {check.detail}" in page.text
    for name, value in outcome.certificate.items():
        if not isinstance(value, dict):
            assert f"{name} {value}" in page.text
    assert '"flat": 41' in page.text
    for line in (*outcome.overrides, *outcome.config.splitlines(), outcome.orders_hash):
        assert line.strip() in page.text
    assert "seed 7" in page.text
    assert "version 0.1.0" in page.text


def test_a_metric_that_the_report_does_not_know_is_printed_all_the_same():
    outcome = sample_outcome(bars=500, trades=5)
    assert "omega_ratio 1.25" in Page(render(outcome, {"omega_ratio": 1.25})).text


def test_hostile_names_are_text_and_nothing_else():
    outcome = sample_outcome(
        bars=500,
        pairs=(HOSTILE, "ETH-AUD"),
        trades=10,
        strategy=HOSTILE,
        quote=HOSTILE,
        config=HOSTILE,
        overrides=(HOSTILE,),
        assumptions=(HOSTILE,),
        checks=(Check(HOSTILE, False, HOSTILE),),
        certificate={HOSTILE: HOSTILE, "nested": {HOSTILE: [HOSTILE]}},
        version=HOSTILE,
        orders_hash=HOSTILE,
    )
    source = render(outcome, compute(outcome) | {HOSTILE: 1.0})
    page = Page(source)
    own = Page(render(sample_outcome(bars=500, trades=10), {}))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == [tag for tag, _ in own.elements].count("script") == 3
    assert "img" not in tags
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "alert(1)" in page.text
    assert charts_of(source)["price"][0]["name"] == HOSTILE


def test_json_cannot_leave_its_script():
    written = json_for_script({"a": "</script><!--", "b": "&"})
    assert not set(written) & set("<>&")
    assert json.loads(written) == {"a": "</script><!--", "b": "&"}


def test_nothing_is_loaded_from_anywhere():
    source = render(sample_outcome(bars=500, trades=10), {})
    for tag, attrs in Page(source).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert not {"src", "srcset", "action", "data"} & attrs.keys()
        assert str(attrs.get("href", "#")).startswith("#")
    style = re.search(r"<style>(.*?)</style>", source, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    policy = html.unescape(re.search(r'Security-Policy" content="(.*?)"', source)[1])
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1]


@pytest.mark.parametrize(
    "shape",
    [
        {"bars": 0, "trades": 0},
        {"bars": 1, "trades": 0},
        {"bars": 2, "trades": 0},
        {"bars": 300, "trades": 0},
        {"bars": 300, "trades": 1, "pairs": ("BTC-AUD",)},
        {"bars": 300, "trades": 4, "pairs": (), "events": np.zeros(0, EVENT)},
        {"bars": 300, "trades": 10, "ruin": 1.0},
        {"bars": 300, "trades": 10, "ruin": 1.4},
        {
            "bars": 300,
            "trades": 0,
            "checks": (),
            "assumptions": (),
            "overrides": (),
            "certificate": {},
            "config": "",
        },
    ],
    ids=str,
)
def test_a_run_with_little_to_show_has_a_page(shape):
    if shape.get("pairs") == ():
        shape = shape | {"trades": 0}
    outcome = sample_outcome(**shape)
    for metrics in (compute(outcome), {}):
        page = Page(render(outcome, metrics))
        assert "nan" not in page.text.replace("financ", "")
        assert "Assumptions" in page.text


def test_pairs_without_prices_at_first_have_a_page():
    outcome = sample_outcome(bars=300, trades=0)
    close = outcome.close.copy()
    close[:100, 1] = np.nan
    close[:, 2] = np.nan
    charts = charts_of(render(sample_outcome(bars=300, trades=0, close=close), {}))
    assert charts["price"][1]["data"][0]["y"][:101] == [None] * 100 + [
        pytest.approx(close[100, 1], rel=1e-6)
    ]


def test_empty_states_are_said_in_words():
    text = Page(render(sample_outcome(bars=300, trades=0), {})).text
    assert "No trades: nothing was bought or sold." in text
    assert "No order was vetoed, cancelled or expired." in text
    assert "Never traded" not in text  # without a total return there is no verdict to give


def test_vetoes_are_counted_by_reason():
    events = np.zeros(5, EVENT)
    events["kind"] = [Kind.VETOED] * 4 + [Kind.EXPIRED]
    events["reason"] = [Reason.COOL_DOWN] * 3 + [Reason.NO_CASH] + [Reason.SIGNAL]
    text = Page(render(sample_outcome(bars=300, trades=0, events=events), {})).text
    assert "Cool down vetoed 3".lower() in text.lower()
    assert "no cash vetoed 1" in text
    assert "signal expired 1" in text


def test_priced_orders_are_refused_in_plain_words():
    refused = (Reason.NO_PRICE, Reason.NO_STOP, Reason.NO_EDGE, Reason.CORRELATION)
    events = np.zeros(6, EVENT)
    events["kind"] = [*[Kind.VETOED] * 4, Kind.EXPIRED, Kind.CANCELLED]
    events["reason"] = [*refused, Reason.TIME_IN_FORCE, Reason.POST_ONLY]
    text = Page(render(sample_outcome(bars=300, trades=0, events=events), {})).text
    assert "no price for the order vetoed 1" in text
    assert "no distance for its stop or target vetoed 1" in text
    assert "no edge to bet on by the Kelly rule vetoed 1" in text
    assert "exposure to correlated pairs at its limit vetoed 1" in text
    assert "not filled in time expired 1" in text
    assert "would have filled at once, post-only cancelled 1" in text


def test_borrowing_is_among_the_costs_where_there_was_some():
    outcome = sample_outcome(bars=3_000, trades=40, borrow_rate=1e-4)
    metrics = compute(outcome)
    text = Page(render(outcome, metrics)).text.replace("\u202f", " ")
    paid = f"{metrics['borrow_paid']:,.2f}".replace(",", " ")
    assert f"Borrowing \u2212{paid} " in text
    assert "Fees, slippage, borrowing" in text
    assert "short" in text
    own = sample_outcome(bars=3_000, trades=40)
    assert "orrowing" not in Page(render(own, {"fees_paid": 1.0, "slippage_paid": 1.0})).text


def test_costs_of_a_short_still_open_count_what_it_owes():
    sold = [(1, 0, -1, 10.0, 100.0, 0.0)]
    outcome = make_outcome(np.full((3, 1), 100.0), sold, borrow_rate=0.01)
    assert outcome.equity.tolist() == [1_000.0, 990.0, 980.0]
    text = Page(render(outcome, compute(outcome))).text
    assert "Result before costs 0.00" in text
    assert "Borrowing \u221220.00" in text
    assert "20.00 AUD are owed for shorts still open" in text


def test_months_are_compounded_to_the_year():
    # Two months of daily bars: 10,000 grows to 11,000 by the end of January, halves by February's.
    day = 86_400 * 10**9
    bars = 59
    equity = np.concatenate([np.full(31, 11_000.0), np.full(28, 5_500.0)])
    outcome = sample_outcome(
        bars=bars,
        trades=0,
        time=1_672_531_200 * 10**9 + np.arange(bars) * day,
        equity=equity,
    )
    text = Page(render(outcome, {})).text
    assert re.search(r"2023\s+10\.0\s+−50\.0\s+−45\.0\W%", text)


def test_failed_checks_come_first_and_in_words():
    outcome = sample_outcome(
        bars=500, trades=10, checks=(Check("causality", False, "ema_fast differs at bar 77."),)
    )
    page = Page(render(outcome, compute(outcome)))
    assert "The check “causality” did not pass" in page.text
    assert "not passed causality ema_fast differs at bar 77." in page.text


def test_best_and_worst_of_many_trades_are_listed():
    outcome = sample_outcome(bars=5_000, trades=400)
    trades = outcome.trades
    source = render(outcome, {})
    rows = re.findall(r'<tr data-in="([^"]*)">(.*?)</tr>', source)
    views = {
        name: {int(re.search(r'data-key="(\d+)"', row)[1]) for kinds, row in rows if name in kinds}
        for name in ("last", "best", "worst")
    }
    assert views["last"] == set(range(351, 401))
    assert int(trades["fraction"].argmax()) + 1 in views["best"]
    assert int(trades["fraction"].argmin()) + 1 in views["worst"]
    assert {len(view) for view in views.values()} == {50}


def test_writing_replaces_the_page_and_leaves_nothing_beside_it(tmp_path: Path):
    outcome = sample_outcome(bars=300, trades=4)
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, outcome, compute(outcome))
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_same_run_same_page():
    pages = [render(sample_outcome(bars=2_000, trades=30), {"sharpe": 1.0}) for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_file_in_the_folders_place_is_an_outside_fault(tmp_path: Path):
    outcome = sample_outcome(bars=10, trades=0)
    (tmp_path / "taken").touch()
    with pytest.raises(OutsideFault, match="cannot be written"):
        write_report(tmp_path / "taken" / "report.html", outcome, {})
