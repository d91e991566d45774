"""Training from the command line: kept, judged, registered, gone on with, used again frozen."""

import json
import sqlite3
from contextlib import closing

import pytest

from framework.learning.library import digest_of

HOUR_NS = 3_600_000_000_000

MONTH = (
    *("pairs=btc_aud", "start=2025-01-01", "end=2025-02-01", "report=false"),
    *("strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5", "evaluation=walk_forward"),
    "sanity.run=false",
)
TREES = (*MONTH, "model=lightgbm", "model.rounds=20", "model.stage=5", "model.num_leaves=4")


def metrics_of(ended, name):
    return json.loads((ended.folder / name / "metrics.json").read_text())


def rows_of(ended, query):
    with closing(sqlite3.connect(ended.folder / "runs" / "framework.db")) as database:
        return database.execute(query).fetchall()


@pytest.fixture
def trained(program):
    ended = program("mode=train", *TREES, "run_dir=first")
    assert ended.code == 0, ended.err
    return ended


def test_a_training_trades_as_the_backtest_that_fits_the_same_folds(program, trained):
    again = program("mode=backtest", *TREES, "run_dir=again")
    one, other = metrics_of(trained, "first"), metrics_of(again, "again")
    assert one["trades"] > 0
    assert one["orders_hash"] == other["orders_hash"]


def test_frozen_models_predict_what_they_predicted_when_they_were_trained(program, trained):
    frozen = program("mode=backtest", *TREES, "model.from=first", "run_dir=frozen")
    assert frozen.code == 0, frozen.err
    assert "6 trained models of first, as they are" in frozen.err
    one, other = metrics_of(trained, "first"), metrics_of(frozen, "frozen")
    assert one["orders_hash"] == other["orders_hash"]


def test_the_last_model_predicts_what_came_after_all_that_was_learned(program, trained):
    later = ("start=2025-02-01", "end=2025-02-08", "evaluation=whole")
    frozen = program("mode=backtest", *TREES, *later, "model.from=latest", "run_dir=later")
    assert frozen.code == 0, frozen.err
    assert metrics_of(frozen, "later")["bars"] == 7 * 96


def test_bars_that_were_learned_from_are_not_predicted(program, trained):
    early = ("start=2025-01-01", "end=2025-01-05", "evaluation=whole")
    frozen = program("mode=backtest", *TREES, *early, "model.from=first", "run_dir=early")
    assert frozen.code == 2
    assert frozen.err.splitlines()[-1] == (
        "model.from: its models learned from bars up to 2025-01-06T04:00:00Z, and predict later "
        "ones only; the range asked for ends there or before (end was 2025-01-05T00:00:00Z)."
    )


def test_frozen_models_are_refused_where_they_do_not_fit(program, trained):
    other = program(
        "mode=backtest", *TREES, "model.from=first", "pairs=eth_aud", "model.inputs.return_4=close"
    )
    assert other.code == 2
    lines = [line for line in other.err.splitlines() if line.startswith("model.from: ")]
    assert lines == [
        "model.from: first does not fit this run: pairs was BTC-AUD, is ETH-AUD.",
        "model.from: first does not fit this run: model.inputs.return_4 was "
        "log_returns(close, 4), is close.",
    ]


def test_what_was_trained_is_a_version_in_the_registry(program, trained):
    program("mode=train", *TREES, "run_dir=second", "+gate.sharpe=1000")
    rows = rows_of(trained, "select strategy, name, version, promoted from model order by id")
    assert rows == [("ma_cross", "lightgbm", 1, 1), ("ma_cross", "lightgbm", 2, 0)]


def test_a_training_below_its_gate_fails_and_is_not_the_latest(program, trained):
    short = program(
        "mode=train", *TREES, "run_dir=short", "+gate.sharpe=1000", "+gate.max_drawdown=1"
    )
    assert short.code == 1
    assert short.err.splitlines()[-1].startswith("gate.sharpe: must be at least 1000 (was ")
    assert (short.folder / "short" / "metrics.json").is_file()
    latest = program("mode=backtest", *TREES, "model.from=latest", "run_dir=latest")
    assert "6 trained models of " in latest.err
    assert f"{trained.folder / 'first'}, as they are" in latest.err


def test_nothing_that_passed_its_gate_is_no_latest(program):
    short = program("mode=train", *TREES, "run_dir=short", "+gate.sharpe=1000")
    assert short.code == 1
    latest = program("mode=backtest", *TREES, "model.from=latest")
    assert latest.code == 2
    assert latest.err.splitlines()[-1] == (
        "model.from: no version of lightgbm for ma_cross has passed its gate; name "
        f"{short.folder / 'short'} to use the newest all the same (was latest)."
    )


def test_a_training_that_was_paused_goes_on_to_the_same_end(program, trained, monkeypatch):
    clock = iter([0] * 3 + [2 * HOUR_NS] * 100)
    monkeypatch.setattr("framework.modes.train.time_ns", lambda: next(clock))
    paused = program("mode=train", *TREES, "training.duration=1h", "run_dir=paused")
    monkeypatch.undo()
    monkeypatch.chdir(trained.folder)
    assert paused.code == 0, paused.err
    assert "paused: the time given is over" in paused.err
    assert sorted(path.name for path in (paused.folder / "paused" / "training").iterdir()) == [
        *("fold_1", "fold_2", "identity.json", "lock")
    ]
    assert not (paused.folder / "paused" / "metrics.json").exists()
    assert rows_of(paused, "select status from run where id = 2") == [("interrupted",)]
    onward = program("mode=train", *TREES, "run_dir=onward")
    assert f"goes on with the training of {paused.folder / 'paused'}" in onward.err
    assert digest_of(onward.folder / "onward" / "models") == digest_of(
        onward.folder / "first" / "models"
    )


def test_a_changed_setting_is_another_training_and_said(program):
    paused = program("mode=train", *TREES, "run_dir=paused", "training.until=2020-01-01T00:00")
    assert paused.code == 0, paused.err
    assert "paused" in paused.err
    other = program("mode=train", *TREES, "run_dir=other", "model.learning_rate=0.2")
    assert "paused is unfinished, but another training: model.learning_rate was 0.05, is 0.2" in (
        other.err
    )
    refused = program(
        "mode=train", *TREES, "run_dir=third", "model.learning_rate=0.2", "resume=paused"
    )
    assert refused.code == 2
    assert refused.err.splitlines()[-1] == (
        "resume: paused cannot be gone on with: model.learning_rate was 0.05, is 0.2."
    )
    onward = program("mode=train", *TREES, "run_dir=onward")
    assert onward.code == 0, onward.err
    assert f"goes on with the training of {onward.folder / 'paused'}" in onward.err
    apart = program("mode=train", *TREES, "run_dir=apart", "resume=never")
    assert "goes on" not in apart.err
    one, two = metrics_of(onward, "onward"), metrics_of(apart, "apart")
    assert one["orders_hash"] == two["orders_hash"]


def test_training_without_a_model_or_with_one_that_is_trained_is_refused(program):
    none = program("mode=train", *MONTH[:4])
    assert none.code == 2
    assert none.err.splitlines()[-1] == "model: mode=train needs a model to train (was none)."
    again = program("mode=train", *TREES, "model.from=latest")
    assert again.code == 2
    assert "names a model that is trained already; mode=backtest judges it" in again.err
