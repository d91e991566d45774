"""Run the engine over candles and signals: a whole range in one call, or one closed candle."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from framework.engine.account import account_arrays, new_account
from framework.engine.kernel import say_compiling, simulate_bars
from framework.engine.ledger import EVENTS_PER_PAIR
from framework.engine.orders_hash import OrdersHash
from framework.engine.rules import Rules
from framework.market.books import Books
from framework.market.candles import Candles
from framework.records import EVENT, Kind, Signals
from framework.types import FloatArray, IntArray, Interval, RecordArray

__all__ = [
    "NO_BOOKS",
    "Simulation",
    "candle_arrays",
    "check_inputs",
    "say_compiling",
    "signal_arrays",
    "simulate",
    "step_once",
]

_FIRST_EVENTS = 1_024
_NO_FLAGS = np.zeros((0, 0), np.bool_)
_NO_NUMBERS = np.zeros((0, 0), np.float64)
NO_BOOKS = (np.zeros((0, 0), np.int32), np.zeros(0, np.int64), np.zeros((0, 2, 0, 2)))
"""Order books as the loop takes them, where there are none."""

for _none in (_NO_FLAGS, _NO_NUMBERS, *NO_BOOKS):
    _none.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Simulation:
    """What came of trading T bars.

    Parameters
    ----------
    pairs : tuple of str
        N pairs.
    interval : Interval
        Of the candles.
    time : (T,) int64
        Open times, UTC ns.
    initial_cash : float
        Before the first bar, quote currency.
    equity : (T,) float64
        At each bar's close, quote currency.
    events : (E,) EVENT
        The ledger, in order.
    account : (1,) record
        After the last bar; pass it on to continue.
    """

    pairs: tuple[str, ...]
    interval: Interval
    time: IntArray
    initial_cash: float
    equity: FloatArray
    events: RecordArray
    account: RecordArray

    @cached_property
    def cash(self) -> FloatArray:
        """Cash at each bar's close (T,), quote currency: fills and charges added up in order."""
        kind = self.events["kind"]
        paid = self.events[(kind == Kind.FILLED) | (kind == Kind.CHARGED)]
        buys = paid["side"] > 0  # a charge goes the way of the cover that it belongs to
        flows = np.zeros(1 + 2 * len(paid))  # value and fee
        flows[0] = self.initial_cash
        flows[1::2] = np.where(buys, -paid["quote"], paid["quote"] - paid["fee"])
        flows[2::2] = np.where(buys, -paid["fee"], 0.0)
        after = np.cumsum(flows)[::2]
        cash: FloatArray = after[np.searchsorted(paid["time"], self.time, side="right")]
        return cash

    @cached_property
    def invested(self) -> FloatArray:
        """Value of all positions at each bar's close (T,), quote currency.

        A short counts below 0, and what is owed for borrowing is deducted.
        """
        invested: FloatArray = self.equity - self.cash
        return invested

    @cached_property
    def orders_hash(self) -> str:
        """SHA-256 over decisions and fills, see `OrdersHash`."""
        hasher = OrdersHash(self.pairs, self.interval)
        hasher.update(self.events)
        return hasher.hexdigest()


def simulate(
    candles: Candles,
    signals: Signals,
    rules: Rules,
    cash: float = 0.0,
    *,
    account: RecordArray | None = None,
    first: int = 0,
    books: Books | None = None,
) -> Simulation:
    """Trade `signals` on `candles` under `rules`.

    Parameters
    ----------
    candles : Candles
        T bars of N pairs.
    signals : Signals
        Of the same bars; those of bar t act in bar t + 1.
    rules : Rules
        For the same pairs.
    cash : float
        Quote currency to start with when there is no `account`.
    account : (1,) record, optional
        To go on with; it is copied, not changed.
    first : int
        Bars before this one are not traded, and not in the result.
    books : Books, optional
        Recorded order books of the same pairs, which `rules` may want.

    Raises
    ------
    ValueError
        When shapes do not fit, signals give both `target` and `enter`, or `rules` want books.
    """
    check_inputs(candles, signals, rules, books)
    state = new_account(candles.pairs, cash) if account is None else account.copy()
    equity = np.empty(len(candles) - first)
    room = _FIRST_EVENTS + len(candles) // 16 + EVENTS_PER_PAIR * len(candles.pairs)
    events = np.empty(room, EVENT)
    count = np.zeros(1, np.int64)
    started_with = float(state["wallet"]["cash"][0])
    inputs = (
        *candle_arrays(candles),
        *_book_arrays(candles, rules, books),
        *signal_arrays(signals),
        rules.scalars,
        rules.pairs,
    )
    views = account_arrays(state)
    done = first
    while True:
        done = simulate_bars(*views, *inputs, events, count, equity, first, done)
        if done == len(candles):
            break
        events = np.concatenate((events, np.empty(len(events), EVENT)))
    events = events[: count[0]]
    for array in (equity, events):
        array.flags.writeable = False
    return Simulation(
        candles.pairs,
        candles.interval,
        candles.time[first:],
        started_with,
        equity,
        events,
        state,
    )


