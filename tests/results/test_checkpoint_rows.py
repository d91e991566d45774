"""The rows of checkpoints, on SQLite and PostgreSQL, and the table of trainings that goes on."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_outcomes import START_NS, make_outcome
from rich.console import Console

from framework.results.checkpoint_rows import UnfinishedTraining
from framework.results.database import Database, open_database
from framework.results.metrics import compute
from framework.results.training_table import training_table


@pytest.fixture
def database(database_url: str) -> Database:
    return open_database(database_url)


def begin(database: Database, directory: str, strategy: str = "trend") -> int:
    return database.begin(
        directory=directory,
        mode="train",
        strategy=strategy,
        started_at=START_NS,
        pid=42,
        host="here",
        seed=7,
        version="0.1.0",
        config="cash: 1000\n",
    )


def finish(database: Database, run_id: int) -> None:
    outcome = make_outcome(np.array([[10.0], [11.0]]))
    database.finish(run_id, outcome, compute(outcome), ended_at=START_NS)


def keep(database: Database, run_id: int, step: int, **figures: Any) -> None:
    database.checkpoints.keep(
        run_id=run_id,
        directory=f"/runs/a/training/fold_2/step_{step:09d}",
        sha256="0" * 64,
        step=step,
        made_at=START_NS + step,
        figures=figures,
    )


def test_the_newest_checkpoint_of_a_training_that_has_not_ended(database: Database) -> None:
    run_id = begin(database, "/runs/a")
    assert database.checkpoints.unfinished() == []
    keep(database, run_id, 10, epoch=1, loss=0.5)
    keep(database, run_id, 20, epoch=2, loss=0.25, auc=math.nan)
    assert database.checkpoints.unfinished() == [
        UnfinishedTraining(
            run_id=run_id,
            strategy="trend",
            run=Path("/runs/a"),
            checkpoint=Path("/runs/a/training/fold_2/step_000000020"),
            step=20,
            made_at=START_NS + 20,
            figures={"epoch": 2, "loss": 0.25, "auc": None},
        )
    ]
    finish(database, run_id)
    assert database.checkpoints.unfinished() == []


def test_a_training_that_a_later_one_has_ended_after_is_over(database: Database) -> None:
    stopped, other = begin(database, "/runs/a"), begin(database, "/runs/b", "breakout")
    for run_id in (stopped, other):
        keep(database, run_id, 10)
    database.fail(stopped, error="killed", exit_code=3, ended_at=START_NS)
    assert [row.run_id for row in database.checkpoints.unfinished()] == [stopped, other]
    onward = begin(database, "/runs/c")
    keep(database, onward, 20)
    assert [row.run_id for row in database.checkpoints.unfinished()] == [stopped, other, onward]
    finish(database, onward)
    assert [row.run_id for row in database.checkpoints.unfinished()] == [other]


def test_the_table_says_how_far_a_training_is() -> None:
    row = UnfinishedTraining(
        run_id=1,
        strategy="trend",
        run=Path.cwd() / "runs" / "a",
        checkpoint=Path.cwd() / "runs" / "a" / "training" / "fold_2" / "step_000012345",
        step=12_345,
        made_at=1_735_689_600_123_456_789,
        figures={"loss": 0.693147, "validation_loss": None},
    )
    console = Console(file=io.StringIO(), width=100)
    console.print(training_table([row]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "runs/a" in shown and str(Path.cwd()) not in shown
    line = next(line for line in shown.splitlines() if "for trend" in line)
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells == ["for trend", "fold 2", "12,345", "0.6931", "–"]
    assert "kept 2025-01-01T00:00:00Z" in shown
