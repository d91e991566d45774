"""A training that something stops: one line, the last good checkpoint kept, and gone on from."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from crash_runs import mounted, require_one_line, run

from framework.learning.checkpoints import Checkpoints
from framework.learning.library import digest_of

RULES = (
    *("mode=train", "pairs=btc_aud", "report=false", "sanity.run=false", "end=2025-01-20"),
    *("evaluation=holdout", "strategy.enter=p_up > 0.5", "strategy.exit=p_up < 0.5"),
)
TREES = (
    *(*RULES, "model=lightgbm", "model.rounds=40", "model.stage=5", "model.num_leaves=4"),
    *("model.early_stopping_rounds=null", "model.min_data_in_leaf=20", "mode.keep_data=false"),
)
NETWORK = (
    *(*RULES, "model=gru", "model.units=4", "model.layers=1", "model.window=5"),
    *("training.epochs=1", "training.checkpoint_steps=1"),
)


def status(folder):
    """Return status and exit code of the newest run, and the line it ended with."""
    with closing(sqlite3.connect(folder / "runs" / "framework.db")) as database:
        query = "select status, exit_code, error from run order by id desc limit 1"
        return database.execute(query).fetchone()


def newest(place):
    """Return the newest checkpoint there; none may be damaged."""
    return Checkpoints(place, 3, pytest.fail).newest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Digest of the models of a training that nothing stops, and the size of what it keeps."""
    folder = tmp_path_factory.mktemp("whole")
    code, said = run(folder, *TREES, "run_dir=whole")
    assert code == 0, said
    return digest_of(folder / "whole" / "models")


def require_goes_on(folder, stopped, whole, *words):
    """Start the same again: it goes on where the other stopped, to the same models."""
    at = newest(stopped / "training" / "fold_1")
    assert at is not None and at.step < 40
    code, said = run(folder, *TREES, *words, "run_dir=onward")
    assert code == 0, said
    assert f"goes on with the training of {stopped}" in said
    assert digest_of(folder / "onward" / "models") == whole


AFTER_TWO = """
import os
from framework.learning.checkpoints import Checkpoints

save = Checkpoints.save
saved = []

def save_and_close(self, *given):
    path = save(self, *given)
    saved.append(path)
    if len(saved) == 2:
        WHAT
    return path

Checkpoints.save = save_and_close
from framework.__main__ import main
main()
"""


def after_two(what):
    """Return the program, to which something happens after its second checkpoint."""
    return AFTER_TWO.replace("WHAT", what)


def test_a_full_disk_keeps_the_checkpoint_before_and_training_goes_on(tmp_path, whole):
    with mounted(tmp_path / "disk", "2m") as disk:
        stopped = disk / "run"
        filled = after_two(f"open('{disk}/rest', 'wb', 0).write(bytes(2**21))")
        code, said = run(tmp_path, *TREES, f"run_dir={stopped}", script=filled)
        assert code == 3, said
        line = require_one_line(said, "")
        assert str(stopped / "training" / "fold_1") in line
        assert line.endswith("cannot be written (No space left on device).")
        assert status(tmp_path) == ("failed", 3, line)
        require_goes_on(tmp_path, stopped, whole)


def test_a_directory_that_cannot_be_written_any_more_is_one_line(tmp_path, whole):
    closed = after_two("os.chmod(path.parent, 0o555); os.geteuid() or os.seteuid(65534)")
    code, said = run(tmp_path, *TREES, "run_dir=stopped", script=closed)
    assert code == 3, said
    place = tmp_path / "stopped" / "training" / "fold_1"
    place.chmod(0o755)
    line = require_one_line(said, "")
    assert "training/fold_1/" in line
    assert line.endswith(": cannot be written (Permission denied).")
    assert newest(place).step == 10
    require_goes_on(tmp_path, tmp_path / "stopped", whole)


def test_memory_that_does_not_suffice_is_one_line_and_training_goes_on(tmp_path, whole):
    limited = after_two("raise MemoryError")
    code, said = run(tmp_path, *TREES, "run_dir=stopped", script=limited)
    assert code == 3, said
    line = require_one_line(said, "lightgbm: there is not enough memory for the samples; ")
    assert status(tmp_path) == ("failed", 3, line)
    require_goes_on(tmp_path, tmp_path / "stopped", whole)


def test_a_batch_beyond_all_memory_is_one_line(tmp_path):
    code, said = run(tmp_path, *NETWORK, "training.batch=1000000000", "run_dir=stopped")
    assert code == 3, said
    line = require_one_line(said, "model: not enough memory for the network; make training.batch")
    assert status(tmp_path) == ("failed", 3, line)


def test_a_loss_that_is_no_number_is_one_line_and_keeps_the_last_good_state(tmp_path):
    wild = ("training.learning_rate=1e38", "training.clip_norm=null", "training.schedule=constant")
    code, said = run(tmp_path, *NETWORK, *wild, "run_dir=stopped")
    assert code == 1, said
    line = require_one_line(said, "model: the loss of step ")
    assert line.endswith(" is no number; lower training.learning_rate, or set training.clip_norm.")
    assert status(tmp_path) == ("failed", 1, line)
    kept = newest(tmp_path / "stopped" / "training" / "fold_1" / "checkpoints")
    assert kept.step >= 1
    assert all(np.isfinite(own).all() for own in kept.arrays.values())
    assert not (tmp_path / "stopped" / "metrics.json").exists()


def test_a_gpu_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    code, said = run(tmp_path, *NETWORK, "model.device=gpu", "run_dir=stopped")
    assert code == 3, said
    line = require_one_line(said, "model.device: jax finds no gpu here (found cpu).")
    assert status(tmp_path) == ("failed", 3, line)
