"""Checkpoints listed in the database while a training keeps them, and trainings that are not."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import framework.results.connection as connection
from framework.results.checkpoint_rows import CheckpointList

TREES = (
    *("mode=train", "pairs=btc_aud", "start=2025-01-01", "end=2025-01-12", "report=false"),
    *("sanity.run=false", "evaluation=holdout", "mode.final=false", "mode.keep_data=false"),
    *("strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5"),
    *("model=lightgbm", "model.rounds=8", "model.stage=2", "model.num_leaves=4"),
    *("model.min_data_in_leaf=20", "model.early_stopping_rounds=null"),
)


def rows_of(folder, query):
    with closing(sqlite3.connect(folder / "runs" / "framework.db")) as database:
        return database.execute(query).fetchall()


def test_every_checkpoint_has_a_row_with_the_digest_of_its_manifest(program):
    ended = program(*TREES, "run_dir=whole")
    assert ended.code == 0, ended.err
    rows = rows_of(
        ended.folder, "select run_id, directory, sha256, step, metrics from checkpoint order by id"
    )
    assert [row[3] for row in rows] == [2, 4, 6, 8]
    assert {row[0] for row in rows} == {1}
    there = [row for row in rows if Path(row[1]).is_dir()]
    assert [row[3] for row in there] == [4, 6, 8]
    for row in there:
        manifest = (Path(row[1]) / "manifest.json").read_bytes()
        assert hashlib.sha256(manifest).hexdigest() == row[2]
    log = (ended.folder / "whole" / "training" / "fold_1" / "epochs.csv").read_text().splitlines()
    columns = log[0].split(",")
    for row, line in zip(rows, log[1:], strict=True):
        written = dict(zip(columns, line.split(","), strict=True))
        assert json.loads(row[4])["validation_loss"] == float(written["validation_loss"])
    shown = program("mode=models")
    assert "Trained models" in shown.out and "under way" not in shown.out


def test_a_training_that_was_stopped_is_shown_with_how_far_it_is(program, monkeypatch):
    def stop(self, **row):
        keep(self, **row)
        if row["step"] == 4:
            raise KeyboardInterrupt

    keep = CheckpointList.keep
    monkeypatch.setattr(CheckpointList, "keep", stop)
    stopped = program(*TREES, "run_dir=stopped")
    assert stopped.code == 130
    monkeypatch.undo()
    monkeypatch.chdir(stopped.folder)
    shown = program("mode=models")
    assert shown.code == 0, shown.err
    assert "Trainings under way or stopped" in shown.out
    assert "for ma_cross" in shown.out and "fold 1" in shown.out and "stopped" in shown.out


@pytest.mark.parametrize("tries", [1, 2])
def test_a_database_that_fails_stops_no_training(tries, program, monkeypatch):
    """It is warned of once, and tried again only when some time has passed."""
    refused = []

    def keep(self, **row):
        refused.append(row["step"])
        held = sqlite3.connect("runs/framework.db", isolation_level=None)
        with closing(held), monkeypatch.context() as impatient:
            impatient.setattr(connection, "BUSY_SECONDS", 0.01)
            held.execute("BEGIN IMMEDIATE")
            kept(self, **row)

    kept = CheckpointList.keep
    monkeypatch.setattr(CheckpointList, "keep", keep)
    if tries == 2:
        moments = iter([0.0, 0.0, 600.0, 600.0, 700.0, 800.0])
        monkeypatch.setattr("framework.modes.keeping.monotonic", lambda: next(moments))
    ended = program(*TREES, "run_dir=whole")
    assert ended.code == 0, ended.err
    assert refused == [2, 4][:tries]
    warned = [line for line in ended.err.splitlines() if "database is locked" in line]
    assert len(warned) == 1
    assert warned[0].endswith(
        "database sqlite:///runs/framework.db: database is locked. Training goes on; "
        "this checkpoint is not listed."
    )
    assert rows_of(ended.folder, "select count(*) from checkpoint") == [(0,)]
    assert (ended.folder / "whole" / "metrics.json").is_file()
