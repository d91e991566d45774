"""Round trips: what a ledger's fills and charges add up to, pair by pair, from flat to flat."""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.records import TRADE, Kind
from framework.results.shorts import FLAT
from framework.types import FloatArray, IntArray, RecordArray

_FILLED, _CHARGED = int(Kind.FILLED), int(Kind.CHARGED)


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
    kind = events["kind"]
    paid = np.ascontiguousarray(events[(kind == _FILLED) | (kind == _CHARGED)])
    pairs = close.shape[1]
    if len(paid) == 0 or pairs == 0:
        return np.zeros(0, TRADE)
    last_close = np.ascontiguousarray(close[-1])
    start_ns, end_ns = int(time[0]), int(time[-1]) + interval_ns
    # a fill ends one trade at most and starts one at most
    trades = np.zeros(len(paid) + pairs, TRADE)
    owed = np.zeros(pairs) if owed_N is None else owed_N
    made = _round_trips(paid, last_close, owed, start_ns, end_ns, interval_ns, trades)
    trades = trades[:made]
    return trades[np.lexsort((trades["pair"], trades["entry_time"]))]


@numba.njit(cache=True)
def _round_trips(
    paid: RecordArray,
    last_close: FloatArray,
    owed_N: FloatArray,
    start_ns: int,
    end_ns: int,
    interval_ns: int,
    trades: RecordArray,
) -> int:
    """Write the trades in order of their ends, open ones last; return how many there are."""
    pairs = len(last_close)
    position = np.zeros(pairs)  # signed units
    in_units = np.zeros(pairs)
    in_quote = np.zeros(pairs)
    out_units = np.zeros(pairs)
    out_quote = np.zeros(pairs)
    fees = np.zeros(pairs)
    confidence = np.zeros(pairs)
    entry_time = np.zeros(pairs, np.int64)
    reason = np.zeros(pairs, np.uint8)
    ended = np.full(pairs, -1)  # the trade that the pair's last fill ended, -1: none
    made = 0
    for i in range(len(paid)):
        fill = paid[i]
        n = fill.pair
        if fill.kind == _CHARGED:
            if ended[n] < 0:
                fees[n] += fill.quote
            else:
                trade = trades[ended[n]]
                received = trade.units * trade.entry_price
                trade.fees += fill.quote
                trade.pnl -= fill.quote
                trade.fraction = trade.pnl / received if received != 0.0 else 0.0
            continue
        ended[n] = -1
        side = 1.0 if fill.side > 0 else -1.0
        units = fill.units
        if units <= 0.0:
            continue
        quote = fill.quote
        fee = fill.fee
        if position[n] * side < 0.0:
            held = abs(position[n])
            left = held - units
            if left > FLAT * in_units[n]:
                position[n] = side * -left
                out_units[n] += units
                out_quote[n] += quote
                fees[n] += fee
                reason[n] = fill.reason
                continue
            closing = 1.0 if -left <= FLAT * in_units[n] else held / units
            out_units[n] += units * closing
            out_quote[n] += quote * closing
            fees[n] += fee * closing
            trade = trades[made]
            trade.entry_time = entry_time[n]
            trade.exit_time = fill.time
            trade.pair = n
            trade.side = -1 if side > 0.0 else 1
            trade.open = False
            trade.reason = fill.reason
            trade.units = in_units[n]
            trade.entry_price = in_quote[n] / in_units[n]
            trade.exit_price = out_quote[n] / out_units[n]
            trade.fees = fees[n]
            trade.pnl = (in_quote[n] - out_quote[n]) * side - fees[n]
            trade.fraction = trade.pnl / in_quote[n] if in_quote[n] != 0.0 else 0.0
            entered = (entry_time[n] - start_ns) // interval_ns
            trade.bars = (fill.time - start_ns) // interval_ns - entered
            trade.confidence = confidence[n]
            ended[n] = made
            made += 1
            position[n] = 0.0
            if closing == 1.0:
                continue
            units *= 1.0 - closing
            quote *= 1.0 - closing
            fee *= 1.0 - closing
        if position[n] == 0.0:
            entry_time[n] = fill.time
            confidence[n] = fill.confidence
            reason[n] = 0
            in_units[n] = 0.0
            in_quote[n] = 0.0
            out_units[n] = 0.0
            out_quote[n] = 0.0
            fees[n] = 0.0
        position[n] += side * units
        in_units[n] += units
        in_quote[n] += quote
        fees[n] += fee
    for n in range(pairs):
        if position[n] == 0.0:
            continue
        side = 1.0 if position[n] > 0.0 else -1.0
        trade = trades[made]
        trade.entry_time = entry_time[n]
        trade.exit_time = 0
        trade.pair = n
        trade.side = 1 if side > 0.0 else -1
        trade.open = True
        trade.reason = reason[n]
        trade.units = in_units[n]
        trade.entry_price = in_quote[n] / in_units[n]
        trade.exit_price = last_close[n]
        trade.fees = fees[n] + owed_N[n]
        worth = out_quote[n] + abs(position[n]) * last_close[n]
        trade.pnl = (worth - in_quote[n]) * side - trade.fees
        trade.fraction = trade.pnl / in_quote[n] if in_quote[n] != 0.0 else 0.0
        entered = (entry_time[n] - start_ns) // interval_ns
        trade.bars = (end_ns - start_ns) // interval_ns - entered
        trade.confidence = confidence[n]
        made += 1
    return made
