"""The process that tracks a run: what it is told, and that it harms and delays nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_trackers import Dying, Hanging, Journal, Raising

from framework.errors import OutsideFault, UserError
from framework.learning.epoch_log import EpochLog
from framework.records import Begun, Ended
from framework.tracking.aside import Aside, require
from framework.tracking.epochs import Epochs
from framework.tracking.parameters import parameters

PATIENCE = 120.0


def begun(directory: Path) -> Begun:
    return Begun(name="a", directory=directory, started_at=1, config="cash: 1\n", tags={"run": "1"})


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(path: Path) -> str:
    """Return the text of a file, once there is one."""
    while not (path.is_file() and path.read_text()):
        time.sleep(0.02)
    return path.read_text()


def test_a_tracker_is_told_of_begin_epochs_and_end_in_this_order(tmp_path):
    journal = Journal(tmp_path / "journal")
    aside = Aside(journal, begun(tmp_path), PATIENCE)
    log = EpochLog(tmp_path / "training" / "fold_1")
    log.add({"loss": 0.5, "auc": None}, samples_per_second=10.0)
    log.add({"loss": 0.25, "auc": 0.75}, samples_per_second=20.0)
    ended = Ended(status="done", ended_at=2, metrics={"sharpe": 1.5}, files=[tmp_path / "x"])
    aside.end(ended)

    opened, first, second, closed = journal.lines
    assert opened == ["open", "a", {"run": "1"}]
    for _, _, figures in (first, second):
        assert figures.pop("fold_1/peak_memory_mib") > 0
    assert first == ["log", 1, {"fold_1/loss": 0.5, "fold_1/samples_per_second": 10.0}]
    assert second == [
        "log",
        2,
        {"fold_1/loss": 0.25, "fold_1/auc": 0.75, "fold_1/samples_per_second": 20.0},
    ]
    assert closed == [
        "close",
        {
            "status": "done",
            "ended_at": 2,
            "tags": {},
            "metrics": {"sharpe": 1.5},
            "files": [str(tmp_path / "x")],
        },
    ]


def test_only_rows_that_are_new_are_read(tmp_path):
    epochs = Epochs(tmp_path)
    assert list(epochs.new()) == []
    logs = [EpochLog(tmp_path / "training" / f"fold_{fold}") for fold in (1, 2)]
    for log in logs:
        log.add({"loss": 1.0}, samples_per_second=1.0)
    found = [(epoch, "fold_1/loss" in figures) for epoch, figures in epochs.new()]
    assert found == [(1, True), (1, False)]
    logs[1].add({"loss": 0.5}, samples_per_second=1.0)
    ((epoch, figures),) = epochs.new()
    assert (epoch, figures["fold_2/loss"]) == (2, 0.5)
    assert list(epochs.new()) == []


@pytest.mark.parametrize(
    ("tracker", "message"),
    [
        (Raising(), "^ConnectionError: no route to host$"),
        (Dying(), "^ended with exit code 3$"),
    ],
)
def test_a_tracker_that_fails_is_one_line(tracker, message, tmp_path):
    aside = Aside(tracker, begun(tmp_path), PATIENCE)
    with pytest.raises(OutsideFault, match=message):
        aside.end(Ended(status="done"))


def test_a_tracker_that_hangs_is_killed(tmp_path):
    file = tmp_path / "pid"
    aside = Aside(Hanging(file), begun(tmp_path), 0.5)
    pid = int(until(file))
    with pytest.raises(OutsideFault, match=r"^not done within 0\.5 s$"):
        aside.end(Ended(status="done"))
    assert not is_alive(pid)


def test_a_run_that_is_killed_is_tracked_as_interrupted(tmp_path):
    journal = Journal(tmp_path / "journal")
    script = (
        "import os, pathlib; from made_trackers import *; from framework.tracking.aside import *\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "run = Begun(name='a', directory=folder, started_at=1, config='', tags={})\n"
        f"aside = Aside(Journal(folder / 'journal'), run, {PATIENCE})\n"
        "while not (folder / 'journal').is_file(): pass\n"
        "os.kill(os.getpid(), 9)\n"
    )
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **paths})
    assert done.returncode == -9
    while len(journal.lines) < 2:
        time.sleep(0.02)
    assert journal.lines[1][1]["status"] == "interrupted"


def test_a_hanging_tracker_does_not_outlive_a_killed_run_for_long(tmp_path):
    script = (
        "import os, pathlib; from made_trackers import *; from framework.tracking.aside import *\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "run = Begun(name='a', directory=folder, started_at=1, config='', tags={})\n"
        "aside = Aside(Hanging(folder / 'pid'), run, 0.5)\n"
        "while not (folder / 'pid').is_file(): pass\n"
        "os.kill(os.getpid(), 9)\n"
    )
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **paths})
    pid = int(until(tmp_path / "pid"))
    while is_alive(pid) and not is_zombie(pid):
        time.sleep(0.02)


def is_zombie(pid: int) -> bool:
    """Tell whether a process has ended, but nobody has asked how."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_package_that_is_not_installed_is_named_with_what_installs_it():
    with pytest.raises(UserError) as fault:
        require("no_such_package", "extra")
    assert str(fault.value) == (
        "tracking: no_such_package is not installed; pip install -e '.[extra]'."
    )


def test_parameters_are_what_the_result_depends_on():
    config = (
        "cash: 1.0e+4\nrun_dir: a\nrisk: {stop_loss: null, targets: []}\n"
        "pairs: {symbols: [BTC-AUD, ETH-AUD]}\ngate: {}\nsearch: {x: 1}\n"
        "tracking: {uri: b}\nfeatures: {a: 'close > 1'}\nreport: true\n"
    )
    assert parameters(config) == {
        "cash": "10000.0",
        "risk.stop_loss": "null",
        "risk.targets": "[]",
        "pairs.symbols": "[BTC-AUD, ETH-AUD]",
        "gate": "{}",
        "features.a": "close > 1",
        "report": "true",
    }
