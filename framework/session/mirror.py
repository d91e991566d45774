"""A session's rows in the database while it runs, written beside it by a thread of its own.

What is to be written is read back from the session's record, so nothing is held in memory while
the database declines, and nothing is lost: what was not written before a restart is written after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from time import time_ns
from types import TracebackType
from typing import Any, Self

import numpy as np

from framework.errors import FrameworkError
from framework.results.ledger_rows import fills_of, trades_of, vetoes_of
from framework.results.live_rows import LiveRows, News
from framework.session.book_keeping import BookKeeping
from framework.session.record import Tail
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.types import FloatArray, RecordArray

PACE_S = 1.0
"""Seconds between two writes, at least."""

_SEEN_S = 30.0
_PATIENCE_S = 2.0
_LAST_PATIENCE_S = 5.0
_LONGEST_PAUSE_S = 30.0


class Mirror(Voice):
    """Keeps the rows of one run up to date.

    Parameters
    ----------
    rows : LiveRows
    run_id : int
    tail : Tail
        Of the session's record, from its first bar on.
    books : BookKeeping
        Before its first bar; the mirror's own.
    pairs : tuple of str
    close : (N,) float64
        The last ones, quote currency.
    account : (1,) record
        After the last bar.
    say : callable
        Tells a person a line; called in another thread.
    pace_s : float
        Seconds between two writes, at least.
    """

    def __init__(
        self,
        rows: LiveRows,
        run_id: int,
        *,
        tail: Tail,
        books: BookKeeping,
        pairs: tuple[str, ...],
        close: FloatArray,
        account: RecordArray,
        say: Callable[[str], None],
        pace_s: float = PACE_S,
    ) -> None:
        self._rows, self._run_id, self._pairs = rows, run_id, pairs
        self._tail, self._books = tail, books
        self._worth = close, _owed(account)
        self._say, self._pace_s = say, pace_s
        self._numbers = _Numbers()
        self._fills = self._vetoes = 0
        self._anew = True
        self._pending: News | None = None
        self._failed = 0
        self._news, self._ending = Event(), Event()
        self._thread = Thread(target=self._run, name="mirror", daemon=True)

    def __enter__(self) -> Self:
        self._pending = self._gather()
        self._news.set()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._news.set()
        self._thread.join(2 * _LAST_PATIENCE_S)

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Have it written, in time."""
        self._worth = acted.close, _owed(acted.account)
        self._news.set()

    def _run(self) -> None:
        while True:
            self._news.wait(_SEEN_S)
            self._news.clear()
            ending = self._ending.is_set()
            running = self._write(_LAST_PATIENCE_S if ending else _PATIENCE_S)
            if ending or not running:
                return
            pause_s = min(self._pace_s * 2**self._failed, _LONGEST_PAUSE_S)
            if self._failed:
                self._news.set()
            self._ending.wait(pause_s)

    def _write(self, patience_s: float) -> bool:
        """Write what is new, as far as the database lets; return False once the run has ended."""
        try:
            news = self._gather() if self._pending is None else self._pending
            self._pending = replace(news, seen_at=time_ns())
            running = self._rows.write(
                self._run_id, self._pending, anew=self._anew, patience_s=patience_s
            )
        except FrameworkError as fault:
            if not self._failed:
                self._say(f"{fault} The session goes on; what is not written follows.")
            self._failed += 1
            return True
        if self._failed:
            self._say("the database is written again")
        self._failed, self._anew, self._pending = 0, False, None
        return running

    def _gather(self) -> News:
        """Read what is new, and return the rows that it leads to."""
        books = self._books
        before_ns = books.end_ns
        close, owed = self._worth
        bars, events = self._tail.read()
        ended = books.add(bars, events)
        held = books.trips.still_held(close, books.end_ns, owed)
        fills = list(enumerate(fills_of(events, self._pairs), start=self._fills + 1))
        vetoes = list(enumerate(vetoes_of(events, self._pairs), start=self._vetoes + 1))
        self._fills += len(fills)
        self._vetoes += len(vetoes)
        trades = np.concatenate([ended, held])
        numbers = self._numbers.of(trades, before_ns)
        return News(
            fills=fills,
            vetoes=vetoes,
            trades=list(zip(numbers, trades_of(trades, self._pairs), strict=True)),
            metrics={
                "equity": books.equity,
                "total_return": books.profit / books.cash,
                "max_drawdown": books.max_drawdown,
                "trades": float(books.trades),
                "fees_paid": books.fees,
            },
            seen_at=0,
        )


class _Numbers:
    """Numbers round trips as the finished run will: by entry time, then pair."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[int, int] = {}

    def of(self, trades: RecordArray, since_ns: int) -> list[int]:
        """Return the numbers of the trades that ended in some bars, and of all that are open.

        Parameters
        ----------
        trades : (K,) TRADE
        since_ns : int
            Open time of the first of those bars: what was entered before has a number already.
        """
        numbers = [0] * len(trades)
        before, self._open = self._open, {}
        for k in np.lexsort((trades["pair"], trades["entry_time"])).tolist():
            pair = int(trades["pair"][k])
            if trades["entry_time"][k] < since_ns:
                numbers[k] = before[pair]
            else:
                self._count += 1
                numbers[k] = self._count
            if trades["open"][k]:
                self._open[pair] = numbers[k]
        return numbers


def _owed(account: RecordArray) -> Any:
    return np.ascontiguousarray(account[0]["positions"]["owed"])
