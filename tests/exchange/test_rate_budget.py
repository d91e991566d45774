"""The budget of requests: never exceeded by all processes together, whatever happens to one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from loguru import logger

from framework.exchange import budget_file
from framework.exchange.rate_budget import RateBudget
from framework.session.clock import WallClock

TAKER = """
import asyncio, sys, time
from framework.exchange.rate_budget import RateBudget
from framework.session.clock import WallClock

async def main():
    budget = RateBudget("x", 200.0, 10.0, sys.argv[1])
    for _ in range(int(sys.argv[2])):
        await budget.take(WallClock())
        print(time.monotonic(), flush=True)

asyncio.run(main())
"""


class TimedLoop(asyncio.SelectorEventLoop):
    """A loop whose time is not the machine's: it moves by what is slept."""

    def __init__(self):
        super().__init__()
        self.moment = 1e9

    def time(self):
        return self.moment


class JumpingClock:
    """Sleeps by moving the loop's time."""

    def __init__(self):
        self.waits = []

    async def sleep(self, seconds):
        self.waits.append(seconds)
        asyncio.get_running_loop().moment += seconds + 1e-9


def in_own_time(coroutine):
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        return runner.run(coroutine)


@contextmanager
def told():
    lines = []
    sink = logger.add(lines.append, format="{message}")
    try:
        yield lines
    finally:
        logger.remove(sink)


def taker(folder, count):
    return subprocess.Popen(
        [sys.executable, "-c", TAKER, str(folder), str(count)], stdout=subprocess.PIPE, text=True
    )


def test_a_burst_and_then_one_turn_after_another(tmp_path):
    async def take():
        budget, clock = RateBudget("x", 2.0, 3.0, tmp_path), JumpingClock()
        for _ in range(5):
            await budget.take(clock)
        await budget.take(clock, cost=2.0)
        return clock.waits

    assert in_own_time(take()) == pytest.approx([0.5, 0.5, 1.0], abs=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_a_rest_earns_no_more_than_the_burst(tmp_path):
    async def take():
        budget, clock = RateBudget("x", 2.0, 3.0, tmp_path), JumpingClock()
        await budget.take(clock, cost=3.0)
        asyncio.get_running_loop().moment += 1000
        for _ in range(4):
            await budget.take(clock)
        return clock.waits

    assert in_own_time(take()) == pytest.approx([0.5], abs=1e-6)


def test_a_pause_holds_back_who_waits_already_and_leaves_no_burst(tmp_path):
    async def take():
        budget, clock = RateBudget("x", 1.0, 2.0, tmp_path), JumpingClock()
        await budget.take(clock, cost=2.0)
        sleep = clock.sleep

        async def pausing(seconds):
            clock.sleep = sleep
            budget.pause(10.0)
            await sleep(seconds)

        clock.sleep = pausing
        begun = asyncio.get_running_loop().time()
        moments = []
        for _ in range(2):
            await budget.take(clock)
            moments.append(asyncio.get_running_loop().time() - begun)
        return moments

    assert in_own_time(take()) == pytest.approx([11.0, 12.0], abs=1e-6)


def test_processes_together_never_exceed_the_budget(tmp_path):
    processes = [taker(tmp_path, 40) for _ in range(4)]
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    moments = sorted(float(line) for text in said for line in text.splitlines())
    assert len(moments) == 160
    # A turn is never early: the n-th after any other is at least (n - burst) turns later. What is
    # printed is later than the turn by a moment, which 20 turns leave room for.
    for first in range(0, 160, 10):
        for last in range(first + 40, 160):
            stretch = moments[last] - moments[first]
            assert last - first <= 200.0 * stretch + 10.0 + 20.0
    assert moments[-1] - moments[0] >= (160 - 10) / 200.0 - 0.1


def test_turns_go_to_all_processes_alike(tmp_path):
    processes = [taker(tmp_path, 60) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in processes]
    both = [
        (max(float(lines[0]) for lines in said)),
        (min(float(lines[-1]) for lines in said)),
    ]
    shares = [sum(both[0] <= float(line) <= both[1] for line in lines) for lines in said]
    assert abs(shares[0] - shares[1]) <= 0.4 * max(*shares, 10)


def test_a_killed_process_leaves_the_budget_usable_and_counted(tmp_path):
    process = taker(tmp_path, 10_000)
    for _ in range(30):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    spent = budget_file.change_file(tmp_path / "x.budget", lambda spent: spent)
    assert abs(spent.whole_at - time.monotonic()) < 60

    async def take():
        await RateBudget("x", 200.0, 10.0, tmp_path).take(WallClock())

    asyncio.run(take())
    after = budget_file.change_file(tmp_path / "x.budget", lambda spent: spent)
    assert after.whole_at > spent.whole_at


@pytest.mark.parametrize("record", [b"", b"half a rec", bytes(range(56)), b"\0" * 56])
def test_a_broken_record_is_a_whole_budget(tmp_path, record):
    (tmp_path / "x.budget").write_bytes(record)
    assert (
        budget_file.change_file(tmp_path / "x.budget", lambda spent: spent) == budget_file.Spent()
    )


def test_a_record_from_before_the_machine_was_started_is_forgotten(tmp_path, monkeypatch):
    file = tmp_path / "x.budget"
    spent = budget_file.Spent(5.0, 3.0)
    assert budget_file.change_file(file, lambda _: spent) == spent
    assert budget_file.change_file(file, lambda known: known) == spent
    monkeypatch.setattr(budget_file, "_boot", lambda: b"another".ljust(36))
    assert budget_file.change_file(file, lambda known: known) == budget_file.Spent()


def test_a_moment_that_cannot_be_meant_is_forgotten(tmp_path):
    far = time.monotonic() + 1e6
    budget_file.change_file(tmp_path / "x.budget", lambda _: budget_file.Spent(far, far))

    async def take():
        async with asyncio.timeout(60):
            await RateBudget("x", 200.0, 10.0, tmp_path).take(WallClock())

    asyncio.run(take())


@pytest.mark.parametrize("refusal", [PermissionError(13, "Permission denied"), OSError(28, "full")])
def test_a_folder_that_cannot_be_written_is_said_once_and_the_process_keeps_count(
    tmp_path, monkeypatch, refusal
):
    def refuse(*_):
        raise refusal

    monkeypatch.setattr(os, "pwrite", refuse)

    async def take():
        budgets = [RateBudget("x", 1000.0, 1.0, tmp_path) for _ in range(2)]
        moments = []
        for turn in range(11):
            await budgets[turn % 2].take(WallClock())
            moments.append(time.monotonic())
        return moments

    with told() as lines:
        moments = asyncio.run(take())
    assert len(lines) == 1
    assert f"x.budget: cannot be kept ({refusal.strerror})" in lines[0]
    assert moments[-1] - moments[0] >= 10 / 1000.0 - 1e-4


def test_a_missing_package_is_said_in_one_line(tmp_path, monkeypatch):
    from framework.errors import UserError

    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(UserError, match=r"filelock is not installed; pip install -e '\.\[live\]'"):
        budget_file.change_file(tmp_path / "x", lambda spent: spent)


def test_the_runtime_directory_comes_before_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert budget_file.budget_folder() == tmp_path / "cache" / "framework" / "budgets"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert budget_file.budget_folder() == tmp_path / "run" / "framework" / "budgets"
