"""A training that was stopped, however, ends with the same bytes as one that never was."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from networks import TRAINING, gru, samples, weights_of, workshop

from framework.errors import OutsideFault, UserError
from framework.learning.checkpoints import Checkpoints
from framework.learning.training import Training
from framework.learning.workshop import Paused

ROOT = Path(__file__).resolve().parents[2]
STEPS = Training(epochs=3, batch=64, learning_rate=0.02, schedule="constant", checkpoint_steps=5)


def ended(place):
    """All that is equal at the end: arrays by name, and state without the clock's figures."""
    found = Checkpoints(place / "checkpoints", 3, pytest.fail).newest()
    found.state["log"].pop("clock")
    return {name: own.tobytes() for name, own in found.arrays.items()}, found.state


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    place = tmp_path_factory.mktemp("reference")
    trained = gru().trainer(workshop(place)).train(samples())
    return ended(place), weights_of(trained)


@pytest.mark.timeout(600)
def test_networks_killed_five_times_a_training_end_with_the_same_bytes():
    command = [sys.executable, "benchmarks/resume_kills.py", "--kills", "15"]
    done = subprocess.run(
        [*command, "--models", "gru,lstm,transformer"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["kills"] == 15 and figures["different"] == []
    for parts in figures["whole"].values():
        compared = {"weights", "others", "optimizer", "best", "state", "saved model"}
        assert compared | {"predictions"} == set(parts)
    assert len({parts["weights"] for parts in figures["whole"].values()}) == 3


@pytest.mark.parametrize("calls", [1, 2, 4, 7, 11])
def test_an_interrupted_training_goes_on_to_the_same_end(calls, tmp_path, reference):
    left = [calls]

    def interrupt(done, total, figures):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gru().trainer(workshop(tmp_path, STEPS, show=interrupt)).train(samples())
    said = []
    trained = gru().trainer(workshop(tmp_path, say=said.append)).train(samples())
    assert ended(tmp_path) == reference[0]
    assert weights_of(trained) == reference[1]
    assert [line for line in said if line.startswith("going on from ")] == said[:1]


def test_a_training_paused_after_each_call_ends_the_same(tmp_path, reference):
    pauses = 0
    while True:
        try:
            place = workshop(tmp_path, STEPS, time_is_up=lambda: True)
            trained = gru().trainer(place).train(samples())
            break
        except Paused:
            pauses += 1
            assert pauses < 100
    assert pauses > 9
    assert weights_of(trained) == reference[1]
    arrays, state = ended(tmp_path)
    assert arrays == reference[0][0]
    assert state["log"] == reference[0][1]["log"]


def test_a_training_that_had_ended_is_not_done_again(tmp_path, reference):
    for _ in range(2):
        calls = []
        place = workshop(tmp_path, show=lambda *told: calls.append(told))  # noqa: B023
        trained = gru().trainer(place).train(samples())
    assert calls == []
    assert weights_of(trained) == reference[1]
    assert len((tmp_path / "epochs.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": 4}, "seed was 3, is 4"),
        ({"threads": 2}, "training.threads was 1, is 2"),
        ({"batch": 32}, "training.batch was 64, is 32"),
        ({"units": 7}, "model.units was 6, is 7"),
        ({"data": 1}, r"data of fold 1 was \w{64}, is \w{64}"),
    ],
)
def test_going_on_with_anything_else_is_refused(changes, line, tmp_path, monkeypatch):
    training = Training(epochs=1, batch=64, learning_rate=0.02, schedule="constant")
    gru().trainer(workshop(tmp_path, training)).train(samples())
    from framework.learning import keras_backend

    monkeypatch.setattr(keras_backend, "_threads", {})  # as in a process of its own
    monkeypatch.setenv("NPROC", "1")
    kept = {name: getattr(training, name) for name in training.__pydantic_fields__}
    new = Training(**kept | {name: changes[name] for name in changes if name in kept})
    model = gru(units=changes.get("units", 6))
    data = samples()
    if "data" in changes:
        moved = data.inputs_NTF.copy()
        moved[0, 50, 0] += 1
        data = replace(data, inputs_NTF=moved)
    place = workshop(tmp_path, new, seed=changes.get("seed", 3))
    with pytest.raises(UserError, match=rf"step_\d+: holds another model: {line}\.$"):
        model.trainer(place).train(data)


def test_settings_of_keeping_alone_may_change(tmp_path, reference):
    def stop(done, total, figures):
        if done > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gru().trainer(workshop(tmp_path, STEPS, show=stop)).train(samples())
    trained = gru().trainer(workshop(tmp_path, TRAINING)).train(samples())
    assert weights_of(trained) == reference[1]


def test_a_disk_that_fails_leaves_the_checkpoint_before(tmp_path, monkeypatch, reference):
    from framework.learning import checkpoints

    written = []

    def fail(directory, *rest):
        written.append(directory)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return whole(directory, *rest)

    whole = checkpoints._write
    monkeypatch.setattr(checkpoints, "_write", fail)
    with pytest.raises(OutsideFault, match="No space left on device"):
        gru().trainer(workshop(tmp_path)).train(samples())
    monkeypatch.undo()
    trained = gru().trainer(workshop(tmp_path)).train(samples())
    assert weights_of(trained) == reference[1]
