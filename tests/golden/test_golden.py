"""Runs come to what they came to: orders and data to the last bit, metrics to 1e-12.

A changed hash means that something is traded differently. Where that is meant,

    python tests/golden/regenerate.py

prints what changed and pins it, and the commit explains why.

The excerpt is ten days of two pairs, written by mode=export from the simulated exchange
(``regenerate.py --excerpt``) and read by exchange=files: golden runs on it tell a change of the
engine from one of the market.
"""

from __future__ import annotations

import pytest
from golden_runs import EXCERPT, call, differences, load, measure
from regenerate import EXPORT

from framework.config.search_path import project_root

RUNS = load()
EXCERPTS = [name for name, run in RUNS.items() if run["group"] == "excerpt"]
WHOLE = [name for name in EXCERPTS if "note" not in RUNS[name]]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_comes_to_what_is_pinned(name, tmp_path):
    assert differences(RUNS[name], measure(RUNS[name]["argv"], tmp_path)) == []


def on_the_market(name):
    """Return the words of an excerpt's run, on the simulated exchange itself."""
    return [word for word in RUNS[name]["argv"] if not word.startswith("exchange")]


@pytest.mark.parametrize("name", WHOLE)
def test_an_excerpt_trades_like_the_market_it_was_cut_from(name, tmp_path):
    assert differences(RUNS[name], measure(on_the_market(name), tmp_path)) == []


def test_an_excerpt_with_less_warm_up_than_the_market_has_starts_otherwise(tmp_path):
    (name,) = set(EXCERPTS) - set(WHOLE)
    found = measure(on_the_market(name), tmp_path)
    assert found["metrics"]["bars"] == RUNS[name]["metrics"]["bars"]
    assert found["orders_hash"] != RUNS[name]["orders_hash"]


def test_the_excerpt_is_what_export_writes(tmp_path):
    call(EXPORT, tmp_path)
    written = {file.name: file.read_bytes() for file in (tmp_path / "written").iterdir()}
    kept = {file.name: file.read_bytes() for file in EXCERPT.iterdir()}
    assert written == kept
    assert sum(map(len, kept.values())) < 200_000


def pinned(choice):
    """Whether it trades without a model, whose bits would be those of one processor's libraries."""
    return "override /model" not in choice.read_text()


def test_golden_runs_cover_every_strategy_risk_and_execution_and_one_pair_and_five():
    root = project_root()
    words = {word for run in RUNS.values() for word in run["words"]}
    for group, folder in (
        ("strategy", root / "strategies"),
        *((name, root / "conf" / name) for name in ("risk", "execution")),
    ):
        assert {f"{group}={file.stem}" for file in folder.glob("*.yaml") if pinned(file)} <= words
    assert len(RUNS) - len(EXCERPTS) == 18
    single = {name for name, run in RUNS.items() if any("pairs" in word for word in run["words"])}
    assert len(single) == 4


def test_every_golden_run_trades():
    still = [name for name, run in RUNS.items() if run["metrics"]["trades"] < 1]
    assert still == []


def test_differences_name_hashes_and_metrics():
    name = "ma_cross_off"
    pinned = RUNS[name]
    metrics = pinned["metrics"]
    within = {**pinned, "metrics": {**metrics, "cagr": metrics["cagr"] * (1 + 5e-13)}}
    assert differences(pinned, within) == []
    changed = {
        **pinned,
        "orders_hash": "0" * 64,
        "metrics": {**metrics, "trades": metrics["trades"] + 1, "sharpe": None, "new": 1.5},
    }
    assert differences(pinned, changed) == [
        f"orders_hash: {pinned['orders_hash'][:12]} -> 000000000000",
        f"sharpe: {metrics['sharpe']} -> None",
        f"trades: {metrics['trades']} -> {metrics['trades'] + 1}",
        "new: absent -> 1.5",
    ]
