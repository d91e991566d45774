"""Trade many sets of signals and rules over the same candles, in parallel and in bounded memory.

Each trial is the compiled loop of `simulate` itself, on a thread of its own that needs no
interpreter lock meanwhile; only figures and the orders hash of a trial are kept. A ledger is
consumed stretch by stretch, so memory grows with the threads and not with the trials.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from framework.engine.account import account_arrays, new_account
from framework.engine.kernel import simulate_bars
from framework.engine.ledger import EVENTS_PER_PAIR
from framework.engine.orders_hash import OrdersHash
from framework.engine.rules import Rules
from framework.engine.simulate import candle_arrays, check_inputs, signal_arrays
from framework.engine.tally import FIGURES, SUMS, open_trades, tally_equity, tally_events
from framework.market.candles import Candles
from framework.records import EVENT, Signals
from framework.types import YEAR_NS, FloatArray, IntArray, RecordArray

MEMORY_CAP_BYTES = 512 * 2**20
"""Memory that trials in flight may take together, unless said otherwise."""

_EVENTS = 4_096  # of a ledger before it is consumed; they stay in a processor's cache
_PARTS_PER_THREAD = 8  # trials of shared signals are divided so far, that no thread waits long

Choice = Sequence[int] | npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """What came of P trials over B bars each; figures as in ``metrics.json``, NaN for undefined.

    Parameters
    ----------
    initial_cash : float
        Of every trial, quote currency.
    bars : int
        Traded by every trial.
    final_equity, mean_equity : (P,) float64
        At the last close, and over all closes, quote currency.
    total_return : (P,) float64
        Final equity over initial cash, less one.
    volatility, sharpe : (P,) float64
        Annualised over 365 days.
    max_drawdown : (P,) float64
        Positive fraction of a peak.
    trades, fills : (P,) int64
        Round trips, those still open included; fills.
    fees_paid, slippage_paid, traded : (P,) float64
        Quote currency, over all fills; `traded` is their value.
    turnover : (P,) float64
        Value traded over mean equity, a year.
    orders_hash : tuple of str
        Of each trial, as `Simulation.orders_hash`; empty where they were not asked for.
    """

    initial_cash: float
    bars: int
    final_equity: FloatArray
    mean_equity: FloatArray
    total_return: FloatArray
    volatility: FloatArray
    sharpe: FloatArray
    max_drawdown: FloatArray
    trades: IntArray
    fills: IntArray
    fees_paid: FloatArray
    slippage_paid: FloatArray
    traded: FloatArray
    turnover: FloatArray
    orders_hash: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.final_equity)


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
    table = _Table(
        sums=np.zeros((len(signals_P), len(SUMS))),
        figures=np.zeros((len(signals_P), len(FIGURES))),
        hashes=[""] * (len(signals_P) if hashes else 0),
    )
    sharing = threads or len(os.sched_getaffinity(0))
    sharing = max(1, min(sharing, memory_cap_bytes // _bytes_per_thread(candles, first)))
    parts = iter(_parts(signals, signals_P, sharing))
    stop, lock = Event(), Lock()

    def work() -> None:
        desk = _Desk(candles, first, cash)
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
    return _trials(table, candles, first, cash)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Results, a row for each trial; threads write to rows of their own."""

    sums: FloatArray
    figures: FloatArray
    hashes: list[str]


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


class _Desk:
    """What one thread trades with: buffers that every trial uses again."""

    def __init__(self, candles: Candles, first: int, cash: float) -> None:
        pairs = len(candles.pairs)
        self._candles, self._first, self._cash = candles, first, cash
        self._arrays = candle_arrays(candles)
        self._fresh = new_account(candles.pairs, cash)
        self._account = self._fresh.copy()
        self._equity = np.empty(len(candles) - first)
        self._returns = np.empty(len(self._equity))
        self._events: RecordArray = np.empty(_EVENTS + EVENTS_PER_PAIR * pairs, EVENT)
        self._scratch = np.empty((3, len(self._events)))
        self._held = np.empty((2, pairs))
        self._per_year = YEAR_NS / candles.interval.ns

    def trade(self, wanted: tuple[Any, ...], rules: Rules, table: _Table, trial: int) -> None:
        """Trade one trial and write its row."""
        account = self._account
        account[:] = self._fresh
        count = np.zeros(1, np.int64)
        units, entered = self._held
        self._held[:] = 0.0
        hasher = OrdersHash(self._candles.pairs, self._candles.interval) if table.hashes else None
        views = account_arrays(account)
        done = self._first
        while True:
            done = simulate_bars(
                *views,
                *self._arrays,
                *wanted,
                rules.scalars,
                rules.pairs,
                self._events,
                count,
                self._equity,
                self._first,
                done,
            )
            events = self._events[: count[0]]
            tally_events(events, self._scratch, units, entered, table.sums[trial])
            if hasher is not None:
                hasher.update(events)
            if done == len(self._candles):
                break
            count[0] = 0
        table.sums[trial, SUMS.index("trades")] += open_trades(units)
        tally_equity(self._equity, self._cash, self._per_year, self._returns, table.figures[trial])
        if hasher is not None:
            table.hashes[trial] = hasher.hexdigest()


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


def _bytes_per_thread(candles: Candles, first: int) -> int:
    """Return what one trial in flight takes, with signals of every kind."""
    pairs, event = len(candles.pairs), EVENT.itemsize + 3 * 8
    buffers = 2 * 8 * (len(candles) - first) + event * (_EVENTS + EVENTS_PER_PAIR * pairs)
    return buffers + len(candles) * pairs * (2 + 2 * 8)


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


def _trials(table: _Table, candles: Candles, first: int, cash: float) -> Trials:
    """Return the table as `Trials`, closed to writing."""
    columns: dict[str, Any] = {name: table.sums[:, k].copy() for k, name in enumerate(SUMS)}
    columns |= {name: table.figures[:, k].copy() for k, name in enumerate(FIGURES)}
    for name in ("fills", "trades"):
        columns[name] = columns[name].astype(np.int64)
    bars = len(candles) - first
    years = bars / (YEAR_NS / candles.interval.ns)
    with np.errstate(all="ignore"):
        columns["total_return"] = columns["final_equity"] / cash - 1.0
        mean = columns["mean_equity"]
        columns["turnover"] = np.where(mean > 0.0, columns["traded"] / mean / years, np.nan)
    for array in columns.values():
        array.flags.writeable = False
    return Trials(initial_cash=cash, bars=bars, orders_hash=tuple(table.hashes), **columns)
