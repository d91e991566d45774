"""A campaign of seeded fault schedules: live feeds against the loopback exchange, all judged.

    python benchmarks/feed_faults.py --schedules 1000

prints one line of JSON for each schedule that went wrong, with the seed that makes it again, and a
last line that sums up. ``--exchange kraken --first 17 --schedules 1`` runs a single one;
``--kinds`` draws of fewer kinds of faults, ``--each`` runs every kind alone on every exchange.
Time is the loop's and jumps: a schedule of minutes takes seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "loopback")]

from framework.loopback.script import DRAWN, Kind  # noqa: E402
from framework.loopback.spoken import SPOKEN  # noqa: E402


def main(argv: list[str] | None = None) -> None:
    """Run the campaign; exit with 1 where anything went wrong."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--schedules", type=int, default=1000, help="in all, over the exchanges")
    reader.add_argument("--first", type=int, default=0, help="seed of the first one")
    reader.add_argument("--exchange", choices=sorted(SPOKEN), help="only this one")
    reader.add_argument("--kinds", help="only these kinds of faults, with commas between them")
    reader.add_argument("--each", action="store_true", help="every kind alone, on every exchange")
    reader.add_argument("--jobs", type=int, default=2, help="processes; 0: this one")
    asked = reader.parse_args(argv)
    exchanges = [asked.exchange] if asked.exchange else sorted(SPOKEN)
    kinds = frozenset(map(Kind, asked.kinds.split(","))) if asked.kinds else DRAWN
    if asked.each:
        names = sorted(kind.value for kind in kinds)
        work = [(name, asked.first, (kind,)) for name in exchanges for kind in names]
    else:
        chosen = tuple(sorted(kind.value for kind in kinds))
        work = [
            (exchanges[number % len(exchanges)], asked.first + number // len(exchanges), chosen)
            for number in range(asked.schedules)
        ]
    began = time.perf_counter()
    wrong, cpu_s, grown_mib = 0, 0.0, 0.0
    for done, found in enumerate(_found(partial(_run, asked.each), work, asked.jobs), start=1):
        cpu_s += found.pop("cpu_s")
        grown_mib = max(grown_mib, found.pop("grown_mib"))
        if found["wrong"]:
            wrong += 1
            print(json.dumps(found), flush=True)
        if done % 50 == 0:
            print(f"{done} of {len(work)}, {wrong} wrong", file=sys.stderr, flush=True)
    told = {
        "schedules": len(work),
        "wrong": wrong,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(cpu_s, 1),
        "memory_grown_mib": round(grown_mib, 1),
    }
    print(json.dumps(told))
    sys.exit(wrong > 0)


_warm: list[float] = []
"""This process's memory in MiB after each of its first schedules, in which packages load."""


def _found(run: Callable[[Any], Any], work: list[Any], jobs: int) -> Iterator[dict[str, Any]]:
    """Yield what came of each schedule, in their order."""
    if not jobs:
        yield from map(run, work)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, work)


def _run(alone: bool, asked: tuple[str, int, tuple[str, ...]]) -> dict[str, Any]:
    """Return what was wrong in one schedule, and what it took."""
    from feed_judge import judged, judged_kind

    name, seed, kinds = asked
    began = time.process_time()
    if alone:
        wrong = judged_kind(name, seed, Kind(kinds[0]))
    else:
        wrong = judged(name, seed, frozenset(map(Kind, kinds)))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if len(_warm) < 20:
        _warm.append(peak_mib)
    return {
        "exchange": name,
        "seed": seed,
        **({"kind": kinds[0]} if alone else {}),
        "wrong": wrong,
        "cpu_s": time.process_time() - began,
        "grown_mib": peak_mib - _warm[-1],
    }


if __name__ == "__main__":
    main()
