"""Tells a person of a session: what it decided, bought and sold, and what it came to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from framework.config.stream import Stream
from framework.feed.events import CandleRevised, FeedEvent, StateChanged
from framework.records import Kind, Reason
from framework.session.book_keeping import BookKeeping
from framework.session.live_table import Status, live_table
from framework.session.record import read_record
from framework.session.screen import Screen
from framework.session.state import SessionState
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.session.wording import Decision, Wording, holdings
from framework.types import SECOND_NS, RecordArray, format_time

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_SHOWN = 6


class Console(Voice):
    """Prints and logs, a line for each thing.

    Parameters
    ----------
    state : SessionState
        Where the session goes on.
    title : str
        What it trades, in a few words.
    quote : str
        Currency of every amount.
    expects_return : bool
        Whether the model's ``forecast`` is a log-return of the price.
    console : rich.console.Console
        To print on.
    errors : Stream
        Standard error.
    log : callable
        Writes a line into the run's log; it is quick, and masks secrets itself.
    redact : callable
        Masks secrets in what is printed.
    now_ns : callable
        Returns the time, UTC.
    """

    def __init__(
        self,
        state: SessionState,
        *,
        title: str,
        quote: str,
        expects_return: bool,
        console: RichConsole,
        errors: Stream,
        log: Callable[[str], None],
        redact: Callable[[str], str],
        now_ns: Callable[[], int],
    ) -> None:
        history = state.trader.history
        self._state = state
        self._title = title
        self._bar_ns = history.interval.ns
        self._words = Wording(history.pairs, quote, history.interval)
        self._expects_return = expects_return
        self._log, self._redact = log, redact
        self._now_ns = now_ns
        self._feed = "connecting"
        self._trades: deque[tuple[str, ...]] = deque(maxlen=_SHOWN)
        self._books = new_books(state)
        bars, events = read_record(state.record.folder)
        self._books.add(bars, events)
        self._decided = self._waiting(events)
        self._status = self._stand()
        self._screen = Screen(
            console, errors, lambda: live_table(self._status, self._words, self._now_ns())
        )

    def __enter__(self) -> Self:
        self._screen.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._screen.__exit__(kind, raised, trace)

    def acted(self, acted: Acted, late_ns: int) -> None:
        """Tell of fills, of what the session came to by them, and of decisions."""
        booked = self._books.book(acted.time, acted.equity, acted.events)
        for one in booked:
            self._tell(self._words.booked(one, self._decided.get(int(one.fill["order"]))))
            self._trades.append(self._words.cells(one))
        wallet = acted.account[0]["wallet"]
        if booked:
            held = holdings(self._state.trader.history.pairs, acted.account)
            self._tell(self._words.standing(self._books, float(wallet["cash"]), held))
        for line in self._of_orders(acted):
            self._tell(line)
        day = self._books.end_day()
        if day is not None:
            self._tell(self._words.day(day, self._books))
        self._status = self._stand()

    def heard(self, event: FeedEvent) -> None:
        """Tell of changes of the connection; log revisions."""
        if isinstance(event, StateChanged):
            self._feed = f"{event.state.value} {event.reason}".rstrip()
            self.said(f"feed: {self._feed}")
        elif isinstance(event, CandleRevised):
            self._log(f"revised: {event.before} is now {event.candle}")

    def said(self, line: str) -> None:
        """Print a line with its time."""
        now_ns = self._now_ns()
        self._tell(f"{format_time(now_ns - now_ns % SECOND_NS)} {line}")
        self._status = self._stand()

    def _tell(self, line: str) -> None:
        self._log(line)
        self._screen.line(self._redact(line))

    def _of_orders(self, acted: Acted) -> Iterator[str]:
        """Yield what to tell of decisions and of orders that end unfilled; log the rest."""
        replaced = set()
        for event in acted.events:
            kind, order = int(event["kind"]), int(event["order"])
            if kind == Kind.VETOED:
                self._log(self._words.vetoed(event))
            elif kind in (Kind.CANCELLED, Kind.EXPIRED):
                self._decided.pop(order, None)
                if event["reason"] == Reason.REPLACED:
                    replaced.add((int(event["pair"]), int(event["side"])))
                    self._log(self._words.dropped(event))
                else:
                    yield self._words.dropped(event)
            elif kind == Kind.DECIDED:
                decision = Decision(
                    int(event["time"]) + self._bar_ns,
                    self._expected(event, acted.predicted.get("forecast")),
                )
                self._decided[order] = decision
                held = float(acted.account[0]["positions"][event["pair"]]["units"])
                line = self._words.decided(event, decision, held)
                if (int(event["pair"]), int(event["side"])) in replaced:
                    self._log(line)
                else:
                    yield line
        open_orders = _open_orders(acted.account)
        self._decided = {k: v for k, v in self._decided.items() if k in open_orders}

    def _expected(self, event: Any, forecast_N: Any | None) -> float:
        """Return the price that the model expects, or the close where it expects none."""
        price = float(event["price"])
        if forecast_N is None or not self._expects_return:
            return price
        expected = price * float(np.exp(forecast_N[event["pair"]]))
        return expected if np.isfinite(expected) else price

    def _waiting(self, events: RecordArray) -> dict[int, Decision]:
        """Return what the open orders go back to."""
        open_orders = _open_orders(self._state.trader.account)
        decided = events[(events["kind"] == Kind.DECIDED) & np.isin(events["order"], open_orders)]
        return {
            int(event["order"]): Decision(
                int(event["time"]) + self._bar_ns, self._expected(event, self._forecast_at(event))
            )
            for event in decided
        }

    def _forecast_at(self, event: Any) -> Any | None:
        """Return what the model forecast when an order was decided."""
        forecast_KN = self._state.trader.predicted.get("forecast")
        if forecast_KN is None:
            return None
        interval = self._state.pipeline.plan.interval
        last_ns = interval.floor(self._state.next_ns)
        back = (last_ns - int(event["time"]) - self._bar_ns) // interval.ns
        return forecast_KN[len(forecast_KN) - 1 - back] if back < len(forecast_KN) else None

    def _stand(self) -> Status:
        state, books = self._state, self._books
        account = state.trader.account
        return Status(
            title=self._title,
            feed=self._feed,
            paused=state.paused,
            bar_ns=books.end_ns,
            next_ns=books.end_ns + self._bar_ns,
            balance=float(account[0]["wallet"]["cash"]),
            equity=books.equity,
            profit=books.profit,
            fraction=books.profit / books.cash,
            held=holdings(state.trader.history.pairs, account),
            trades=tuple(self._trades),
            counters={
                "bars": books.bars,
                "fills": books.fills,
                "won": books.won,
                "lost": books.lost,
                "vetoes": books.vetoes,
            },
        )


def new_books(state: SessionState) -> BookKeeping:
    """Return the books of a session before its first bar."""
    history, plan = state.trader.history, state.pipeline.plan
    start_ns = state.next_ns - state.bars * history.interval.ns
    return BookKeeping(
        len(history.pairs), state.pipeline.cash, start_ns, plan.interval, history.interval
    )


def _open_orders(account: RecordArray) -> list[int]:
    ids = account[0]["orders"]["id"]
    return [int(number) for number in ids[ids > 0]]
