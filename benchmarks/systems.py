"""The systems that are timed, and the commands that time them.

A command prints lines that begin with ``@@`` and hold JSON; how long it took as a process, and its
peak of memory, are a line more.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

HERE = Path(__file__).resolve().parent
SECTIONS = ("engine", "process", "sweep", "memory", "compile")
OURS = "framework"
LOOP = "hand-written Numba loop"
RUST_API = "vectorbt, Rust, its API"
RUST_DIRECT = "vectorbt's Rust kernels, called directly"
LONGEST_S = 900


@dataclass(frozen=True)
class Sizes:
    """How much work there is."""

    bars: int = 1_000_000
    slow_bars: int = 100_000
    """For systems whose bars take microseconds each, however many there are."""
    small_bars: int = 10_000
    minutes: int = 500_000
    """Of each of five pairs in the run whose memory is measured."""
    sets: int = 1_000


TINY = Sizes(10_000, 10_000, 10_000, 2_000, 20)
"""Enough to show that everything works."""


@dataclass(frozen=True)
class Figure:
    """One number among the lines that a command prints."""

    work: str
    """Key of `budgets.WORKS`."""
    field: str
    where: dict[str, Any]
    """What other fields of the line must say."""

    def among(self, lines: list[dict[str, Any]]) -> float | None:
        """Return the number, or None where no line has it."""
        for line in lines:
            if self.field in line and self.where.items() <= line.items():
                return float(line[self.field])
        return None


@dataclass(frozen=True)
class Job:
    """A command of one system."""

    system: str
    section: str
    command: tuple[str, ...]
    figures: tuple[Figure, ...]
    folder: Path
    env: tuple[tuple[str, str], ...] = ()
    rounds: int | None = None
    """At most so many; None: all."""

    def __str__(self) -> str:
        return " ".join((self.system, *self.command[2:]))


def ours(sizes: Sizes, work: Path, peers: Path | None) -> list[Job]:
    """Return what times the framework of this checkout."""
    root = HERE.parent
    env = [("WORK", str(work)), ("PYTHONPATH", str(root))]
    env += [("PEERS", str(peers))] if peers else []

    def job(section: str, words: str, *figures: Figure, rounds: int | None = None) -> Job:
        command = (sys.executable, str(HERE / "peer_ours.py"), *words.split())
        return Job(OURS, section, command, figures, root, tuple(env), rounds)

    return [
        job("files", f"files {sizes.minutes}"),
        job("engine", f"single {sizes.bars}", *_engine("single")),
        job("engine", f"stops {sizes.bars}", *_engine("stops")),
        job("engine", f"rules {sizes.bars}", *_engine("rules")),
        job("engine", "pairs", *_engine("pairs")),
        job("engine", f"single {sizes.small_bars}", _figure("small", "bps", test="single")),
        job("process", "proc 1 report=false", _wall("process 1")),
        job("process", "proc 5 report=false", _wall("process 5")),
        job("process", "proc 1", _wall("report 1")),
        job("process", "proc 5", _wall("report 5")),
        job("sweep", f"sweep {sizes.sets}", _figure("sweep", "cps", test="sweep")),
        job("memory", "long", _figure("memory", "peak_gib", test="process"), rounds=1),
        job("compile", "load", _figure("load", "seconds", test="load")),
        job(
            "compile",
            "compile",
            _figure("compile", "wall", test="compile"),
            _figure("notices", "notices", test="compile"),
            rounds=1,
        ),
    ]


def peers(sizes: Sizes, folder: Path) -> Iterator[Job]:
    """Yield what times the other systems, of those that are installed."""
    fast, slow, small = sizes.bars, sizes.slow_bars, sizes.small_bars
    for name, venv, script, rows in (
        (LOOP, "ref", "peer_ref.py", _loop(fast, small)),
        (RUST_DIRECT, "vbtr", "peer_vbtrust_direct.py", _rust(fast, small, "", ":kernel")),
        (RUST_API, "vbtr", "peer_vbt.py", _rust(fast, small, "rust ", ":from_signals_only")),
        ("hftbacktest", "hft", "peer_hft.py", _plain(fast, stops=False, pairs=(1,))),
        ("backtesting.py", "btpy", "peer_btpy.py", [*_plain(slow), _sweep("sweep 40")]),
        ("nautilus_trader", "nautilus", "peer_nautilus.py", _plain(slow)),
        ("jesse", "jesse", "peer_jesse.py", _plain(slow, stops=False)),
        ("freqtrade", "ft", "peer_ft.py", _plain(slow)),
    ):
        python = folder / "venvs" / venv / "bin" / "python"
        if python.exists():
            for section, words, *figures in rows:
                command = (str(python), script, *words.split())
                yield Job(name, section, command, tuple(figures), folder)


def _loop(bars: int, small: int) -> list[Any]:
    """Return the rows of the loop, which fills at the next open as ours does."""
    return [
        ("engine", f"single {bars}", _figure("single", "bps", test="single", fill=1)),
        ("engine", f"stops {bars}", _figure("stops", "bps", test="stops", trail=0.02)),
        ("engine", f"single {small}", _figure("small", "bps", test="single", fill=1)),
        *_processes(),
        _sweep("sweep"),
    ]


def _rust(bars: int, small: int, engine: str, kernel: str) -> list[Any]:
    """Return the rows of vectorbt, through its Python layer or past it."""
    alone = _figure("single:kernel", "bps", test=f"single{kernel}")
    return [
        ("engine", f"{engine}single {bars}", _figure("single", "bps", test="single"), alone),
        ("engine", f"{engine}stops {bars}", _figure("stops", "bps", test="stops", trail=True)),
        ("engine", f"{engine}single {small}", _figure("small", "bps", test="single")),
        *_processes(engine),
        _sweep(f"{engine}sweep 50"),
    ]


def _plain(bars: int, *, stops: bool = True, pairs: tuple[int, ...] = (1, 5)) -> list[Any]:
    """Return the rows of a system that steps its bars in Python, or nearly so."""
    tests = ("single", "stops") if stops else ("single",)
    rows = [("engine", f"{test} {bars}", _figure(test, "bps", test=test)) for test in tests]
    return [*rows, *_processes(pairs=pairs)]


def _processes(engine: str = "", pairs: tuple[int, ...] = (1, 5)) -> list[Any]:
    return [("process", f"{engine}proc {k}", _wall(f"process {k}")) for k in pairs]


def _sweep(words: str) -> Any:
    return ("sweep", words, _figure("sweep", "cps", test="sweep"))


def _engine(test: str) -> tuple[Figure, Figure]:
    """Return the figures of our engine: with features and rules, and alone."""
    kernel = f"{test}:kernel"
    return _figure(test, "bps", test=test), _figure(kernel, "bps", test=kernel)


def _wall(work: str) -> Figure:
    return _figure(work, "wall", test="process")


def _figure(work: str, field: str, **where: Any) -> Figure:
    return Figure(work, field, where)


def run(job: Job, core: int | None) -> list[dict[str, Any]]:
    """Run a command, on one core or on all, and return the lines that it prints.

    Raises
    ------
    RuntimeError
        When it fails, with the last line that it printed.
    """
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    begun = time.perf_counter()
    with _bound_to(core):
        process = subprocess.Popen(
            job.command,
            cwd=job.folder,
            env=env | {"PYTHONWARNINGS": "ignore"} | dict(job.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    timer = Timer(LONGEST_S, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        with process:
            printed = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        timer.cancel()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    wall = time.perf_counter() - begun
    if process.returncode != 0:
        last = printed.strip().splitlines()[-1:] or [""]
        raise RuntimeError(f"ended with {process.returncode}: {last[0]}")
    lines = [json.loads(line[2:]) for line in printed.splitlines() if line.startswith("@@")]
    return [*lines, {"test": "process", "wall": wall, "peak_gib": usage.ru_maxrss / 2**20}]


@contextmanager
def _bound_to(core: int | None) -> Iterator[None]:
    """Bind processes begun meanwhile to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
