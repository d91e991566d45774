"""The registry of trained models, on SQLite and PostgreSQL, and the table made of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_outcomes import START_NS, make_outcome
from rich.console import Console

from framework.results.database import Database, open_database
from framework.results.metrics import compute
from framework.results.model_registry import ModelRow
from framework.results.model_table import model_table

GATE = {"sharpe": 1.0, "max_drawdown": 0.25}
METRICS = {"sharpe": 1 / 3, "max_drawdown": 0.3, "total_return": -0.125, "deflated_sharpe": None}


def finished_run(database: Database, directory: str) -> int:
    """Return the id of a run that is done, on the data ``d`` × 64."""
    run_id = database.begin(
        directory=directory,
        mode="train",
        strategy="made",
        started_at=START_NS,
        pid=42,
        host="here",
        seed=7,
        version="0.1.0",
        config="cash: 1000\n",
    )
    outcome = make_outcome(np.array([[10.0], [11.0]]))
    database.finish(run_id, outcome, compute(outcome), ended_at=START_NS)
    return run_id


def keep(database: Database, run_id: int, **changes: Any) -> int:
    fields: dict[str, Any] = dict(
        run_id=run_id,
        strategy="trend",
        name="gru",
        directory="/runs/a",
        sha256="0" * 64,
        data_hash="d" * 64,
        made_at=START_NS + 123,
        promoted=True,
        gate=GATE,
        metrics=METRICS,
    )
    return database.models.keep(**(fields | changes))


@pytest.fixture
def database(database_url: str) -> Database:
    return open_database(database_url)


def test_a_model_reads_back_as_it_was_kept(database: Database) -> None:
    run_id = finished_run(database, "/runs/a")
    assert database.models.rows() == []
    keep(database, run_id, directory=Path("/runs/../runs/a"), promoted=False)
    (row,) = database.models.rows()
    assert row == ModelRow(
        id=row.id,
        run_id=run_id,
        strategy="trend",
        name="gru",
        version=1,
        directory=Path("/runs/a"),
        sha256="0" * 64,
        data_hash="d" * 64,
        made_at=START_NS + 123,
        promoted=False,
        gate=GATE,
        metrics=METRICS,
    )


def test_versions_count_for_each_model_of_each_strategy(database: Database) -> None:
    run_id = finished_run(database, "/runs/a")
    kept = [
        ("trend", "gru"),
        ("trend", "gru"),
        ("trend", "lstm"),
        ("other", "gru"),
        ("trend", "gru"),
    ]
    versions = [keep(database, run_id, strategy=s, name=n) for s, n in kept]
    assert versions == [1, 2, 1, 1, 3]
    rows = database.models.rows
    assert [(row.strategy, row.name, row.version) for row in rows()] == [
        (strategy, name, version) for (strategy, name), version in zip(kept, versions, strict=True)
    ]
    assert [row.version for row in rows("trend", "gru")] == [1, 2, 3]
    assert [row.strategy for row in rows(name="gru")] == ["trend", "trend", "other", "trend"]
    assert [row.name for row in rows("trend")] == ["gru", "gru", "lstm", "gru"]
    assert rows("nobody") == []


def test_a_model_without_a_gate_reads_back(database: Database) -> None:
    keep(database, finished_run(database, "/runs/a"), gate={}, metrics={})
    (row,) = database.models.rows()
    assert (row.gate, row.metrics, row.promoted) == ({}, {}, True)


def test_the_table_says_what_each_model_reached_and_what_it_fell_short_of(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = open_database(sqlite_url)
    run_id = finished_run(database, "/runs/a")
    keep(database, run_id, promoted=False)
    keep(
        database,
        run_id,
        directory="runs/[b]",
        metrics={**METRICS, "sharpe": 2.0, "max_drawdown": 0.1},
    )
    keep(database, run_id, name="lstm", gate={})
    printed = Console(file=io.StringIO(), width=120)
    printed.print(model_table(database.models.rows()))
    text = printed.file.getvalue()  # type: ignore[attr-defined]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert [row for row in cells if row] == [
        ["gru 1 for trend", "-12.50%", "0.33", "–", "30.00%"],
        ["trained 2024-01-01T00:00:00Z, not promoted:", "", "", "", ""],
        ["sharpe: must be at least 1 (was 0.333333).", "", "", "", ""],
        ["max_drawdown: must be at most 0.25 (was 0.3).", "", "", "", ""],
        ["/runs/a", "", "", "", ""],
        ["gru 2 for trend", "-12.50%", "2.00", "–", "10.00%"],
        ["trained 2024-01-01T00:00:00Z, promoted", "", "", "", ""],
        ["runs/[b]", "", "", "", ""],
        ["lstm 1 for trend", "-12.50%", "0.33", "–", "30.00%"],
        ["trained 2024-01-01T00:00:00Z, promoted, had no gate", "", "", "", ""],
        ["/runs/a", "", "", "", ""],
    ]
