"""Trade many sets of signals and rules over the same candles, in parallel and in bounded memory.

Each trial is the compiled loop of `simulate` itself, on a thread of its own that needs no
interpreter lock meanwhile; only figures and the orders hash of a trial are kept. A ledger is
consumed stretch by stretch, so memory grows with the threads and not with the trials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from framework.engine.desk import Desk, bytes_of_desk
from framework.engine.rules import Rules
from framework.engine.simulate import check_inputs, signal_arrays
from framework.engine.trials import Table, Trials
from framework.market.candles import Candles
from framework.records import Signals
from framework.types import IntArray

MEMORY_CAP_BYTES = 512 * 2**20
"""Memory that trials in flight may take together, unless said otherwise."""

_PARTS_PER_THREAD = 8  # trials of shared signals are divided so far, that no thread waits long

Choice = Sequence[int] | npt.NDArray[np.integer[Any]]


def simulate_many(
    candles: Candles,
    signals: Sequence[Signals],
    rules: Sequence[Rules],
    which_signals: Choice | None = None,
    which_rules: Choice | None = None,
    cash: float = 0.0,
    *,
    first: int = 0,
    hashes: bool = True,
    blocks: int = 0,
    threads: int | None = None,
    memory_cap_bytes: int = MEMORY_CAP_BYTES,
) -> Trials:
    """Trade P trials; each is, order for order, `simulate` of its signals and rules.

    Parameters
    ----------
    candles : Candles
        T bars of N pairs.
    signals : sequence of Signals
        Of the same bars. Each is asked for once, by whichever thread is first to need it, and let
        go after its last trial: a sequence that computes its items when asked holds few of them.
    rules : sequence of Rules
        For the same pairs.
    which_signals, which_rules : (P,) int, optional
        Index of each trial's signals and rules; left out, trial by trial one after the other, or
        the only one there is for all.
    cash : float
        Quote currency that each trial starts with.
    first : int
        Bars before this one are not traded, and not in the figures.
    hashes : bool
        Whether to compute each trial's orders hash.
    blocks : int
        Stretches of each trial whose returns are summed up.
    threads : int, optional
        At most so many trials at once; left out, one for each processor of this process.
    memory_cap_bytes : int
        Fewer run at once where more would take more memory than this; one always runs. Candles,
        rules, results, and what `signals` itself holds are not counted.

    Raises
    ------
    ValueError
        When lengths or shapes do not fit, an index is out of range, or nothing is traded.
    """
    signals_P, rules_P = _choices(signals, rules, which_signals, which_rules)
    if not 0 <= first < len(candles):
        raise ValueError(f"first must be between 0 and {len(candles) - 1}, was {first}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, was {threads}")
    table = Table(len(signals_P), hashes, blocks)
    sharing = threads or len(os.sched_getaffinity(0))
    sharing = max(1, min(sharing, memory_cap_bytes // bytes_of_desk(candles, first)))
    parts = iter(_parts(signals, signals_P, sharing))
    stop, lock = Event(), Lock()

    def work() -> None:
        desk = Desk(candles, first, cash)
        while not stop.is_set():
            with lock:
                part = next(parts, None)
            if part is None:
                return
            shared, trials = part
            wanted = shared.take(candles, rules[0])
            for trial in trials:
                if stop.is_set():
                    return
                desk.trade(wanted, rules[rules_P[trial]], table, int(trial))
            shared.give_back()

    for each in set(rules_P.tolist()):
        check_inputs(candles, Signals(), rules[each])
    _in_threads(work, min(sharing, len(signals_P)), stop)
    return table.trials(candles, first, cash)


class _Shared:
    """Signals of several trials in several threads: made once, kept until the last is done."""

    __slots__ = ("_arrays", "_index", "_left", "_lock", "_signals")

    def __init__(self, signals: Sequence[Signals], index: int, parts: int) -> None:
        self._signals, self._index, self._left = signals, index, parts
        self._lock = Lock()
        self._arrays: tuple[Any, ...] | None = None

    def take(self, candles: Candles, rules: Rules) -> tuple[Any, ...]:
        """Return the arrays that the loop reads."""
        with self._lock:
            if self._arrays is None:
                made = self._signals[self._index]
                check_inputs(candles, made, rules)
                self._arrays = signal_arrays(made)
            return self._arrays

    def give_back(self) -> None:
        """Let the arrays go when this was the last part."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._arrays = None


def _choices(
    signals: Sequence[Signals],
    rules: Sequence[Rules],
    which_signals: Choice | None,
    which_rules: Choice | None,
) -> tuple[IntArray, IntArray]:
    """Return each trial's index of signals and of rules, (P,) both."""
    lengths = {
        "signals": len(signals) if which_signals is None else len(which_signals),
        "rules": len(rules) if which_rules is None else len(which_rules),
    }
    given = {"signals": which_signals, "rules": which_rules}
    there = {"signals": len(signals), "rules": len(rules)}
    trials = max(lengths.values())
    made: list[IntArray] = []
    for name, which in given.items():
        if which is None and there[name] == 1:
            index = np.zeros(trials, np.int64)
        else:
            index = np.asarray(range(there[name]) if which is None else which, np.int64)
        if index.shape != (trials,):
            raise ValueError(f"which_{name} must be for {trials} trials, was {index.shape}")
        if trials and not (0 <= index.min() and index.max() < there[name]):
            raise ValueError(f"which_{name} must lie below {there[name]}, was {index.tolist()}")
        made.append(index)
    return made[0], made[1]


def _parts(
    signals: Sequence[Signals], signals_P: IntArray, threads: int
) -> Iterator[tuple[_Shared, IntArray]]:
    """Yield the trials in parts of the same signals, those of one after the other."""
    most = max(1, len(signals_P) // (threads * _PARTS_PER_THREAD))
    order = np.argsort(signals_P, kind="stable")
    starts = np.flatnonzero(np.diff(signals_P[order])) + 1
    for group in np.split(order, starts) if len(order) else ():
        pieces = np.array_split(group, -(-len(group) // most))
        shared = _Shared(signals, int(signals_P[group[0]]), len(pieces))
        for piece in pieces:
            yield shared, piece


def _in_threads(work: Any, threads: int, stop: Event) -> None:
    """Run `work` in so many threads; the first fault, or an interruption, stops them all."""
    if threads <= 1:
        work()
        return
    with ThreadPoolExecutor(threads, "trials") as pool:
        try:
            done, _ = wait([pool.submit(work) for _ in range(threads)], None, FIRST_EXCEPTION)
        finally:
            stop.set()
    for future in done:
        future.result()
