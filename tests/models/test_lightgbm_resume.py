"""Boosting that was stopped goes on as if it had not been: the same bytes in the end."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lightgbm_training import MODELS, data_of

from framework.errors import UserError
from framework.learning.training import Training
from framework.learning.workshop import Paused, Workshop

SCRIPT = Path(__file__).with_name("lightgbm_training.py")


def start(place, keep="keep"):
    path = os.pathsep.join([str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(place), keep],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def results(place):
    kept = [file for file in sorted(place.rglob("*")) if file.is_file()]
    return {
        str(file.relative_to(place)): file.read_bytes()
        for file in kept
        if "checkpoints" not in file.parts
    }


def test_killed_at_random_rounds_it_ends_with_the_same_bytes_as_never_stopped(tmp_path):
    whole = start(tmp_path / "whole", "nothing")
    assert "ended" in whole.communicate()[0]
    draw = np.random.default_rng(2)
    kills, last = 0, ""
    while True:
        training = start(tmp_path / "killed")
        for _ in range(int(draw.integers(16, 70)) if kills < 6 else 10**9):
            line = training.stdout.readline()
            if not line:
                break
            last = line
        if last == "ended\n":
            training.communicate()
            break
        os.kill(training.pid, signal.SIGKILL)
        training.communicate()
        assert training.returncode == -signal.SIGKILL
        kills += 1
    assert kills >= 5
    expected = results(tmp_path / "whole")
    assert len(expected) == 6
    assert results(tmp_path / "killed") == expected


def fit(name, directory=None, rounds=10**9, data=None, seed=5, **changes):
    """Fit, pausing after some rounds."""
    left = [rounds]

    def time_is_up():
        left[0] -= 1
        return left[0] < 0

    model = replace(MODELS[name], **changes)
    training = Training(keep=2)
    workshop = Workshop(training=training, seed=seed, directory=directory, time_is_up=time_is_up)
    return model.trainer(workshop).train(data or data_of(model))


def content(trained, directory):
    directory.mkdir()
    trained.save(directory)
    return results(directory)


@pytest.mark.parametrize("name", MODELS)
def test_paused_again_and_again_it_ends_with_the_same_bytes(name, tmp_path):
    pauses = 0
    while True:
        try:
            trained = fit(name, tmp_path / "kept", rounds=23 + pauses)
            break
        except Paused:
            pauses += 1
    assert pauses >= 3
    whole = fit(name, tmp_path / "whole")
    assert content(trained, tmp_path / "one") == content(whole, tmp_path / "other")
    assert figures(tmp_path / "kept") == figures(tmp_path / "whole")


def figures(directory):
    """Return the log of epochs but for what depends on the clock."""
    rows = (directory / "epochs.csv").read_text().splitlines()
    assert rows[0].endswith(",samples_per_second,peak_memory_mib,checkpoint_ms")
    return [row.rsplit(",", 3)[0] for row in rows]


def test_a_finished_training_started_again_gives_the_same_at_once(tmp_path):
    first = fit("direction", tmp_path / "kept")
    again = fit("direction", tmp_path / "kept", rounds=0)
    assert content(first, tmp_path / "one") == content(again, tmp_path / "other")


def test_other_data_settings_or_seed_are_refused_and_named(tmp_path):
    fit("direction", tmp_path / "kept")
    other = data_of(MODELS["direction"], bars=1_400)
    shorter = replace(other, labels_NT=1 - other.labels_NT)
    with pytest.raises(UserError, match="data of fold 1 was"):
        fit("direction", tmp_path / "kept", data=shorter)
    with pytest.raises(UserError, match=r"model\.num_leaves was 31, is 15"):
        fit("direction", tmp_path / "kept", num_leaves=15)
    with pytest.raises(UserError, match="seed was 5, is 6"):
        fit("direction", tmp_path / "kept", seed=6)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    with pytest.raises(Paused):
        fit("direction", tmp_path / "kept", rounds=50)
    newest = max((tmp_path / "kept").glob("step_*"))
    arrays = newest / "arrays.bin"
    raw = bytearray(arrays.read_bytes())
    raw[len(raw) // 2] ^= 1
    arrays.write_bytes(raw)
    trained = fit("direction", tmp_path / "kept")
    assert content(trained, tmp_path / "one") == content(fit("direction"), tmp_path / "other")
