"""Round trips: what a ledger's fills and charges add up to, pair by pair, from flat to flat."""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.records import TRADE, Kind
from framework.results.shorts import FLAT
from framework.types import FloatArray, IntArray, RecordArray

_FILLED, _CHARGED = int(Kind.FILLED), int(Kind.CHARGED)

HELD = np.dtype(
    [
        ("units", np.float64),  # held, below 0 when short; 0 when flat
        ("in_units", np.float64),  # entered since the pair was flat
        ("in_quote", np.float64),  # quote currency paid or received for them
        ("own_quote", np.float64),  # of that, what the units still held come to, at their average
        ("own_fees", np.float64),  # of their entries
        ("out_units", np.float64),  # left of them so far
        ("out_quote", np.float64),
        ("fees", np.float64),  # of both sides, and borrowing
        ("confidence", np.float64),  # at entry
        ("entry_time", np.int64),
        ("ended", np.int64),  # the trade that the pair's last fill ended, -1: none
        ("reason", np.uint8),  # of the last exit
    ],
    align=True,
)
"""A trade on its way from flat to flat."""


def trades_from_events(
    events: RecordArray,
    close: FloatArray,
    time: IntArray,
    interval_ns: int,
    owed_N: FloatArray | None = None,
) -> RecordArray:
    """Return the round trips of a ledger, ordered by entry time, then pair.

    A trade starts with the fill that leaves flat and ends with the one that comes back to it. Fills
    in its direction are entries, fills against it exits; a fill through zero ends one trade and
    starts the next, and its fee and units are split between them. What is left after an exit counts
    as flat when it is under 1e-9 of the units entered, since that is rounding. A charge belongs to
    the trade that the fill before it covered.

    Parameters
    ----------
    events : (E,) EVENT
        The ledger in order of time; only its fills and charges are read.
    close : (T, N) float64
        Quote currency; the last row values open trades.
    time : (T,) int64
        Open times of the bars, UTC ns.
    interval_ns : int
        Length of a bar.
    owed_N : (N,) float64, optional
        What each pair owes for borrowing at the end; its open trade bears it.

    Returns
    -------
    (K,) TRADE
        `fees` are those of both sides, and what borrowing cost; `pnl` is after them; `fraction` is
        `pnl` over the quote currency paid (long) or received (short) at the entries, fees aside;
        `bars` counts the bars from the one entered in to the one left in, 0 when they are the same.
        A trade still open at the end has `exit_time` 0, its `exit_price` and `pnl` at the last
        close, and `bars` up to that close.

    Examples
    --------
    Two units bought at 10 and sold at 12 one bar later, each fill for a fee of 1:

    >>> from framework.records import EVENT, Kind
    >>> events = np.zeros(2, EVENT)
    >>> events["kind"] = Kind.FILLED
    >>> events["time"], events["side"] = [0, 60], [1, -1]
    >>> events["units"], events["quote"], events["fee"] = 2.0, [20.0, 24.0], 1.0
    >>> trades = trades_from_events(events, np.array([[10.0], [12.0]]), np.array([0, 60]), 60)
    >>> float(trades["pnl"][0]), float(trades["fraction"][0]), int(trades["bars"][0])
    (2.0, 0.1, 1)
    """
    trips = RoundTrips(close.shape[1], int(time[0]) if len(time) else 0, interval_ns)
    ended = trips.add(events)
    if not len(trips.held_N) or not len(time):
        return ended
    held = trips.still_held(close[-1], int(time[-1]) + interval_ns, owed_N)
    trades = np.concatenate([ended, held])
    return trades[np.lexsort((trades["pair"], trades["entry_time"]))]


class RoundTrips:
    """The round trips of a ledger that grows.

    Parameters
    ----------
    pairs : int
        N pairs.
    start_ns : int
        Open time of the first bar, from which bars are counted, UTC.
    interval_ns : int
        Length of a bar.
    """

    def __init__(self, pairs: int, start_ns: int, interval_ns: int) -> None:
        self.held_N: RecordArray = np.zeros(pairs, HELD)
        """What each pair's open trade came to so far, (N,) HELD."""
        self._start_ns = start_ns
        self._interval_ns = interval_ns

    def add(self, events: RecordArray) -> RecordArray:
        """Go on with `events` (E,) EVENT; return the trades they ended, (K,) TRADE, in that order.

        A charge must come together with the fill before it.
        """
        kind = events["kind"]
        paid = np.ascontiguousarray(events[(kind == _FILLED) | (kind == _CHARGED)])
        trades = np.zeros(len(paid), TRADE)  # a fill ends one trade at most
        self.held_N["ended"] = -1
        made = _end_trips(paid, self.held_N, self._start_ns, self._interval_ns, trades)
        return trades[:made]

    def still_held(
        self, close_N: FloatArray, end_ns: int, owed_N: FloatArray | None = None
    ) -> RecordArray:
        """Return the trades that are open, valued at `close_N` (N,), as if seen at `end_ns`.

        Parameters
        ----------
        close_N : (N,) float64
            Quote currency.
        end_ns : int
            Close time of the last bar, UTC.
        owed_N : (N,) float64, optional
            As for `trades_from_events`.
        """
        pairs = len(self.held_N)
        trades = np.zeros(pairs, TRADE)
        owed = np.zeros(pairs) if owed_N is None else owed_N
        close = np.ascontiguousarray(close_N)
        times = self._start_ns, end_ns, self._interval_ns
        return trades[: _value_trips(self.held_N, close, owed, *times, trades)]


