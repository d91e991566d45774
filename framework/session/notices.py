"""What a person is told of a session who is not beside it, and what such a person may ask."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from framework.feed.events import FeedEvent, StateChanged
from framework.notify.courier import Delivery
from framework.notify.levels import Level
from framework.records import Kind
from framework.session.book_keeping import Booked, BookKeeping
from framework.session.connection_watch import ConnectionWatch
from framework.session.decisions import Decisions
from framework.session.state import SessionState
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.session.wording import Wording, holdings
from framework.types import RecordArray

_REMARKS = 20
"""Remarks of one UTC day that are told one by one; further ones are counted."""

_TRADES = 10
"""Fills that are remembered for whoever asks."""


class Notices(Voice):
    """Tells of fills, halts, lost connections and days; keeps answers to what may be asked.

    Parameters
    ----------
    delivery : Delivery
        Takes what is told.
    state : SessionState
        Where the session goes on.
    books : BookKeeping
        Before its first bar; its own.
    words : Wording
    decisions : Decisions
        Its own.
    name : str
        Begins every message.
    redact : callable
        Masks secrets in what is told.
    """

    def __init__(
        self,
        delivery: Delivery,
        state: SessionState,
        *,
        books: BookKeeping,
        words: Wording,
        decisions: Decisions,
        name: str,
        redact: Callable[[str], str],
    ) -> None:
        self._delivery, self._state, self._books = delivery, state, books
        self._words, self._decisions = words, decisions
        self._name, self._redact = name, redact
        self._pairs = state.trader.history.pairs
        self._watch = ConnectionWatch(lambda line: self._tell(line, "warning"))
        self._feed = "connecting"
        self._halt = _halt(state.trader.account)
        self._remarks = 0
        self._newest: deque[str] = deque(maxlen=_TRADES)
        self._go_through(*state.record.read())
        self.answers: Mapping[str, str] = self._answers()
        """To `QUESTIONS`; another mapping after each change, so that any thread may read it."""

    def begin(self) -> None:
        """Tell that the session begins, or goes on."""
        bars = self._state.bars
        began = f"goes on after {bars:,} bars" if bars else "begins"
        self._tell(f"{began}: {', '.join(self._pairs)}, equity {self._equity()}", "daily")

    def end(self, why: str) -> None:
        """Tell that the session is over, or only interrupted."""
        self._watch.close()
        self._tell(f"{why}: {self._state.bars:,} bars, equity {self._equity()}", "daily")

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Tell of the fills of a bar, of its decisions, of a halt, and of a day that is over."""
        booked = self._books.book(acted.time, acted.equity, acted.events)
        for one in booked:
            self._tell(self._remember(one), "trade")
        if booked:
            self._tell(self._standing(), "trade")
        for event in acted.events[acted.events["kind"] == Kind.DECIDED]:
            decision = self._decisions.add(event, acted.predicted)
            held = float(acted.account[0]["positions"][event["pair"]]["units"])
            self._tell(self._words.decided(event, decision, held), "debug")
        self._decisions.keep_open(acted.account)
        before, self._halt = self._halt, _halt(acted.account)
        if self._halt and self._halt != before:
            self._tell(self._halt, "error")
        elif before and not self._halt:
            self._tell("the limits let it trade again", "warning")
        self._close_day()
        self.answers = self._answers()

    def heard(self, event: FeedEvent) -> None:
        """Tell of a connection that stays lost, and that it is back."""
        if isinstance(event, StateChanged):
            self._feed = f"{event.state.value} {event.reason}".rstrip()
            self._watch.heard(event)
            self.answers = self._answers()

    def said(self, line: str) -> None:
        """Tell a remark, unless there were many today."""
        self._remarks += 1
        if self._remarks <= _REMARKS:
            self._tell(line, "warning")
        self.answers = self._answers()

    def _go_through(self, bars: RecordArray, events: RecordArray) -> None:
        """Add up what was done before, and remember the newest fills."""
        fills = np.flatnonzero(events["kind"] == Kind.FILLED)[-_TRADES:]
        begin = 0
        first = 0
        for number in np.unique(np.searchsorted(bars["events"], fills, side="right")).tolist():
            self._books.add(bars[begin:number], events[first : _events_until(bars, number)])
            bar = bars[number]
            done = events[_events_until(bars, number) : int(bar["events"])]
            for one in self._books.book(int(bar["time"]), float(bar["equity"]), done):
                self._remember(one)
            self._books.end_day()
            begin, first = number + 1, int(bar["events"])
        self._books.add(bars[begin:], events[first:])

    def _remember(self, booked: Booked) -> str:
        line = self._words.booked(booked, self._decisions.of(int(booked.fill["order"])))
        self._newest.append(line)
        return line

    def _close_day(self) -> None:
        day = self._books.end_day()
        if day is None:
            return
        lines = [self._words.day(day, self._books)]
        if self._remarks > _REMARKS:
            lines.append(f"{self._remarks - _REMARKS} more remarks are in run.log")
        self._tell("\n".join(lines), "daily")
        self._remarks = 0

    def _answers(self) -> Mapping[str, str]:
        books = self._books
        state = "paused: nothing is opened" if self._state.paused else self._halt or "trades"
        today = books.equity - books.day_begun
        return {
            "/status": f"{state}; feed {self._feed}; {books.bars:,} bars\n{self._standing()}",
            "/profit": "\n".join(
                (
                    f"since the start {self._gain(books.profit, books.cash)}",
                    f"since midnight UTC {self._gain(today, books.day_begun)}",
                    f"{books.won} won, {books.lost} lost",
                )
            ),
            "/trades": "\n".join(self._newest) or "nothing was traded yet",
        }

    def _standing(self) -> str:
        account = self._state.trader.account
        held = holdings(self._pairs, account)
        return self._words.standing(self._books, float(account[0]["wallet"]["cash"]), held)

    def _equity(self) -> str:
        return self._words.money(self._books.equity)

    def _gain(self, value: float, before: float) -> str:
        return self._words.gain(value, value / before if before > 0.0 else 0.0)

    def _tell(self, line: str, level: Level) -> None:
        self._delivery.send(f"{self._name}: {self._redact(line)}", level)


def _halt(account: RecordArray) -> str:
    """Return why the limits open nothing; empty: they let it trade."""
    wallet = account[0]["wallet"]
    if wallet["halted"]:
        return "halted: the largest drawdown was reached, nothing is opened"
    if wallet["day_closed"]:
        return "the day's largest loss was reached, nothing is opened until midnight UTC"
    return ""


def _events_until(bars: RecordArray, number: int) -> int:
    """Return the ledger's length before a bar of a record."""
    return int(bars["events"][number - 1]) if number else 0