def step_once(
    account: RecordArray,
    candles: Candles,
    signals: Signals,
    rules: Rules,
    books: Books | None = None,
) -> Simulation:
    """Take an account through the last of `candles`, with the last of `signals`.

    A session calls this once for each closed candle; the events are those of `simulate`.

    Raises
    ------
    ValueError
        As `simulate`.
    """
    last = slice(len(candles) - 1, len(candles))
    row = Signals(
        **{
            name: None if (array := getattr(signals, name)) is None else array[-1:]
            for name in _SIGNALS
        }
    )
    return simulate(candles[last], row, rules, account=account, books=books)


_CANDLES = ("open", "high", "low", "close", "volume", "standing")
_SIGNALS = tuple(field.name for field in fields(Signals))
_RULES = ("enter", "exit", "enter_short", "exit_short")
_FLAGS = (*_RULES, "traded", "withdraw")

BYTES_OF_SIGNALS = sum(1 if name in _FLAGS else 8 for name in _SIGNALS)
"""Of one pair in one bar, with signals of every kind."""


def candle_arrays(candles: Candles) -> tuple[Any, ...]:
    """Return times (T,) and each column (N, T), as the loop takes them."""
    return candles.time, *(getattr(candles, name).T for name in _CANDLES)


def _book_arrays(candles: Candles, rules: Rules, books: Books | None) -> tuple[Any, ...]:
    """Return which snapshot each open walks (N, T), and the snapshots, as the loop takes them."""
    max_age_ns = int(rules.scalars["book_max_age"][0])
    if books is None or not max_age_ns:
        return NO_BOOKS
    newest = books.newest(candles.time, max_age_ns)
    newest.flags.writeable = False
    return newest, books.time, books.levels


def signal_arrays(signals: Signals) -> tuple[Any, ...]:
    """Return every signal as read-only (N, T), empty where there is none."""
    return tuple(
        _by_pair(getattr(signals, name), _NO_FLAGS if name in _FLAGS else _NO_NUMBERS)
        for name in _SIGNALS
    )


def _by_pair(array: Any, missing: Any) -> Any:
    """Return `array` (T, N) as (N, T), C-ordered and closed to writing: one type to compile."""
    if array is None:
        return missing
    view = np.ascontiguousarray(array.T, missing.dtype).view()
    view.flags.writeable = False
    return view


def check_inputs(
    candles: Candles, signals: Signals, rules: Rules, books: Books | None = None
) -> None:
    """Refuse arrays that do not belong together; the compiled loop does not look."""
    if signals.target is not None and any(getattr(signals, name) is not None for name in _RULES):
        raise ValueError("signals are either enter and exit, or target")
    for name in _SIGNALS:
        array = getattr(signals, name)
        if array is not None and array.shape != candles.close.shape:
            raise ValueError(f"{name} must be {candles.close.shape}, was {array.shape}")
    if len(rules.pairs) != len(candles.pairs):
        raise ValueError(
            f"rules are for {len(rules.pairs)} pairs, candles for {len(candles.pairs)}"
        )
    if rules.scalars["book_max_age"][0] and (books is None or books.pairs != candles.pairs):
        raise ValueError("rules want recorded order books of the pairs of the candles")
