"""The files of a run: headers, words, exact numbers, completeness."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_outcomes import START_NS, make_outcome, random_close, random_fills

from framework.errors import OutsideFault
from framework.records import EVENT, Kind, OrderType, Reason
from framework.results.metrics import compute
from framework.results.outcome import Outcome
from framework.results.run_directory import RunDirectory


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, outcome: Outcome) -> RunDirectory:
    directory = RunDirectory.create(path)
    directory.write_config(outcome.config, outcome.overrides)
    directory.write_ledger(outcome)
    directory.write_metrics(outcome, compute(outcome))
    return directory


@pytest.fixture
def outcome() -> Outcome:
    """Two pairs, one closed and one open trade, and one event of each other kind."""
    others = np.zeros(4, EVENT)
    others["kind"] = [Kind.DECIDED, Kind.VETOED, Kind.CANCELLED, Kind.EXPIRED]
    others["reason"] = [Reason.SIGNAL, Reason.MAX_DRAWDOWN, Reason.REPLACED, 0]
    others["type"] = [OrderType.MARKET, OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT]
    others["side"] = [1, 1, -1, -1]
    others["order"] = [1, 0, 7, 8]
    others["time"] = START_NS
    others["confidence"] = 0.1 + 0.2
    return make_outcome(
        np.array([[10.0, 20.0], [11.0, 20.0], [12.0, 21.0]]),
        [(1, 0, 1, 1.0, 11.0, 0.1), (1, 1, 1, 1 / 3, 20.0, 0.1), (2, 0, -1, 1.0, 12.0, 0.1)],
        extra_events=others,
    )


def test_a_finished_directory_has_every_file(tmp_path: Path, outcome: Outcome) -> None:
    directory = write(tmp_path / "2024-01-01" / "000000_backtest_made", outcome)
    files = sorted(
        str(path.relative_to(directory.path))
        for path in directory.path.rglob("*")
        if path.is_file()
    )
    assert files == [
        *("candles.npz", "config/config.yaml", "config/overrides.yaml", "equity.csv", "fills.csv"),
        *("metrics.json", "run.json", "trades.csv", "vetoes.csv"),
    ]
    assert directory.complete


def test_fills_tell_an_orders_whole_life_in_words(tmp_path: Path, outcome: Outcome) -> None:
    path = write(tmp_path / "run", outcome).path
    rows = rows_of(path / "fills.csv")
    assert list(rows[0]) == (
        "time order event pair side type reason units quote price fee slippage confidence".split()
    )
    assert [row["event"] for row in rows] == [
        *("decided", "cancelled", "expired", "filled", "filled", "filled"),
    ]
    assert [row["type"] for row in rows[:3]] == ["market", "limit", "stop_limit"]
    assert [row["reason"] for row in rows[:3]] == ["signal", "replaced", ""]
    assert [row["side"] for row in rows] == ["buy", "sell", "sell", "buy", "buy", "sell"]
    assert [row["pair"] for row in rows[3:]] == ["P0-AUD", "P1-AUD", "P0-AUD"]
    assert rows[0]["time"] == "2024-01-01T00:00:00Z"
    assert rows[-1]["time"] == "2024-01-03T00:00:00Z"
    assert float(rows[4]["units"]) == 1 / 3
    assert rows[0]["confidence"] == "0.30000000000000004"


def test_vetoes_have_their_own_file(tmp_path: Path, outcome: Outcome) -> None:
    path = write(tmp_path / "run", outcome).path
    (row,) = rows_of(path / "vetoes.csv")
    assert (row["reason"], row["pair"], row["side"]) == ("max_drawdown", "P0-AUD", "buy")


def test_open_trades_have_no_exit_time(tmp_path: Path, outcome: Outcome) -> None:
    path = write(tmp_path / "run", outcome).path
    closed, held = rows_of(path / "trades.csv")
    assert (closed["exit_time"], closed["open"]) == ("2024-01-03T00:00:00Z", "false")
    assert (held["exit_time"], held["open"], held["side"]) == ("", "true", "long")
    assert float(closed["pnl"]) == float(outcome.trades["pnl"][0])


def test_numbers_read_back_to_the_same_bits(tmp_path: Path) -> None:
    close = random_close(1, 500, 2)
    outcome = make_outcome(close, random_fills(close, 1, 100))
    path = write(tmp_path / "run", outcome).path
    rows = rows_of(path / "equity.csv")
    for name in ("equity", "cash", "invested"):
        read = np.array([float(row[name]) for row in rows])
        assert read.tobytes() == getattr(outcome, name).tobytes()
    fills = rows_of(path / "fills.csv")
    assert [float(row["price"]) for row in fills] == outcome.events["price"].tolist()


def test_times_finer_than_a_second_keep_their_digits(tmp_path: Path) -> None:
    outcome = make_outcome(np.array([[1.0], [2.0]]), time=np.array([START_NS, START_NS + 1]))
    path = write(tmp_path / "run", outcome).path
    assert rows_of(path / "equity.csv")[1]["time"] == "2024-01-01T00:00:00.000000001Z"


def test_metrics_are_flat_and_name_hashes_causality_and_version(
    tmp_path: Path, outcome: Outcome
) -> None:
    path = write(tmp_path / "run", outcome).path
    metrics = json.loads((path / "metrics.json").read_text())
    assert metrics["orders_hash"] == "0" * 64
    assert metrics["data_hash"] == "d" * 64
    assert (metrics["causality"], metrics["version"]) == ("passed", "0.1.0")
    assert metrics["profit_factor"] is None
    assert metrics["final_equity"] == outcome.equity[-1]


def test_metrics_that_json_cannot_say_are_refused(tmp_path: Path, outcome: Outcome) -> None:
    directory = RunDirectory.create(tmp_path / "run")
    with pytest.raises(ValueError, match="sharpe must be finite"):
        directory.write_metrics(outcome, {"sharpe": float("nan")})
    assert not directory.complete


def test_overrides_are_a_yaml_list(tmp_path: Path) -> None:
    import yaml

    directory = RunDirectory.create(tmp_path / "run")
    directory.write_config("a: 1\n", ["x='a: \"b\"'", "y=[1,2]"])
    written = yaml.safe_load((directory.path / "config" / "overrides.yaml").read_text())
    assert written == ["x='a: \"b\"'", "y=[1,2]"]


def test_an_existing_run_is_never_written_into(tmp_path: Path, outcome: Outcome) -> None:
    first = write(tmp_path / "run", outcome)
    second = RunDirectory.create(tmp_path / "run")
    (second.path / "x").write_text("")
    third = RunDirectory.create(tmp_path / "run")
    assert [path.name for path in (first.path, second.path, third.path)] == [
        "run",
        "run_2",
        "run_3",
    ]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert RunDirectory.create(tmp_path / "run").path.name == "run"


def test_a_file_in_the_way_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    assert RunDirectory.create(tmp_path / "run").path.name == "run_2"


def test_no_directory_can_be_made_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideFault, match=r"run directory .*file/run: cannot be written"):
        RunDirectory.create(tmp_path / "file" / "run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a full disk")
@pytest.mark.parametrize("name", ["equity.csv", "candles.npz"])
def test_a_full_disk_is_one_line_and_leaves_the_run_incomplete(tmp_path: Path, name: str) -> None:
    close = random_close(1, 5_000, 1)
    outcome = make_outcome(close)
    directory = RunDirectory.create(tmp_path / "run")
    (directory.path / name).symlink_to("/dev/full")
    with pytest.raises(OutsideFault, match="No space left") as fault:
        directory.write_ledger(outcome)
    assert "\n" not in str(fault.value)
    assert not directory.complete


def test_a_write_that_fails_leaves_nothing_behind(
    tmp_path: Path, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory.create(tmp_path / "run")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutsideFault, match="No space left"):
        directory.write_metrics(outcome, compute(outcome))
    assert [path for path in directory.path.rglob("*") if path.is_file()] == []


def test_no_run_imports_pandas() -> None:
    program = """
import sys
import numpy as np
from made_outcomes import make_outcome, random_close, random_fills
from framework.results.metrics import compute
from framework.results.run_directory import RunDirectory
from framework.results.database import open_database
close = random_close(1, 50, 2)
outcome = make_outcome(close, random_fills(close, 1, 20))
directory = RunDirectory.create(sys.argv[1] + "/run")
directory.write_ledger(outcome)
directory.write_metrics(outcome, compute(outcome))
loaded = {"pandas", "vectorbt", "sqlmodel", "sqlalchemy", "alembic"} & set(sys.modules)
assert not loaded, loaded
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", program, folder],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
