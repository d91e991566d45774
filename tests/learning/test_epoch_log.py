"""The log of epochs: its file is made from its state, and a resumed training's is whole."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.errors import OutsideFault
from framework.learning.checkpoints import Checkpoints
from framework.learning.epoch_log import EpochLog


def add(log: EpochLog, epoch: int) -> None:
    log.add(
        {"loss": 1 / epoch, "auc": np.float32(0.1) * epoch, "steps": 10 * epoch},
        samples_per_second=1000.5,
        checkpoint_ms=None if epoch == 1 else 2.5,
    )


def rows_of(directory: Path) -> list[dict[str, str]]:
    with (directory / "epochs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def without_memory(state: dict[str, Any]) -> dict[str, Any]:
    for row in state["clock"]:
        del row["peak_memory_mib"]
    return state


def test_the_file_has_a_row_for_each_epoch(tmp_path: Path) -> None:
    log = EpochLog(tmp_path / "workshop")
    log.add({"loss": 0.1 + 0.2, "auc": math.nan, "brier": None}, samples_per_second=10)
    log.add({"loss": 5e-324, "f1": 0.5}, samples_per_second=20, checkpoint_ms=1.5)
    memory = [row["peak_memory_mib"] for row in rows_of(tmp_path / "workshop")]
    assert (tmp_path / "workshop" / "epochs.csv").read_text() == (
        "epoch,loss,auc,brier,f1,samples_per_second,peak_memory_mib,checkpoint_ms\n"
        f"1,0.30000000000000004,,,,10,{memory[0]},\n"
        f"2,5e-324,,,0.5,20,{memory[1]},1.5\n"
    )
    assert all(20 < float(value) < 100_000 for value in memory)
    assert [path.name for path in (tmp_path / "workshop").iterdir()] == ["epochs.csv"]


def test_a_log_without_a_directory_keeps_its_rows() -> None:
    log = EpochLog(None)
    add(log, 1)
    assert log.figures == [{"epoch": 1, "loss": 1.0, "auc": float(np.float32(0.1)), "steps": 10}]


def test_the_state_is_plain_json_and_comes_back_bit_for_bit(tmp_path: Path) -> None:
    log = EpochLog(tmp_path)
    for epoch in (1, 2, 3):
        add(log, epoch)
    text = json.dumps(log.state)
    before = (tmp_path / "epochs.csv").read_bytes()
    (tmp_path / "epochs.csv").unlink()
    again = EpochLog(tmp_path)
    again.restore(json.loads(text))
    assert json.dumps(again.state) == text
    assert (tmp_path / "epochs.csv").read_bytes() == before


def test_rows_after_the_checkpoint_are_written_once(tmp_path: Path) -> None:
    """Killed after the row of epoch 3, resumed from the checkpoint of epoch 2."""
    straight, killed = EpochLog(tmp_path / "straight"), EpochLog(tmp_path / "killed")
    checkpoints = Checkpoints(tmp_path / "checkpoints", 1, print)
    for epoch in range(1, 6):
        add(straight, epoch)
    for epoch in (1, 2):
        add(killed, epoch)
        checkpoints.save(epoch, {}, {"epochs": killed.state})
    add(killed, 3)
    assert len(rows_of(tmp_path / "killed")) == 3

    found = checkpoints.newest()
    assert found is not None
    resumed = EpochLog(tmp_path / "killed")
    resumed.restore(found.state["epochs"])
    assert len(rows_of(tmp_path / "killed")) == 2
    for epoch in (3, 4, 5):
        add(resumed, epoch)
    assert [row["epoch"] for row in rows_of(tmp_path / "killed")] == ["1", "2", "3", "4", "5"]
    assert json.dumps(resumed.figures) == json.dumps(straight.figures)
    assert without_memory(resumed.state) == without_memory(straight.state)


def test_a_state_taken_does_not_grow(tmp_path: Path) -> None:
    log = EpochLog(None)
    add(log, 1)
    state = log.state
    add(log, 2)
    assert len(state["figures"]) == len(state["clock"]) == 1


def test_a_row_that_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EpochLog(tmp_path)
    add(log, 1)
    before = (tmp_path / "epochs.csv").read_bytes()

    def full(path: Path, text: str, **options: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutsideFault) as fault:
        add(log, 2)
    where = tmp_path / "epochs.csv"
    assert str(fault.value) == f"epoch log {where}: cannot be written (No space left on device)."
    assert where.read_bytes() == before
