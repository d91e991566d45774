"""What a feed asks of an exchange for the sake of its pairs."""

from __future__ import annotations

from collections.abc import Collection

from framework.exchange.connection import Connection
from framework.feed.pair_line import Ask, PairLine
from framework.types import Interval


async def make(
    ask: Ask, line: PairLine, connection: Connection, interval: Interval, asked_ns: int
) -> None:
    """Make one request and hand its answer to the line that wants it.

    Parameters
    ----------
    ask : Ask
    line : PairLine
    connection : Connection
    interval : Interval
        Of candles.
    asked_ns : int
        Exchange time.
    """
    if ask.kind == "rows":
        rows = await connection.candles(ask.pair, interval, ask.start_ns, ask.end_ns)
        line.answer_rows(ask, rows, asked_ns)
    else:
        trades, from_ns = await connection.trades(ask.pair, ask.start_ns, ask.end_ns)
        line.answer_trades(ask, trades, from_ns, asked_ns)


async def markets_gone(
    connection: Connection, pairs: Collection[str], fault: Exception
) -> list[str]:
    """Return those of `pairs` that the exchange does not have any more, never all of them.

    Parameters
    ----------
    connection : Connection
    pairs : collection of str
        That there were.
    fault : Exception
        Why that is asked; raised where all are there, or none.

    Raises
    ------
    Unreachable
        The exchange does not say.
    """
    known = await connection.markets()
    gone = [pair for pair in pairs if pair not in known]
    if not 0 < len(gone) < len(pairs):
        raise fault
    return gone
