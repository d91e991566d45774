"""Parts of a group of trials, and a run in which a trial that fails fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from framework.config.blame import blaming
from framework.errors import UserError
from framework.sweep.batch import Checked, run_group
from framework.sweep.candle_shelf import CandleShelf
from framework.sweep.trial import TrialResult

T = TypeVar("T")


def part(checked: Checked, rows: Sequence[int]) -> Checked:
    """Return some of the trials of a group, with what they need and no more."""
    plans, which_plan = _used(checked.plans, [checked.which_plan[row] for row in rows])
    rules, which_rules = _used(checked.rules, [checked.which_rules[row] for row in rows])
    return replace(
        checked,
        group=checked.group.part(rows),
        plans=plans,
        rules=rules,
        which_plan=which_plan,
        which_rules=which_rules,
    )


def _used(items: Sequence[T], which: Sequence[int]) -> tuple[list[T], list[int]]:
    """Return those of `items` that are named, and where among them each name points."""
    used = list(dict.fromkeys(which))
    place = {index: k for k, index in enumerate(used)}
    return [items[index] for index in used], [place[index] for index in which]


def run_isolated(
    checked: Checked, shelf: CandleShelf, threads: int | None = None
) -> Iterator[list[TrialResult]]:
    """Trade the trials of a group as `run_group` does; yield a fault of the user's as its trial's.

    What cannot be known before data is there, such as a function of the user's own that fails for
    one parameter, is found by halving what is left until the trial stands alone.

    Parameters
    ----------
    checked : Checked
        P trials.
    shelf : CandleShelf
        With their candles loaded: what is wrong with those is no trial's fault.
    threads : int, optional
        As for `simulate_many`.
    """
    done: set[int] = set()
    try:
        with blaming(checked.plugins):
            for results in run_group(checked, shelf, threads):
                done |= {result.index for result in results}
                yield results
    except UserError as fault:
        trials = checked.group.trials
        rows = [row for row in checked.order() if trials[row].index not in done]
        if len(rows) == 1:
            params = checked.group.params[rows[0]]
            line = str(fault).replace("\n", " ")
            yield [TrialResult(trials[rows[0]].index, params, {}, error=line)]
            return
        half = len(rows) // 2
        for some in (rows[:half], rows[half:]):
            yield from run_isolated(part(checked, some), shelf, threads)
