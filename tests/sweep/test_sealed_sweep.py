"""No trial of a sweep sees what is kept from it, and the database counts who looks."""

import csv
import json
import sqlite3

import numpy as np
import pytest

from framework.sweep.trial import TrialTable
from framework.types import parse_time

DAYS = 12
AXES = (
    "strategy.params.fast=5,14", "strategy.params.slow=range(20,60,20)", "risk.stop_loss=0.02,0.05"
)  # fmt: skip
FILE = ("exchange=files", "exchange.path=btc_usdt_15m.csv", "report=false", "sweep.min_trades=1")


def write_candles(folder, corrupt_from):
    """Write twelve days from 2025-01-01 on; from a day on all prices are others."""
    generator = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(generator.normal(0.0, 0.004, DAYS * 96)))
    close[corrupt_from * 96 :] *= generator.uniform(1.5, 4.0, len(close[corrupt_from * 96 :]))
    start = parse_time("2025-01-01") // 1_000_000
    with (folder / "btc_usdt_15m.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("time", "open", "high", "low", "close", "volume"))
        for bar, price in enumerate(close.tolist()):
            rows.writerow((start + bar * 900_000, price, price * 1.001, price * 0.999, price, 1e6))


def sweep(program, *words):
    known = set(program.folder.glob("runs/*/*/trials.parquet"))
    ended = program.call("-m", *FILE, *AXES, *words)
    assert ended.code == 0, ended.err
    (file,) = set(program.folder.glob("runs/*/*/trials.parquet")) - known
    return TrialTable.read(file), file.parent, ended


@pytest.fixture
def program(program, tmp_path):
    class Program:
        call, folder = staticmethod(program), tmp_path

    return Program


def folds(folder):
    with (folder / "folds.csv").open() as file:
        return [(row["part"], row["start"][:10], row["end"][:10]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("words", "seen_days"),
    [
        (("evaluation.sealed=3d",), 9),
        (("evaluation=holdout", "evaluation.sealed=2d"), 8),  # 0.8 of ten days
        (("evaluation=walk_forward", "evaluation.folds=2"), 4),
    ],
)
def test_no_trial_sees_the_tail(program, words, seen_days):
    write_candles(program.folder, corrupt_from=DAYS)
    before, _, _ = sweep(program, "sweep.rerun_best=false", *words)
    write_candles(program.folder, corrupt_from=seen_days)
    after, _, _ = sweep(program, "sweep.rerun_best=false", *words)

    assert len(before) == 8
    assert len(set(before.orders_hash)) > 2
    assert before.metrics["bars"].tolist() == [seen_days * 96] * 8
    assert before.orders_hash == after.orders_hash
    assert before.data_hash == after.data_hash
    for name, values in before.metrics.items():
        assert np.array_equal(values, after.metrics[name], equal_nan=True), name
    assert np.array_equal(before.blocks, after.blocks, equal_nan=True)

    write_candles(program.folder, corrupt_from=seen_days - 1)
    other, _, _ = sweep(program, "sweep.rerun_best=false", *words)
    assert other.orders_hash != before.orders_hash  # so the test can tell


def test_the_best_trial_alone_is_judged_over_the_test_part(program):
    write_candles(program.folder, corrupt_from=DAYS)
    _, directory, _ = sweep(program, "evaluation=holdout", "evaluation.sealed=2d")
    assert folds(directory / "best") == [
        ("train", "2025-01-01", "2025-01-07"), ("validation", "2025-01-07", "2025-01-09"),
    ]  # fmt: skip
    assert folds(directory / "test") == [
        ("train", "2025-01-01", "2025-01-07"), ("validation", "2025-01-07", "2025-01-09"),
        ("test", "2025-01-09", "2025-01-11"),
    ]  # fmt: skip


def test_trials_that_run_alone_end_where_a_batch_ends(program):
    write_candles(program.folder, corrupt_from=DAYS)
    words = ("evaluation=holdout", "evaluation.sealed=2d", "sweep.rerun_best=false")
    batch, _, _ = sweep(program, *words)
    alone, _, _ = sweep(program, *words, "hydra/launcher=basic", "mode.causality_cuts=0")
    assert batch.orders_hash == alone.orders_hash
    assert batch.data_hash == alone.data_hash


def test_whoever_opens_the_tail_is_named_in_every_later_sweep(program):
    write_candles(program.folder, corrupt_from=DAYS)
    _, first, _ = sweep(program, "evaluation.sealed=3d")
    assert json.loads((first / "sweep.json").read_text())["sealed_tail_openings"] == 0
    opened = program.call(
        *FILE, "evaluation.sealed=3d", "evaluation.open_sealed=true", "run_dir=opened"
    )
    assert opened.code == 0, opened.err
    metrics = json.loads((program.folder / "opened" / "metrics.json").read_text())
    assert metrics["bars"] == 3 * 96
    certificate = json.loads((program.folder / "opened" / "run.json").read_text())["certificate"]
    assert (certificate["start"], certificate["end"]) == (
        "2025-01-10T00:00:00Z", "2025-01-13T00:00:00Z",
    )  # fmt: skip
    assert certificate["warm_up_bars"] == 50

    words = ("evaluation.sealed=3d", "sweep.rerun_best=false", "report=true")
    _, later, ended = sweep(program, *words)
    assert json.loads((later / "sweep.json").read_text())["sealed_tail_openings"] == 1
    said = " ".join(ended.out.split())
    page = (later / "sweep.html").read_text()
    for line in (
        "The sealed tail was opened once, by run 3 (opened, ma_cross).",
        "The last 3d, from 2025-01-10 on, are sealed: neither loaded nor traded.",
    ):
        assert line in said
        assert line in page


def test_a_sweep_with_a_shorter_seal_is_an_opening_once(program):
    write_candles(program.folder, corrupt_from=DAYS)
    sweep(program, "evaluation.sealed=3d", "sweep.rerun_best=false")
    sweep(program, "evaluation.sealed=1d", "sweep.rerun_best=false")
    with sqlite3.connect(program.folder / "runs" / "framework.db") as database:
        found = database.execute("select run_id, start_time, end_time from holdout_opening")
        openings = found.fetchall()
    database.close()
    assert openings == [(2, parse_time("2025-01-10"), parse_time("2025-01-12"))]
