"""Faults of operation in a paper session: one clear line, and the same command goes on."""

import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest
from crash_runs import end, mounted, require_one_line, rows, run, start, wait_until_said

SESSION = (
    *("mode=paper", "mode.speed=0", "mode.bars=400", "mode.snapshot_bars=100", "report=false"),
    *("strategy.params.fast=5", "strategy.params.slow=20", "start=2025-01-03", "end=2025-02-01"),
)
IMPATIENT = """
import framework.results.connection as connection
connection.BUSY_SECONDS = 0.3
from framework.__main__ import main
main()
"""
LOCKING = """
import sqlite3
import framework.results.connection as connection
import framework.session.mirror as mirror
connection.BUSY_SECONDS = mirror._PATIENCE_S = mirror._LAST_PATIENCE_S = 0.3
from framework.modes.paper import Paper
live = Paper._live
async def locking(self, context, state, told):
    global held
    held = sqlite3.connect("runs/framework.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    return await live(self, context, state, told)
Paper._live = locking
from framework.__main__ import main
main()
"""
TRAIN = (
    *("mode=train", "strategy=trend_ml", "pairs.symbols=[BTC-AUD,ETH-AUD]", "report=false"),
    *("start=2024-11-01", "end=2025-01-01", "exchange.start=2024-11-01", "evaluation=holdout"),
    *("sanity.run=false", "model.rounds=10", "model.num_leaves=7", "model.min_data_in_leaf=50"),
    "run_dir=trained",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The orders hash of a session that nothing befell."""
    folder = tmp_path_factory.mktemp("whole")
    code, said = run(folder, *SESSION)
    assert code == 0, said
    (row,) = rows(folder)
    return row["orders_hash"]


def require_fault(said, *parts):
    """Check that a fault was told in one line, which has all the parts."""
    assert "Traceback" not in said
    line = said.splitlines()[-1]
    for part in parts:
        assert part in line, said


def require_goes_on(folder, whole, *words):
    code, said = run(folder, *words)
    assert code == 0, said
    assert "goes on after" in said
    (row,) = rows(folder)
    assert (row["status"], row["orders_hash"]) == ("done", whole)


@pytest.mark.parametrize("size", ["60k", "160k"])
def test_full_disk_ends_a_session_that_goes_on_with_room(tmp_path, whole, size):
    with mounted(tmp_path / "disk", size) as disk:
        words = (*SESSION, f"run_dir={disk}/run")
        code, said = run(tmp_path, *words)
        assert code == 3, said
        require_fault(said, str(disk), "No space left on device")
        (row,) = rows(tmp_path)
        assert (row["status"], row["exit_code"]) == ("failed", 3)
        code, said = run(tmp_path, *words)  # still full
        assert code == 3, said
        require_fault(said, str(disk), "No space left on device")
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        code, said = run(tmp_path, *words)
        assert code == 0, said
        (row,) = rows(tmp_path)
        assert (row["status"], row["orders_hash"]) == ("done", whole)


def test_database_locked_for_long_when_a_session_ends(tmp_path, whole):
    code, said = run(tmp_path, *SESSION, script=LOCKING)
    assert code == 3, said
    require_fault(said, "database sqlite:///runs/framework.db: database is locked.")
    assert [row["status"] for row in rows(tmp_path)] == ["interrupted"]
    require_goes_on(tmp_path, whole, *SESSION)


def test_database_locked_for_long_when_a_session_goes_on(tmp_path, whole):
    interrupted(tmp_path, *SESSION)
    with closing(sqlite3.connect(tmp_path / "runs/framework.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, said = run(tmp_path, *SESSION, script=IMPATIENT)
    assert code == 3, said
    require_one_line(said, "database sqlite:///runs/framework.db: database is locked", ())
    require_goes_on(tmp_path, whole, *SESSION)


def interrupted(folder, *words):
    """Leave a session in the middle, at a speed at which that is no question of luck."""
    process = start(folder, *words, "mode.speed=9000")  # ten bars a second
    wait_until_said(process, " each, from ")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGTERM)
    code, said = end(process)
    assert code == 130, said


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A folder with a trained model, and a session on it that was interrupted."""
    folder = tmp_path_factory.mktemp("trees")
    code, said = run(folder, *TRAIN)
    assert code == 0, said
    own = [word for word in TRAIN if word.startswith(("strategy", "pairs", "exchange", "model."))]
    words = (*own, "model.from=trained", "strategy.params.threshold=0.0", "start=2025-02-01")
    words = ("mode=paper", "mode.speed=0", "mode.bars=200", "report=false", *words)
    words = (*words, "end=2025-03-01", "run_dir=session_run")
    interrupted(folder, *words)
    return folder, words


@pytest.mark.parametrize("damage", ["missing", "no list", "cut"])
def test_model_that_is_missing_or_damaged_is_named(tmp_path, trees, damage):
    made, words = trees
    folder = shutil.copytree(made, tmp_path / "copy")
    with closing(sqlite3.connect(folder / "runs/framework.db")) as database, database:
        database.execute(
            "UPDATE run SET directory = replace(directory, ?, ?)", (str(made), str(folder))
        )
    models = folder / "session_run" / "models"
    kinds = (".txt", ".npz", ".bin")
    file = next(path for path in sorted(models.rglob("*")) if path.suffix in kinds)
    if damage == "no list":
        file = models / "schedule.json"
    kept = file.read_bytes()
    if damage == "cut":
        file.write_bytes(kept[: len(kept) // 2])
    else:
        file.unlink()
    code, said = run(folder, *words)
    assert code == 3, said
    require_fault(said, "session_run/models")
    file.write_bytes(kept)
    code, said = run(folder, *words)
    assert code == 0, said
    assert "goes on after" in said
    assert rows(folder)[-1]["status"] == "done"


def test_beginning_that_was_cut_short_is_made_again(tmp_path, trees):
    """As a process leaves it that is killed after it copied its models, before it said so."""
    made, words = trees
    folder = shutil.copytree(made, tmp_path / "copy")
    with closing(sqlite3.connect(folder / "runs/framework.db")) as database, database:
        database.execute(
            "UPDATE run SET directory = replace(directory, ?, ?)", (str(made), str(folder))
        )
    session = folder / "session_run"
    (session / "journal.jsonl").unlink()
    for file in (session / "session").iterdir():
        if file.name != "identity.json":
            file.unlink()
    code, said = run(folder, *words)
    assert code == 0, said
    assert rows(folder)[-1]["directory"] == str(session)
    assert rows(folder)[-1]["status"] == "done"
