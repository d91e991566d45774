"""Sessions of every strategy on the loopback exchange in each of its protocols, all replayed.

    python benchmarks/session_replays.py

runs the whole matrix under drawn faults, each session killed twice and gone on with from the disk,
and prints a line of JSON for each; the last one sums up. ``--strategy trend_ml --exchange kraken``
runs one cell, ``--seeds 20`` each cell with so many schedules of faults. Time is the loop's and
jumps. A session is wrong when its replay differs, when what it acted on was not so and not marked,
or when it does not come to its end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "session")]

from loopback_sessions import MODELS, STRATEGIES, live, trained, wrong  # noqa: E402

from framework.loopback.spoken import SPOKEN  # noqa: E402
from framework.market.candles import Standing  # noqa: E402
from framework.records import Kind  # noqa: E402

Cell = tuple[str, str, int]


def main(argv: list[str] | None = None) -> None:
    """Run the matrix; exit with 1 where anything went wrong."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--strategy", choices=sorted(STRATEGIES), help="only this one")
    reader.add_argument("--exchange", choices=sorted(SPOKEN), help="only this one's protocol")
    reader.add_argument("--seeds", type=int, default=1, help="schedules of faults for each cell")
    reader.add_argument("--first", type=int, default=1, help="seed of the first one")
    reader.add_argument("--bars", type=int, default=12, help="of a minute, in each session")
    reader.add_argument("--jobs", type=int, default=2, help="processes; 0: this one")
    asked = reader.parse_args(argv)
    strategies = [asked.strategy] if asked.strategy else list(STRATEGIES)
    exchanges = [asked.exchange] if asked.exchange else sorted(SPOKEN)
    cells = [
        (strategy, speaks, seed)
        for seed in range(asked.first, asked.first + asked.seeds)
        for strategy in strategies
        for speaks in exchanges
    ]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as kept:
        models = {name: trained(name, Path(kept)) for name in strategies if name in MODELS}
        outcomes = list(_run(cells, partial(_cell, models, asked.bars), asked.jobs))
    totals: Counter[str] = Counter()
    for outcome in outcomes:
        totals.update(outcome["standings"])
    failed = [outcome for outcome in outcomes if outcome["wrong"]]
    print(
        json.dumps(
            {
                "sessions": len(outcomes),
                "wrong": len(failed),
                "bars": sum(outcome["bars"] for outcome in outcomes),
                "fills": sum(outcome["fills"] for outcome in outcomes),
                "standings": totals,
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
    )
    sys.exit(1 if failed else 0)


def _run(cells: list[Cell], work: Any, jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 0:
        yield from map(_said, map(work, cells))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from map(_said, pool.map(work, cells))


def _said(outcome: dict[str, Any]) -> dict[str, Any]:
    print(json.dumps(outcome), flush=True)
    return outcome


def _cell(models: dict[str, Path], bars: int, cell: Cell) -> dict[str, Any]:
    """Run one session and return what came of it."""
    strategy, speaks, seed = cell
    told: dict[str, Any] = {"strategy": strategy, "exchange": speaks, "seed": seed}
    with tempfile.TemporaryDirectory() as place:
        try:
            lived = live(strategy, speaks, seed, Path(place), models.get(strategy), bars=bars)
        except Exception:
            lines = [traceback.format_exc()]
            return {**told, "bars": 0, "fills": 0, "standings": {}, "wrong": lines}
    standings = {Standing(which).name.lower(): n for which, n in lived.standings.items()}
    events = lived.replayed.traded.simulation.events
    return {
        **told,
        "bars": lived.bars,
        "lives": lived.lives,
        "fills": int((events["kind"] == Kind.FILLED).sum()),
        "standings": standings,
        "replay": lived.replayed.line,
        "wrong": wrong(lived),
    }


if __name__ == "__main__":
    main()
