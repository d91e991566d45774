"""Real processes in a scratch folder, and a judge of what they leave there."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from forked import Forks

from framework import load_run
from framework.errors import UserError

HERE = Path(__file__).parent
QUICK = ("start=2025-01-01", "end=2025-01-08")
FILES = {
    "config/config.yaml",
    "config/overrides.yaml",
    "equity.csv",
    "fills.csv",
    "vetoes.csv",
    "trades.csv",
    "candles.npz",
    "run.json",
    "run.log",
    "metrics.json",
}
PROGRAM = (sys.executable, "-m", "framework")
FORKS = Forks()


def start(folder, *words, program=None, script=None, stdout=subprocess.DEVNULL):
    """Start the program in `folder`; later words count, flags come first.

    It is forked from a process that has imported it, and so is a script that ends in it, unless
    `program` is the command that starts it anew.
    """
    words = [*(word for word in words if word.startswith("-")), *QUICK, *words]
    words = list(dict.fromkeys(words))
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "COLUMNS": "100"}
    streams = {"stdout": stdout, "stderr": subprocess.PIPE}
    if program is None:
        return FORKS.start(folder, words, script, environment, **streams)
    command = [*program, *words]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **streams)


def end(process):
    """Wait for a process; return its exit code and what it said on standard error."""
    with process.stderr:
        said = process.stderr.read()
    return process.wait(120), said


def run(folder, *words, **how):
    return end(start(folder, *words, **how))


def kill_after(process, moment):
    """Kill a process `moment` seconds from now, unless it ends before; return its exit code."""
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.kill()
    code, said = end(process)
    assert code in (0, -signal.SIGKILL), said
    return code


def wait_until_said(process, words, times=1):
    """Wait until `words` were logged so many times; return all that was logged by then."""
    said = ""
    while said.count(words) < times:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def wait_until_listening(process):
    """Wait until the program has its signal handlers, which it has from its first import on."""
    wanted = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & wanted:
            return
        time.sleep(0.001)


def rows(folder, database="runs/framework.db"):
    """Return the rows of all runs as dictionaries, after checking the database itself."""
    path = Path(folder, database)
    if not path.is_file() or not path.stat().st_size:
        return []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if "run" not in tables:
            assert "alembic_version" not in tables
            return []
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM run ORDER BY id")]


def directories(folder):
    """Return what runs have claimed: each begins with making its folder of the configuration."""
    return sorted(path.parent for path in Path(folder, "runs").rglob("config") if path.is_dir())


def is_complete(directory):
    """Tell whether a run is complete, and check that it is what it says."""
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    if "metrics.json" not in found:
        with pytest.raises(UserError, match=r"no metrics\.json"):
            load_run(directory)
        return False
    assert found >= FILES
    assert not [name for name in found if name.endswith(".part")]
    metrics = json.loads((directory / "metrics.json").read_text())
    loaded = load_run(directory)
    assert len(loaded.equity) == metrics["bars"]
    return True


def judge(folder):
    """Check all that killed runs left in `folder`; return how many runs are known and complete."""
    known = rows(folder)
    for row in known:
        directory = Path(row["directory"])
        assert directory.is_dir()
        if row["status"] == "done":
            assert is_complete(directory)
        else:
            assert (row["status"], row["orders_hash"]) == ("interrupted", None)
    complete = [path for path in directories(folder) if is_complete(path)]
    assert {str(path) for path in complete} <= {row["directory"] for row in known}
    done = sum(row["status"] == "done" for row in known)
    return len(known), done, len(complete)


def fingerprint(folder):
    """Return the digest of every file under the run directories."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for directory in directories(folder)
        for path in directory.rglob("*")
        if path.is_file()
    }


def require_next_run_is_untroubled(folder):
    """Run once more where others died: it succeeds and leaves their remains alone."""
    before, known = fingerprint(folder), rows(folder)
    code, said = run(folder, "report=false")
    assert code == 0, said
    after = rows(folder)
    assert after[: len(known)] == known
    assert len(after) == len(known) + 1
    assert after[-1]["status"] == "done"
    left = fingerprint(folder)
    assert {path: left.get(path) for path in before} == before
    assert is_complete(Path(after[-1]["directory"]))


def require_one_line(said, line_start, ignore=("backtest of", "download of", "export of")):
    """Return the only line of a fault, below the log's."""
    assert "Traceback" not in said
    told = [line for line in said.splitlines() if not line[:8].replace(":", "").isdigit()]
    assert len(told) == 1, said
    assert told[0].startswith(line_start), told[0]
    return told[0]


@contextmanager
def mounted(folder, size):
    """Give a file system of its own to `folder`, or skip where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("mounting a small disk needs the program mount")
    if made.returncode:
        pytest.skip(f"mounting a small disk needs the right to: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
