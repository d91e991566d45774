"""The trials of a launch in chunks: how they are cut, what of them travels, how one is run.

A chunk holds neighbours of one group, so that what they share is computed once in each chunk. It
travels as configuration and numbers; the candles go to every machine once, as a packed shelf.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from framework.market.certificate import Certificate
from framework.sweep.batch import Checked, check_group
from framework.sweep.candle_shelf import CandleShelf
from framework.sweep.groups import Group
from framework.sweep.isolate import run_isolated
from framework.sweep.trial import TrialResult

_SECONDS = 2.0
"""About how long a chunk takes: short enough to lose, long enough not to notice its travel."""

_FEWEST, _MOST = 16, 1_024
"""Trials in a chunk: fewer share too little, more wait too long to be kept."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a group as it goes to another process, which builds it anew."""

    number: int
    group: Group
    tree: dict[str, Any]
    plugins: tuple[str, ...]
    folder: str
    """Where the plug-ins are looked for, too."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process hands back for a chunk."""

    number: int
    results: list[TrialResult]
    seconds: float
    """That its trials took."""


def run_chunk(chunk: Chunk, shelf: CandleShelf) -> Finished:
    """Run a chunk in this process, on one thread."""
    if chunk.plugins and chunk.folder not in sys.path:
        sys.path.append(chunk.folder)
    checked = check_group(chunk.group, chunk.tree, chunk.plugins)
    shelf.load(checked.settings, checked.warmup)
    started = perf_counter()
    results = [result for some in run_isolated(checked, shelf, threads=1) for result in some]
    return Finished(chunk.number, results, perf_counter() - started)


class Pace:
    """How long a trial takes, known ever better; lasts from one launch to the next."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    @property
    def known(self) -> bool:
        """Whether any trial was timed."""
        return self._seconds is not None

    def took(self, trials: int, seconds: float) -> None:
        """Note what some trials took; the fastest counts, the first ones of a process load code."""
        each = seconds / trials
        self._seconds = each if self._seconds is None else min(each, self._seconds)

    def size(self, left: int, workers: int) -> int:
        """Return how many trials the next chunk has, smaller ones towards the end."""
        wanted = _MOST if not self._seconds else min(_MOST, int(_SECONDS / self._seconds))
        fair = -(-left // (2 * workers))
        few = min(_FEWEST, -(-left // workers))
        return max(1, min(wanted, max(fair, few)))


class Cutter:
    """Cuts groups into chunks, each when it is asked for.

    Parameters
    ----------
    batches : sequence of Checked
        What to cut.
    shelf : CandleShelf
        Loads their candles, those of a group when its first chunk is cut.
    pace : Pace
        Says how large a chunk is.
    """

    def __init__(self, batches: Sequence[Checked], shelf: CandleShelf, pace: Pace) -> None:
        self._batches, self._shelf, self._pace = batches, shelf, pace
        self._left = sum(len(checked.group.trials) for checked in batches)

    def cut(self, workers: int) -> Iterator[tuple[Chunk, CandleShelf, Certificate]]:
        """Yield each chunk for so many processes, its candles, and the certificate of these."""
        number = 0
        for checked in self._batches:
            certificate = self._shelf.load(checked.settings, checked.warmup).certificate
            packed = self._shelf.packed({plan.warmup for plan in checked.plans})
            rows = checked.order()
            while rows:
                size = self._pace.size(self._left, workers)
                group = checked.group.part(rows[:size])
                chunk = Chunk(number, group, checked.tree, checked.plugins, str(Path.cwd()))
                rows, number = rows[size:], number + 1
                self._left -= len(group.trials)
                yield chunk, packed, certificate
