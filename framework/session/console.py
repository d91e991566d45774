"""Tells a person of a session: what it decided, bought and sold, and what it came to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from framework.config.stream import Stream
from framework.feed.events import CandleRevised, FeedEvent, State, StateChanged
from framework.records import Kind, Reason
from framework.session.book_keeping import BookKeeping
from framework.session.decisions import Decisions
from framework.session.live_table import Status, live_table
from framework.session.record import read_record
from framework.session.screen import Screen
from framework.session.state import SessionState
from framework.session.trader import Acted
from framework.session.voice import Voice
from framework.session.wording import Wording, holdings
from framework.types import SECOND_NS, format_time

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
        self._decisions = Decisions(state, expects_return)
        self._log, self._redact = log, redact
        self._now_ns = now_ns
        self._feed = "connecting"
        self._trades: deque[tuple[str, ...]] = deque(maxlen=_SHOWN)
        self._books = new_books(state)
        bars, events = read_record(state.record.folder)
        self._books.add(bars, events)
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
            self._tell(self._words.booked(one, self._decisions.of(int(one.fill["order"]))))
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
            self.said(f"feed: {self._feed}{self._awaited(event.state)}")
        elif isinstance(event, CandleRevised):
            self._log(f"revised: {event.before} is now {event.candle}")

    def _awaited(self, state: State) -> str:
        """Return what a connection that is live waits for: nothing is said until then."""
        if state is not State.LIVE:
            return ""
        interval = self._state.trader.history.interval
        close_ns = interval.floor(self._now_ns()) + interval.ns
        return f"; the next candle closes at {format_time(close_ns)}"

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
            kind = int(event["kind"])
            if kind == Kind.VETOED:
                self._log(self._words.vetoed(event))
            elif kind in (Kind.CANCELLED, Kind.EXPIRED):
                if event["reason"] == Reason.REPLACED:
                    replaced.add((int(event["pair"]), int(event["side"])))
                    self._log(self._words.dropped(event))
                else:
                    yield self._words.dropped(event)
            elif kind == Kind.DECIDED:
                decision = self._decisions.add(event, acted.predicted)
                held = float(acted.account[0]["positions"][event["pair"]]["units"])
                line = self._words.decided(event, decision, held)
                if (int(event["pair"]), int(event["side"])) in replaced:
                    self._log(line)
                else:
                    yield line
        self._decisions.keep_open(acted.account)

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
