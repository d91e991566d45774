"""Pin what the golden runs come to now, and print what changed.

    python tests/golden/regenerate.py

It runs every entry of `golden.yaml` and rewrites those that differ. A new entry needs only its
``words``. Excerpts are written anew by ``--excerpt``, from the simulated exchange.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from golden_runs import EXCERPT, FILE, call, differences, load, measure

HEADER = """\
# What runs must come to, to the last order: hashes exactly, metrics to 1e-12 of themselves.
# Written by tests/golden/regenerate.py; words, always and note are written by hand.
"""

EXPORT = [
    *("mode=export", "mode.interval=15m", "mode.path=written", "pairs.symbols=[BTC-AUD,ETH-AUD]"),
    *("start=2025-01-01", "end=2025-01-11"),
]
"""The call that writes the excerpt."""


def regenerate() -> int:
    """Run all, print and write what changed; return how many runs did."""
    groups = yaml.safe_load(FILE.read_text())
    changed = 0
    for name, run in load().items():
        with TemporaryDirectory() as folder:
            found = measure(run["argv"], Path(folder))
        lines = differences(run, found)
        print(f"{name}: {'changed' if lines else 'as before'}", *lines, sep="\n  ")
        if lines:
            changed += 1
            groups[run["group"]]["runs"][name].update(found)
    if changed:
        text = yaml.safe_dump(groups, sort_keys=False, width=100)
        FILE.write_text(HEADER + text)
        print(f"{changed} changed: say in the commit why.")
    return changed


def write_excerpt() -> None:
    """Write the excerpt's files by mode=export."""
    with TemporaryDirectory() as folder:
        call(EXPORT, Path(folder))
        for file in sorted(Path(folder, "written").glob("*.csv")):
            (EXCERPT / file.name).write_bytes(file.read_bytes())
            print(f"wrote {EXCERPT / file.name}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--excerpt"]:
        write_excerpt()
    regenerate()
