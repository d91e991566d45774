"""Time the framework and its peers in turn, and say which budgets are met.

    python benchmarks/compare.py --peers FOLDER [--only engine,process,sweep,memory,compile]

FOLDER holds the peers' scripts, series and virtual environments (``venvs/``). In each round every
system runs once, one after the other, so that all see the same machine; medians over the rounds
count. Without it only the framework is measured. The figures go to a JSON file, too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from budgets import WORKS, Figures, derive, judge, not_measured, table
from systems import SECTIONS, TINY, Job, Sizes, ours, peers, run

BUSY = 0.3
"""Processes that already want a core, from which on a warning is due."""


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, write the figures; return how many commands failed."""
    options = _options(argv)
    sizes = TINY if options.tiny else Sizes()
    load = os.getloadavg()[0]
    if load > BUSY:
        _say(f"other work keeps {load:.1f} cores busy: only ratios will mean something")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        jobs = ours(sizes, Path(work), options.peers)
        jobs += peers(sizes, options.peers) if options.peers else []
        if not any(job.folder == options.peers for job in jobs):
            _say("no peers: only the framework is measured")
        figures, lines, failed = measure(
            [job for job in jobs if job.section in ("files", *options.only)], options.rounds
        )
    derive(figures)
    rows = judge(figures)
    print(table(rows))
    if options.tiny:
        print("tiny sizes: these figures show that everything runs, and nothing else")
    for missing in not_measured(rows):
        print(f"not measured: {missing}")
    for job, fault in failed.items():
        print(f"left out: {job}: {fault}")
    record = {
        "machine": [platform.processor() or platform.machine(), os.cpu_count()],
        "load_before": load,
        "seconds": time.perf_counter() - begun,
        "sizes": vars(sizes),
        "rounds": options.rounds,
        "figures": figures,
        "left_out": failed,
        "lines": lines,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(record, indent=1))
    _say(f"{record['seconds']:.0f} s; every figure: {options.json}")
    return len(failed)


def measure(jobs: list[Job], rounds: int) -> tuple[Figures, list[dict[str, Any]], dict[str, str]]:
    """Run the jobs in turn.

    A process is warmed up by a round that does not count; other jobs warm up within themselves.

    Returns
    -------
    figures : dict
        Of each work and system, one figure a round.
    lines : list of dict
        All that the commands printed.
    failed : dict
        Jobs that did not end well or print what they should, with the reason.
    """
    figures: Figures = {}
    lines: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    for section in ("files", *SECTIONS):
        chosen = sorted((job for job in jobs if job.section == section), key=_place)
        warm_up = section in ("process", "memory")
        last = 1 if section == "files" else rounds
        for turn in range(0 if warm_up else 1, last + 1):
            for job in chosen:
                if str(job) in failed or (job.rounds is not None and turn > job.rounds):
                    continue
                _say(f"{section}, round {turn} of {last}: {job} … ", end="")
                begun = time.perf_counter()
                try:
                    printed = run(job, None if section == "sweep" else _core())
                    found = {figure.work: figure.among(printed) for figure in job.figures}
                    if missing := [work for work, value in found.items() if value is None]:
                        raise RuntimeError(f"printed no figure of {', '.join(missing)}")
                except (RuntimeError, ValueError) as fault:
                    failed[str(job)] = str(fault)
                    _say(f"failed: {fault}")
                    continue
                _say(f"{time.perf_counter() - begun:.1f} s")
                if turn:
                    lines += [{"system": job.system, "round": turn} | line for line in printed]
                    for work, value in found.items():
                        figures.setdefault(work, {}).setdefault(job.system, []).append(value)
    return figures, lines, failed


def _place(job: Job) -> int:
    """Return where a job stands in its round: the systems' same work follows one another."""
    return list(WORKS).index(job.figures[0].work) if job.figures else 0


def _core() -> int:
    """Return the core that single-core work is bound to."""
    return min(os.sched_getaffinity(0))


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=_folder, help="folder of the peers")
    parser.add_argument("--only", type=_sections, default=SECTIONS, help="sections, by commas")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken (3)")
    parser.add_argument("--tiny", action="store_true", help="only show that it works")
    parser.add_argument("--json", type=Path, default=Path("runs/benchmarks.json"))
    return parser.parse_args(argv)


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return folder


def _sections(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(SECTIONS):
        raise argparse.ArgumentTypeError(f"{sorted(unknown)[0]} is none of {', '.join(SECTIONS)}")
    return chosen


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
