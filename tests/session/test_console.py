"""What a person reads of a session: one wording, nothing lost over a restart, nobody waits."""

from __future__ import annotations

import io
import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console as RichConsole
from test_trader import bars_of, build

from framework.config.stream import Stream
from framework.feed.events import State, StateChanged
from framework.records import EVENT, Kind, OrderType, Reason
from framework.session import screen
from framework.session.book_keeping import BookKeeping
from framework.session.console import Console
from framework.session.decisions import Decisions
from framework.session.live_table import live_table
from framework.session.state import SessionState
from framework.session.wording import Decision, Held, Wording, priced
from framework.types import Interval, parse_time

HOUR = Interval.parse("1h")
START = parse_time("2025-03-01T10:00")
WORDS = Wording(("BTC-AUD", "ADA-AUD"), "AUD", HOUR)


def event(kind: Kind, hour: int, side: int, units: float, price: float, **values):
    made = np.zeros(1, EVENT)
    made["kind"], made["time"], made["side"] = kind, START + hour * HOUR.ns, side
    made["units"], made["quote"], made["price"] = units, units * price, price
    made["type"], made["reason"], made["confidence"] = OrderType.MARKET, Reason.SIGNAL, 0.5
    for name, value in values.items():
        made[name] = value
    return made


def test_a_short_and_its_end_by_a_stop_in_words() -> None:
    books = BookKeeping(2, 1_000.0, START, HOUR, HOUR)
    decided = event(Kind.DECIDED, 0, -1, 4.0, 50.0)[0]
    decision = Decision(START + HOUR.ns, 49.0)
    assert WORDS.decided(decided, decision, 0.0) == (
        "2025-03-01T11:00:00Z decided to sell short BTC-AUD: about 4 for 200.00 AUD, "
        "price 50.0000, predicted 49.0000, confidence 0.50"
    )
    (sold,) = books.book(START + HOUR.ns, 999.0, event(Kind.FILLED, 1, -1, 4.0, 50.0, fee=1.0))
    assert WORDS.booked(sold, decision) == (
        "2025-03-01T11:00:00Z sold short BTC-AUD: 4 for 200.00 AUD, price 50.0000, "
        "predicted 49.0000, fee 1.00 AUD, confidence 0.50, decided 2025-03-01T11:00:00Z"
    )
    stopped = event(Kind.FILLED, 2, 1, 4.0, 55.0, fee=1.5, reason=Reason.STOP_LOSS)
    (back,) = books.book(START + 2 * HOUR.ns, 977.5, stopped)
    # 200 received, 220 paid, fees of 1 and 1.5
    assert WORDS.booked(back, None) == (
        "2025-03-01T12:00:00Z bought back BTC-AUD: 4 for 220.00 AUD, price 55.0000, "
        "predicted 55.0000, fee 1.50 AUD, confidence 0.50, profit -22.50 AUD (-11.25 %), stop loss"
    )
    assert WORDS.standing(books, 977.5, ()) == (
        "2025-03-01T13:00:00Z balance 977.50 AUD, equity 977.50 AUD, total profit -22.50 AUD "
        "(-2.25 %), 0 won, 1 lost, holds nothing"
    )


def test_a_part_sold_tells_of_itself_and_the_last_of_the_whole_trade() -> None:
    books = BookKeeping(2, 1_000.0, START, HOUR, HOUR)
    books.book(START, 1_000.0, event(Kind.FILLED, 0, 1, 4.0, 10.0))
    (part,) = books.book(START, 1_000.0, event(Kind.FILLED, 1, -1, 1.0, 12.0))
    (rest,) = books.book(START, 1_000.0, event(Kind.FILLED, 2, -1, 3.0, 11.0))
    assert "profit +2.00 AUD (+20.00 %)" in WORDS.booked(part, None)
    assert "whole trade" not in WORDS.booked(part, None)
    said = WORDS.booked(rest, None)
    assert "profit +3.00 AUD (+10.00 %), the whole trade +5.00 AUD (+12.50 %)" in said


def test_orders_that_wait_and_end_unfilled_are_told() -> None:
    limit = event(Kind.DECIDED, 0, 1, 0.0, 2.5, quote=100.0, type=OrderType.LIMIT, pair=1)[0]
    assert WORDS.decided(limit, Decision(START + HOUR.ns, 2.5), 0.0) == (
        "2025-03-01T11:00:00Z decided to buy ADA-AUD: about 40 for 100.00 AUD, limit order, "
        "price 2.50000, predicted 2.50000, confidence 0.50"
    )
    expired = event(Kind.EXPIRED, 3, 1, 0.0, 2.4, reason=Reason.TIME_IN_FORCE, pair=1)[0]
    assert WORDS.dropped(expired) == (
        "2025-03-01T14:00:00Z order to buy ADA-AUD expired, time in force"
    )


def test_prices_have_the_digits_that_matter() -> None:
    values = (94_612.59, 2.6005, 0.00001234, 0.0, 1_234_567.0)
    assert [priced(value) for value in values] == [
        "94,612.59", "2.60050", "0.0000123400", "0.00000", "1,234,567.00"
    ]  # fmt: skip