@numba.njit(cache=True)
def _end_trips(
    paid: RecordArray, held_N: RecordArray, start_ns: int, interval_ns: int, trades: RecordArray
) -> int:
    """Write the trades in order of their ends; return how many there are."""
    made = 0
    for i in range(len(paid)):
        fill = paid[i]
        n = fill.pair
        held = held_N[n]
        if fill.kind == _CHARGED:
            if held.ended < 0:
                held.fees += fill.quote
            else:
                trade = trades[held.ended]
                received = trade.units * trade.entry_price
                trade.fees += fill.quote
                trade.pnl -= fill.quote
                trade.fraction = trade.pnl / received if received != 0.0 else 0.0
            continue
        held.ended = -1
        side = 1.0 if fill.side > 0 else -1.0
        units = fill.units
        if units <= 0.0:
            continue
        quote = fill.quote
        fee = fill.fee
        if held.units * side < 0.0:
            most = abs(held.units)
            left = most - units
            if left > FLAT * held.in_units:
                held.units = side * -left
                held.own_quote *= left / most
                held.own_fees *= left / most
                held.out_units += units
                held.out_quote += quote
                held.fees += fee
                held.reason = fill.reason
                continue
            closing = 1.0 if -left <= FLAT * held.in_units else most / units
            held.out_units += units * closing
            held.out_quote += quote * closing
            held.fees += fee * closing
            trade = trades[made]
            trade.entry_time = held.entry_time
            trade.exit_time = fill.time
            trade.pair = n
            trade.side = -1 if side > 0.0 else 1
            trade.open = False
            trade.reason = fill.reason
            trade.units = held.in_units
            trade.entry_price = held.in_quote / held.in_units
            trade.exit_price = held.out_quote / held.out_units
            trade.fees = held.fees
            trade.pnl = (held.in_quote - held.out_quote) * side - held.fees
            trade.fraction = trade.pnl / held.in_quote if held.in_quote != 0.0 else 0.0
            entered = (held.entry_time - start_ns) // interval_ns
            trade.bars = (fill.time - start_ns) // interval_ns - entered
            trade.confidence = held.confidence
            held.ended = made
            made += 1
            held.units = 0.0
            if closing == 1.0:
                continue
            units *= 1.0 - closing
            quote *= 1.0 - closing
            fee *= 1.0 - closing
        if held.units == 0.0:
            held.entry_time = fill.time
            held.confidence = fill.confidence
            held.reason = 0
            held.in_units = 0.0
            held.in_quote = 0.0
            held.own_quote = 0.0
            held.own_fees = 0.0
            held.out_units = 0.0
            held.out_quote = 0.0
            held.fees = 0.0
        held.units += side * units
        held.in_units += units
        held.in_quote += quote
        held.own_quote += quote
        held.own_fees += fee
        held.fees += fee
    return made


@numba.njit(cache=True)
def _value_trips(
    held_N: RecordArray,
    close_N: FloatArray,
    owed_N: FloatArray,
    start_ns: int,
    end_ns: int,
    interval_ns: int,
    trades: RecordArray,
) -> int:
    """Write the trades that are open; return how many there are."""
    made = 0
    for n in range(len(held_N)):
        held = held_N[n]
        if held.units == 0.0:
            continue
        side = 1.0 if held.units > 0.0 else -1.0
        trade = trades[made]
        trade.entry_time = held.entry_time
        trade.exit_time = 0
        trade.pair = n
        trade.side = 1 if side > 0.0 else -1
        trade.open = True
        trade.reason = held.reason
        trade.units = held.in_units
        trade.entry_price = held.in_quote / held.in_units
        trade.exit_price = close_N[n]
        trade.fees = held.fees + owed_N[n]
        worth = held.out_quote + abs(held.units) * close_N[n]
        trade.pnl = (worth - held.in_quote) * side - trade.fees
        trade.fraction = trade.pnl / held.in_quote if held.in_quote != 0.0 else 0.0
        entered = (held.entry_time - start_ns) // interval_ns
        trade.bars = (end_ns - start_ns) // interval_ns - entered
        trade.confidence = held.confidence
        made += 1
    return made
