"""A fault outside: one line that names the place, exit code 3, nothing that looks finished."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from crash_runs import (
    directories,
    end,
    is_complete,
    judge,
    mounted,
    require_one_line,
    rows,
    run,
    start,
)

IMPATIENT = """
import framework.results.connection as connection
connection.BUSY_SECONDS = 0.3
from framework.__main__ import main
main()
"""


def complete_runs(folder):
    return [path for path in directories(folder) if is_complete(path)]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("run_dir=file/run", "run directory file/run: "),
        ("run_dir=/proc/none/run", "run directory /proc/none/run: "),
        ("database=sqlite:///text.db", "database sqlite:///text.db: "),
        ("database=sqlite:///file/runs.db", "database sqlite:///file/runs.db: "),
        ("database=sqlite:////proc/runs.db", "database sqlite:////proc/runs.db: "),
        ("database=sqlite:///folder", "database sqlite:///folder: "),
    ],
)
def test_place_that_cannot_be_written(tmp_path, setting, named):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("no database, but a text of more than a hundred bytes " * 9)
    code, said = run(tmp_path, "report=false", setting)
    assert code == 3, said
    require_one_line(said, named)
    assert complete_runs(tmp_path) == []
    assert rows(tmp_path) == []
    assert (tmp_path / "text.db").read_text().startswith("no database")


def test_database_folder_that_is_missing_is_made(tmp_path):
    database = "some/where/runs.db"
    code, said = run(tmp_path, "report=false", f"database=sqlite:///{database}")
    assert code == 0, said
    assert [row["status"] for row in rows(tmp_path, database)] == ["done"]


@pytest.mark.parametrize("setting", ["store=file/market", "store=/proc/market"])
def test_store_that_cannot_be_written(tmp_path, setting):
    (tmp_path / "file").write_text("a file")
    code, said = run(tmp_path, "mode=download", setting)
    assert code == 3, said
    require_one_line(said, f"store {setting.partition('=')[2]}/simulated/candles_15m: ")


def test_export_that_cannot_be_written(tmp_path):
    code, said = run(tmp_path, "mode=export", "mode.path=/proc/none", "pairs=btc_aud")
    assert code == 3, said
    require_one_line(said, "/proc/none/BTC-AUD_15m.csv: cannot be written ")


def lock(folder):
    """Return a connection that holds the write lock of the database."""
    other = sqlite3.connect(folder / "runs/framework.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_database_locked_when_the_run_begins(tmp_path):
    assert run(tmp_path, "report=false")[0] == 0
    with closing(lock(tmp_path)):
        code, said = run(tmp_path, "report=false", script=IMPATIENT)
    assert code == 3, said
    require_one_line(said, "database sqlite:///runs/framework.db: database is locked.")
    assert judge(tmp_path) == (1, 1, 1)


LOCKED_AT_THE_END = """
import sqlite3
import framework.results.connection as connection
from framework.results.run_directory import RunDirectory

connection.BUSY_SECONDS = 0.3
write_metrics = RunDirectory.write_metrics

def write_and_lock(self, *arguments):
    write_metrics(self, *arguments)
    assert self.complete
    other = connection.other = sqlite3.connect("runs/framework.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

RunDirectory.write_metrics = write_and_lock
from framework.__main__ import main
main()
"""


def test_database_locked_when_the_run_ends_takes_the_result_back(tmp_path):
    code, said = run(tmp_path, "report=false", script=LOCKED_AT_THE_END)
    assert code == 3, said
    require_one_line(said, "database sqlite:///runs/framework.db: database is locked.")
    assert judge(tmp_path) == (1, 0, 0)
    (directory,) = directories(tmp_path)
    assert (directory / "equity.csv").is_file()
    assert "database is locked" in (directory / "run.log").read_text()


@pytest.mark.parametrize("size", ["8k", "120k"])
def test_disk_of_the_runs_is_full(tmp_path, size):
    with mounted(tmp_path / "disk", size) as disk:
        code, said = run(tmp_path, "report=true", f"run_dir={disk}/run")
        assert code == 3, said
        line = require_one_line(said, "")
        assert "No space left on device" in line
        assert str(disk) in line
        assert not is_complete(disk / "run") if (disk / "run").is_dir() else True
        (row,) = rows(tmp_path)
        assert (row["status"], row["exit_code"], row["error"]) == ("failed", 3, line)


@pytest.mark.parametrize("size", ["16k", "140k"])
def test_disk_of_the_database_is_full(tmp_path, size):
    with mounted(tmp_path / "disk", size) as disk:
        url = f"sqlite:///{disk}/runs.db"
        code, said = run(tmp_path, "report=false", f"database={url}")
        assert code == 3, said
        require_one_line(said, f"database {url}: ")
        assert complete_runs(tmp_path) == []
        copy = shutil.copytree(disk, tmp_path / "copy")  # there is no room to open it in place
    assert "done" not in [row["status"] for row in rows(copy, "runs.db")]


def test_database_on_a_disk_that_became_read_only(tmp_path):
    with mounted(tmp_path / "disk", "4m") as disk:
        url = f"sqlite:///{disk}/runs.db"
        assert run(tmp_path, "report=false", f"database={url}")[0] == 0
        finished = len(complete_runs(tmp_path))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        code, said = run(tmp_path, "report=false", f"database={url}")
        assert code == 3, said
        require_one_line(said, f"database {url}: ")
        assert len(complete_runs(tmp_path)) == finished == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_standard_output_full_does_not_lose_the_run(tmp_path):
    with open("/dev/full", "w") as full:
        code, said = run(tmp_path, "report=false", stdout=full)
    assert code == 3, said
    line = require_one_line(said, "standard output: cannot be written (No space left on device); ")
    assert judge(tmp_path) == (1, 1, 1)
    (directory,) = directories(tmp_path)
    assert str(directory.relative_to(tmp_path)) in line


@pytest.mark.parametrize("words", [("report=false",), ("--help",), ("--functions",)])
def test_reader_of_standard_output_gone(tmp_path, words):
    process = start(tmp_path, *words, stdout=subprocess.PIPE)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 3
    require_one_line(said, "standard output: cannot be written (Broken pipe)")
    assert judge(tmp_path) == ((1, 1, 1) if words == ("report=false",) else (0, 0, 0))


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>/dev/full"])
def test_standard_streams_nobody_has_open_do_not_lose_the_run(tmp_path, closed):
    program = ("sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "framework")
    code, said = end(start(tmp_path, "report=false", program=program))
    assert code == 0, said
    assert judge(tmp_path) == (1, 1, 1)
