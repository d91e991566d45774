"""Kill programs that write the store at random moments, and count what is lost, twice or wrong.

    python benchmarks/live_kills.py --what download [--kills 50] [--seed 7]

`download` fetches minutes of several pairs from the loopback exchange, whose market is the same in
every run. SIGKILL ends its process after a seeded random number of commits and some milliseconds;
then the store is judged against the market itself, and the download started again, until it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAIRS = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")
START = "2025-01-01"
_MOST_COMMITS = 40  # that a process lives to see, about
_LONGEST_S = 0.05  # from a commit to the kill


class Download:
    """Downloads of the loopback exchange, and the truth about them."""

    name = "loopback"

    def __init__(self, folder: Path, pairs: int, days: int) -> None:
        from framework.loopback.truth import Truth
        from framework.types import DAY_NS, Interval, parse_time

        self.folder = folder
        self.interval = Interval.parse("1m")
        self.pairs = PAIRS[:pairs]
        self.start = parse_time(START)
        self.end = self.start + days * DAY_NS
        # As the loopback exchange makes its own.
        truth = Truth(7, PAIRS, Interval.parse("20s"), first_ns=parse_time("2020-01-01"))
        self.truth = {
            pair: truth.rows(pair, self.interval, self.start, self.end) for pair in self.pairs
        }
        self.acknowledged: dict[str, int] = {}

    def start_process(self) -> subprocess.Popen[str]:
        """Start a download that goes on with what is there."""
        days = (self.end - self.start) // 86_400_000_000_000
        words = (
            *("mode=download", "exchange=loopback", "mode.interval=1m", "mode.chunk_bars=240"),
            f"pairs.symbols=[{','.join(self.pairs)}]",
            *(f"start={START}", f"end={np.datetime64(START) + int(days)}"),
        )
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_RUNTIME_DIR": str(self.folder.parent),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "framework", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def commits(self) -> int:
        """Return how many commits the store's tables have seen."""
        return len(list(self.folder.glob("runs/market/*/*/_delta_log/*.json")))

    def judge(self, ended: bool) -> list[str]:
        """Return what is wrong with the store."""
        from deltalake import DeltaTable

        from framework.market.store import CandleStore

        wrong = []
        place = self.folder / "runs" / "market"
        store = CandleStore(str(place))
        for pair in self.pairs:
            key = (self.name, pair, self.interval)
            covered = store.covered(*key)
            total = sum(end - start for start, end in covered)
            if total < self.acknowledged.get(pair, 0):
                wrong.append(f"{pair}: less is covered than before")
            self.acknowledged[pair] = total
            if ended and covered != [(self.start, self.end)]:
                wrong.append(f"{pair}: ended without covering all")
            rows, truth = store.read(*key, 0, 2**62), self.truth[pair]
            if np.any(np.diff(rows.time) <= 0):
                wrong.append(f"{pair}: candles out of order")
            if not np.isin(rows.time, truth.time).all():
                wrong.append(f"{pair}: candles that never were")
            for start, end in covered:
                for name in ("time", "open", "high", "low", "close", "volume"):
                    found, expected = (
                        getattr(part, name)[(part.time >= start) & (part.time < end)]
                        for part in (rows, truth)
                    )
                    if not np.array_equal(found, expected):
                        wrong.append(f"{pair}: {name} differs from the truth")
            if store.revisions(*key, 0, 2**62):
                wrong.append(f"{pair}: candles were revised")
        table = place / self.name / f"candles_{self.interval}"
        if table.is_dir():
            raw = DeltaTable(str(table)).to_pyarrow_table(columns=["pair", "time"])
            if raw.num_rows != raw.group_by(["pair", "time"]).aggregate([]).num_rows:
                wrong.append("rows that are stored twice")
        return wrong


def main(argv: list[str] | None = None) -> int:
    """Kill, judge, go on; return how many kills left something wrong."""
    options = _options(argv)
    random = np.random.default_rng(options.seed)
    begun = time.perf_counter()
    kills, finished, wrong = 0, 0, []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "place"
        task = None
        while kills < options.kills or task is not None:
            if task is None:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                task = Download(folder, options.pairs, options.days)
            last = kills >= options.kills
            killed = not last and _killed(task, random)
            if not killed:
                process = task.start_process()
                said = process.communicate(timeout=600)[1]
                if process.returncode:
                    raise RuntimeError(f"the download failed: {said}")
            kills += killed
            faults = task.judge(ended=not killed)
            wrong += [f"kill {kills}: {fault}" for fault in faults]
            print(f"kill {kills}: {'; '.join(faults) or 'nothing wrong'}", flush=True)
            if not killed:
                finished += 1
                task = None
    seconds = round(time.perf_counter() - begun, 1)
    print(json.dumps({"kills": kills, "finished": finished, "wrong": wrong, "seconds": seconds}))
    return len(wrong)


def _killed(task: Download, random: np.random.Generator) -> bool:
    """Start a process and kill it after some commits; return whether it lived so long."""
    wanted = task.commits() + int(random.integers(0, _MOST_COMMITS))
    wait = float(random.uniform(0, _LONGEST_S))
    process = task.start_process()
    while process.poll() is None and task.commits() <= wanted:
        time.sleep(0.002)
    time.sleep(wait)
    process.kill()
    said = process.communicate()[1]
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"the download failed: {said}")
    return process.returncode == -signal.SIGKILL


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", choices=("download",), default="download", help="is killed")
    parser.add_argument("--kills", type=int, default=50, help="in all (50)")
    parser.add_argument("--pairs", type=int, default=5, help="downloaded (5)")
    parser.add_argument("--days", type=int, default=15, help="downloaded (15)")
    parser.add_argument("--seed", type=int, default=7, help="of the moments (7)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
