"""Closed candles of any past range over a connection, asked for again where they look wrong."""

from __future__ import annotations

import numpy as np

from framework.errors import OutsideFault
from framework.exchange.connection import Connection, Offers
from framework.interfaces import Clock
from framework.market.candles import COLUMNS
from framework.market.made_candles import candles_of
from framework.market.quality import FaultPolicy, inspect
from framework.market.rows import CandleRows
from framework.types import DAY_NS, Interval, format_time

_READINGS = 7
_WAIT_S = 1.0
_ABSURD = 1e15  # quote currency traded in one candle


async def past_candles(
    connection: Connection,
    clock: Clock,
    pair: str,
    interval: Interval,
    start_ns: int,
    end_ns: int,
    faults: FaultPolicy,
) -> CandleRows:
    """Return the candles with open times in [start_ns, end_ns), all of them closed.

    Those older than the exchange serves are made of its trades, where it has these. An answer with
    faults is believed when it is given twice: errors of exchanges pass.

    Parameters
    ----------
    connection : Connection
    clock : Clock
        The exchange's time; also for waiting.
    pair, interval : str, Interval
        Of the candles.
    start_ns, end_ns : int
        UTC; the end is not after the last closed candle's.
    faults : FaultPolicy
        What counts as a jump.

    Raises
    ------
    ExchangeFault
        The exchange does not answer, or declines.
    UserError
        It has no such pair.
    OutsideFault
        Its trades do not reach back so far.
    """

    def reach_ns() -> int:
        return max(start_ns, oldest_served(connection.offers, interval, clock.now_ns()))

    rows = CandleRows.of(pair, {})
    if (from_ns := reach_ns()) < end_ns:
        rows = await _believed(connection, clock, pair, interval, from_ns, end_ns, faults)
    served_ns = min(reach_ns(), end_ns)  # the exchange forgets while it is asked
    parts = []
    step_ns = max(DAY_NS, interval.ns)
    for first_ns in range(start_ns, served_ns, step_ns):
        until_ns = min(first_ns + step_ns, served_ns)
        trades, complete_from_ns = await connection.trades(pair, first_ns, until_ns)
        if complete_from_ns > first_ns:
            raise OutsideFault(
                f"market {pair} {interval}: neither candles nor trades before "
                f"{format_time(complete_from_ns)} are to be had."
            )
        parts.append(candles_of(pair, trades, interval))
    return CandleRows.joined(pair, [*parts, rows.take(np.flatnonzero(rows.time >= served_ns))])


def oldest_served(offers: Offers, interval: Interval, now_ns: int) -> int:
    """Return the open time of the oldest candle that can surely be asked for as such."""
    count = offers.oldest_candles
    # One less: the next candle may open before the question arrives.
    return 0 if count is None else interval.floor(now_ns) - (count - 2) * interval.ns


async def _believed(
    connection: Connection,
    clock: Clock,
    pair: str,
    interval: Interval,
    start_ns: int,
    end_ns: int,
    faults: FaultPolicy,
) -> CandleRows:
    """Return the first answer without faults, or one that was given twice in a row."""
    rows = await connection.candles(pair, interval, start_ns, end_ns)
    for reading in range(1, _READINGS):
        if not _doubtful(rows, interval, faults):
            break
        await clock.sleep(_WAIT_S * 2**reading)
        again = await connection.candles(pair, interval, start_ns, end_ns)
        if _same(rows, again):
            break
        rows = again
    return rows


def _doubtful(rows: CandleRows, interval: Interval, faults: FaultPolicy) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        absurd = bool(np.any(rows.volume * rows.close > _ABSURD))
    return absurd or any(fault.kind != "gap" for fault in inspect(rows, interval, faults).faults)


def _same(rows: CandleRows, again: CandleRows) -> bool:
    return all(
        np.array_equal(getattr(rows, name), getattr(again, name), equal_nan=name != "time")
        for name in ("time", *COLUMNS)
    )
