"""Let a paper session live through months, and show what grows.

    python benchmarks/session_soak.py [--days 90] [--json FILE]

Five pairs of one-minute candles as fast as possible, in a process of its own: memory and the time
of a decision bar by bar, the sizes of all files, and how long the database takes to answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

DAY_BARS = 1_440
WORDS = (
    *("mode=paper", "mode.speed=0", "report=false", "strategy=ma_cross", "strategy.interval=1m"),
    *("start=2025-01-03", "exchange.end=2026-06-01", "run_dir=run"),
    "database=sqlite:///framework.db",
)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_QUERIES = {
    "a run's figures": "SELECT name, value FROM metric WHERE run_id = 1",
    "its newest trades": "SELECT * FROM trade WHERE run_id = 1 ORDER BY number DESC LIMIT 20",
    "its fills": "SELECT count(*) FROM fill WHERE run_id = 1",
    "all runs": "SELECT id, status, orders_hash FROM run",
}


def main(argv: list[str] | None = None) -> int:
    """Run a session, and print what it took."""
    options = _options(argv)
    if options.live:
        _live(options.live)
        return 0
    bars = options.days * DAY_BARS
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        begun = time.perf_counter()
        words = [*WORDS, f"mode.bars={bars}"]
        command = [sys.executable, __file__, "--live", json.dumps(words)]
        subprocess.run(command, cwd=place, check=True, stdout=sys.stderr)
        seconds = time.perf_counter() - begun
        figures = {"days": options.days, "bars": bars, "seconds": round(seconds, 1)}
        figures |= _by_bar(np.fromfile(place / "by_bar.bin"), bars)
        figures["files_bytes"] = _sizes(place / "run")
        figures["journal_bytes_a_day"] = round(
            (place / "run" / "journal.jsonl").stat().st_size / options.days
        )
        figures["database_ms"] = _queries(place / "framework.db")
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        Path(options.json).write_text(f"{text}\n")
    return 0


def _live(words: str) -> None:
    """Run the session in this process; note of every bar how long it took, and the memory."""
    from framework.__main__ import main as run
    from framework.config.signals import end_cleanly
    from framework.session.state import SessionState

    real = SessionState.act
    noted: list[float] = []
    statm = Path("/proc/self/statm").open()
    file = Path("by_bar.bin").open("wb")

    def act(self, bar, arrived_ns):  # type: ignore[no-untyped-def]
        begun = time.perf_counter()
        acted = real(self, bar, arrived_ns)
        noted.append(time.perf_counter() - begun)
        statm.seek(0)
        noted.append(float(statm.read().split()[1]) * _PAGE)
        if len(noted) > 1_000:
            np.array(noted).tofile(file)
            noted.clear()
        return acted

    SessionState.act = act  # type: ignore[method-assign]
    sys.argv = ["framework", *json.loads(words)]
    try:
        end_cleanly(run)
    finally:
        np.array(noted).tofile(file)
        file.close()


def _by_bar(noted: np.ndarray, bars: int) -> dict[str, object]:
    """Return memory and time of a decision by the number of bars behind it."""
    seconds, memory = noted.reshape(-1, 2).T
    if len(seconds) != bars:
        raise RuntimeError(f"{len(seconds)} bars were acted on, not {bars}")
    edges = np.unique(np.linspace(0, bars, 11).astype(int))
    stretches = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    late = np.arange(bars // 5, bars)
    per_bar = np.polyfit(late, memory[late], 1)[0]
    return {
        "decision_ms": {
            f"up to {end:,} bars": {
                "p50": round(float(np.median(seconds[begin:end])) * 1e3, 3),
                "p99": round(float(np.quantile(seconds[begin:end], 0.99)) * 1e3, 3),
            }
            for begin, end in stretches
        },
        "memory_mib": {
            f"at {end:,} bars": round(float(memory[end - 1]) / 2**20, 1) for _, end in stretches
        },
        "memory_bytes_a_bar": round(float(per_bar), 1),
    }


def _sizes(run: Path) -> dict[str, int]:
    """Return the bytes of every file, but for the ledger's tables, which grow with the trades."""
    files = (path for path in sorted(run.rglob("*")) if path.is_file())
    return {str(path.relative_to(run)): path.stat().st_size for path in files}


def _queries(file: Path) -> dict[str, float]:
    """Return how many milliseconds each question takes, at best of five."""
    taken = {}
    with closing(sqlite3.connect(file)) as connection:
        for name, statement in _QUERIES.items():
            times = []
            for _ in range(5):
                begun = time.perf_counter()
                connection.execute(statement).fetchall()
                times.append(time.perf_counter() - begun)
            taken[name] = round(min(times) * 1e3, 3)
    return taken


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=90, help="of one-minute candles (90)")
    parser.add_argument("--json", help="a file for the figures, too")
    parser.add_argument("--live", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
