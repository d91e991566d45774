"""Commands run again and again: when, never twice at a time, logged, told of, stopped cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from framework.config.search_path import project_root
from framework.modes.schedule import Job, _trigger
from framework.modes.scheduled_jobs import Commands

MODELS = '+mode.jobs.{}={{every: {}, run: "{}"}}'


def due(job: Job, after: str, count: int) -> list[str]:
    """Return the first moments after one at which a job is due."""
    trigger, moment, found = _trigger(job), datetime.fromisoformat(f"{after}+00:00"), []
    previous = moment
    for _ in range(count):
        fires = trigger.get_next_fire_time(previous, moment)
        found.append(f"{fires:%a %d %H:%M}")
        previous = moment = fires.replace(second=30)
    return found


@pytest.mark.parametrize(
    ("cron", "moments"),
    [
        ("10 3 * * 1-5", ["Fri 02 03:10", "Mon 05 03:10", "Tue 06 03:10"]),
        ("0 0 * * 0", ["Sun 04 00:00", "Sun 11 00:00"]),
        ("0 0 * * 7", ["Sun 04 00:00", "Sun 11 00:00"]),
        ("0 0 * * sat,1", ["Sat 03 00:00", "Mon 05 00:00"]),
        ("*/20 5 * * *", ["Thu 01 05:00", "Thu 01 05:20", "Thu 01 05:40", "Fri 02 05:00"]),
        ("30 12 15 * *", ["Thu 15 12:30"]),
    ],
)
def test_cron_is_read_as_cron_reads_it_in_utc(cron: str, moments: list[str]) -> None:
    # 2026-01-01 is a Thursday; Friday the 2nd is the first day after 03:10 of the first.
    assert due(Job(cron=cron, run="mode=models"), "2026-01-01T04:00:00", len(moments)) == moments


def test_a_length_is_kept_on_the_grid_of_candles() -> None:
    trigger = _trigger(Job(every="15m", run="mode=models"))
    now = datetime.now(UTC)
    first = trigger.get_next_fire_time(None, now)
    assert (first.minute % 15, first.second, first.microsecond) == (0, 0, 0)
    assert 0 <= (first - now).total_seconds() <= 900


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (
            '{every: 5s, cron: "* * * * *", run: "mode=models"}',
            "mode.jobs.a: a job needs either cron or every, and not both.",
        ),
        ('{run: "mode=models"}', "mode.jobs.a: a job needs either cron or every, and not both."),
        ('{cron: "61 * * * *", run: "mode=models"}', "mode.jobs.a.cron: "),
        (
            '{cron: "1 2", run: "mode=models"}',
            "mode.jobs.a.cron: must have five fields: minute, hour, day, month, day of the week "
            "(was 1 2).",
        ),
        (
            '{cron: "1 * * * 8", run: "mode=models"}',
            "mode.jobs.a.cron: days of the week are 0 to 7, Sunday being 0 and 7 (was 1 * * * 8).",
        ),
        ("{every: 5s}", "mode.jobs.a.run: a value is needed."),
        (
            '{every: 5s, run: "mode=schedule"}',
            "mode.jobs.a: a job cannot be a schedule itself (was mode=schedule).",
        ),
    ],
)
def test_what_cannot_be_scheduled_is_refused_in_a_line(program, job: str, line: str) -> None:
    ended = program("mode=schedule", f"+mode.jobs.a={job}")
    assert ended.code == 2
    assert ended.err.startswith(line)
    assert ended.err.count("\n") == 1


def test_nothing_to_run_is_refused_with_an_example(program) -> None:
    ended = program("mode=schedule")
    assert ended.code == 2
    assert "mode.jobs: names nothing to run: '+mode.jobs.NAME=" in ended.err


class Told:
    """A context whose log and notices a test reads."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sent: list[str] = []
        self.logger = SimpleNamespace(info=self.lines.append)
        self.settings = SimpleNamespace(notify=SimpleNamespace(send=self.sent.append))


def commands_of(folder: Path, log_bytes: int = 10_000) -> tuple[Told, Commands]:
    told = Told()
    return told, Commands(told, str(folder / "logs"), log_bytes)


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    told, commands = commands_of(tmp_path)
    commands.run("bad", ("mode=report",))
    (sent,) = told.sent
    assert sent.startswith("schedule: bad ended with exit code 2: runs: name the runs to compare")
    assert sent.endswith("logs/bad.log)")
    commands.run("worse", ("mode=nothing",))
    assert "mode: there is no 'nothing'" in told.sent[1]
    log = (tmp_path / "logs" / "bad.log").read_text()
    assert log.splitlines()[0].endswith("python -m framework mode=report")


def test_logs_are_kept_bounded(tmp_path: Path) -> None:
    _, commands = commands_of(tmp_path, log_bytes=100)
    for _ in range(3):
        commands.run("bad", ("mode=report",))
    logs = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert logs == ["bad.log", "bad.log.1"]
    assert (tmp_path / "logs" / "bad.log").read_text().count("== ") == 1


def test_what_is_under_way_is_told_to_stop_and_waited_for(tmp_path: Path) -> None:
    told, commands = commands_of(tmp_path)
    words = ("mode=schedule", MODELS.format("none", "1d", "mode=models"))
    running = threading.Thread(target=commands.run, args=("long", words))
    running.start()
    log = tmp_path / "logs" / "long.log"
    until = time.monotonic() + 60
    while not (log.exists() and "Next runs" in log.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    commands.stop(60.0)
    running.join()
    assert told.lines == ["long was told to stop: exit code 130"]
    assert told.sent == []
    assert log.read_text().rstrip().endswith("interrupted")
    commands.run("late", ("mode=models",))
    assert len((tmp_path / "logs" / "late.log").read_text().splitlines()) == 1


def test_it_runs_what_is_due_until_it_is_told_to_stop(tmp_path: Path) -> None:
    words = (MODELS.format("list", "2s", "mode=models"), MODELS.format("bad", "1s", "mode=report"))
    with (tmp_path / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "framework", "mode=schedule", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(project_root())},
            stdout=said,
            stderr=said,
        )
    log = tmp_path / "runs" / "schedule" / "list.log"
    until = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("no model in") >= 2):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    said_text = (tmp_path / "said.txt").read_text()
    assert "Next runs, UTC" in said_text
    assert "schedule: bad ended with exit code 2" in said_text
    assert "list done in" in said_text
    assert said_text.rstrip().endswith("interrupted")