class Heard:
    """A session that is stepped by hand before a console."""

    def __init__(self, folder: Path, **how) -> None:
        self.pipeline, self.candles, self.first = build("cross", "1h")
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self.out = io.StringIO()
        self.logged: list[str] = []
        self.how = how
        self.bars = bars_of(self.candles, self.first)
        self.state = self.open()

    def open(self) -> SessionState:
        warmup = self.candles[: self.first]
        return SessionState(self.folder, self.pipeline, warmup, lambda values: values, 20)

    def console(self, **how) -> Console:
        given = {
            "title": "own 1h on simulated", "quote": "AUD", "expects_return": False,
            "console": RichConsole(file=self.out, width=100), "errors": Stream(io.StringIO()),
            "log": self.logged.append, "redact": lambda line: line.replace("hidden", "***"),
            "now_ns": lambda: self.state.next_ns,
        }  # fmt: skip
        return Console(self.state, **{**given, **how})

    def live(self, console: Console, until: int) -> None:
        for bar in self.bars[self.state.bars : until]:
            console.acted(self.state.act(bar, bar.time), 0)

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()


def test_each_fill_is_told_once_with_its_decision_also_over_a_restart(tmp_path: Path) -> None:
    whole = Heard(tmp_path / "whole")
    with whole.console() as console:
        whole.live(console, 90)
    whole.state.close()
    fills = whole.state.record.read()[1]
    fills = fills[fills["kind"] == Kind.FILLED]
    told = [line for line in whole.lines if " bought " in line or " sold " in line]
    assert len(told) == len(fills) > 5
    assert sum(" balance " in line for line in whole.lines) == len(np.unique(fills["time"]))
    assert sum(" day 2025" in line for line in whole.lines) == 3

    broken = Heard(tmp_path / "broken")
    for until in range(1, 91):  # a process for each bar: orders wait over every restart
        with broken.console() as console:
            broken.live(console, until)
        broken.state.close()
        broken.state = broken.open()
    broken.state.close()
    assert broken.lines == whole.lines
    assert [line for line in whole.logged if " vetoed to " not in line] == whole.lines


def test_a_forecast_return_becomes_the_price_it_expects(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "run")
    decided = event(Kind.DECIDED, 0, 1, 1.0, 200.0, pair=1)[0]
    forecast = {"forecast": np.array([0.5, 0.1])}
    decisions = Decisions(heard.state, expects_return=True)
    assert decisions.add(decided, forecast).price == pytest.approx(200.0 * math.exp(0.1))
    assert decisions.add(decided, {"forecast": np.array([0.5, np.nan])}).price == 200.0
    assert decisions.add(decided, {}).price == 200.0
    assert Decisions(heard.state, expects_return=False).add(decided, forecast).price == 200.0
    heard.state.close()


def test_a_reader_that_stops_reading_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_ROOM", 4)
    reading = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            reading.wait()
            return super().write(text)

    heard = Heard(tmp_path / "run")
    heard.out = Stuck()
    with heard.console() as console:
        heard.live(console, 60)
        reading.set()
        while len(heard.lines) < 3:  # what waited is printed
            time.sleep(0.01)
        console.said("read again, hidden")
    heard.state.close()
    assert len([line for line in heard.logged if " vetoed to " not in line]) > 20
    (count,) = [line for line in heard.lines if line.startswith("(")]
    assert count.endswith("lines were not shown; run.log has them)")
    assert heard.lines[-1].endswith("read again, ***")


def test_the_table_tells_where_the_session_stands(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "run")
    with heard.console() as console:
        console.heard(StateChanged(State.LIVE, ""))
        while not console._status.held:
            heard.live(console, heard.state.bars + 1)
        status = console._status
    heard.state.close()
    account = heard.state.trader.account[0]
    assert (status.balance, status.equity) == (
        account["wallet"]["cash"], account["wallet"]["equity"],
    )  # fmt: skip
    assert status.feed == "live"
    assert status.bar_ns == heard.state.next_ns
    assert status.held
    paper = RichConsole(file=io.StringIO(), width=110)
    paper.print(live_table(status, WORDS, status.next_ns - 125 * 10**9))
    shown = paper.file.getvalue()
    assert f"{account['wallet']['equity']:,.2f} AUD" in shown
    assert "in 2:05" in shown
    assert all(own.pair in shown for own in status.held)


def test_a_feed_that_is_live_says_when_its_next_candle_closes(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "run")
    ten = START + 10 * 60 * 10**9
    with heard.console(now_ns=lambda: ten) as console:
        console.heard(StateChanged(State.LIVE, ""))
        console.heard(StateChanged(State.LOST, "closed"))
    heard.state.close()
    assert heard.logged[-2:] == [
        "2025-03-01T10:10:00Z feed: live; the next candle closes at 2025-03-01T11:00:00Z",
        "2025-03-01T10:10:00Z feed: lost closed",
    ]


def test_what_is_held_is_worth_its_last_price() -> None:
    short = Held("BTC-AUD", -2.0, 100.0, 90.0)
    assert (short.value, short.profit) == (-180.0, 20.0)
