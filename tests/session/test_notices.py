"""What a person who is away is told of a session, and what the session answers."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from test_trader import PAIRS, bars_of, build

from framework.engine.risk import Risk
from framework.feed.events import State, StateChanged
from framework.loopback.virtual_time import run_virtual
from framework.records import Kind
from framework.session.commands import Answers
from framework.session.console import new_books
from framework.session.decisions import Decisions
from framework.session.notices import Notices
from framework.session.session import Command
from framework.session.state import SessionState
from framework.session.wording import Wording
from framework.types import DAY_NS


class Post:
    """Keeps what it is to deliver."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, message: str, level: str = "daily") -> None:
        self.sent.append((level, message))

    def at(self, level: str) -> list[str]:
        return [message for own, message in self.sent if own == level]


class World:
    """A session on candles of the simulated market, bar by bar."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.pipeline, self.candles, self.first = build("cross")
        self.bars = bars_of(self.candles, self.first)
        self.post = Post()
        self.open()

    def open(self) -> None:
        """Go on where the directory was left."""
        self.state = SessionState(
            self.directory, self.pipeline, self.candles[: self.first], lambda v: None, 20
        )
        history = self.state.trader.history
        self.notices = Notices(
            self.post,
            self.state,
            books=new_books(self.state),
            words=Wording(history.pairs, "AUD", history.interval),
            decisions=Decisions(self.state, False),
            name="own",
            redact=lambda text: text.replace("secret", "***"),
        )

    def live(self, until: int) -> None:
        for bar in self.bars[self.state.bars : until]:
            self.notices.acted(self.state.act(bar, bar.time), 0)


@pytest.fixture
def world(tmp_path: Path):
    made = World(tmp_path / "run")
    yield made
    made.state.close()


def test_each_fill_each_decision_and_each_day_is_told(world: World) -> None:
    world.notices.begin()
    world.live(150)
    _, events = world.state.record.read()
    booked = [line for line in world.post.at("trade") if " bought " in line or " sold " in line]
    assert len(booked) == np.count_nonzero(events["kind"] == Kind.FILLED) > 5
    sold = [line for line in booked if " sold " in line]
    assert all(", profit " in line for line in sold)
    assert len(world.post.at("debug")) == np.count_nonzero(events["kind"] == Kind.DECIDED)
    begun, *days = world.post.at("daily")
    assert begun == f"own: begins: {', '.join(PAIRS)}, equity 10,000.00 AUD"
    midnights = [bar.time for bar in world.bars if (bar.time + 3_600 * 10**9) % DAY_NS == 0]
    assert len(days) == len(midnights) == 6


def test_a_session_that_goes_on_answers_as_one_that_never_stopped(tmp_path: Path) -> None:
    whole, parted = World(tmp_path / "whole"), World(tmp_path / "parted")
    whole.live(150)
    parted.live(97)
    parted.state.close()
    parted.open()
    parted.notices.begin()
    assert "goes on after 97 bars" in parted.post.sent[-1][1]
    parted.live(150)
    for word in ("/status", "/profit"):
        assert parted.notices.answers[word] == whole.notices.answers[word]
    shown = [world.notices.answers["/trades"].split("\n") for world in (whole, parted)]
    assert len(shown[0]) == len(shown[1]) == 10
    assert [line.split(", predicted")[0] for line in shown[0]] == [
        line.split(", predicted")[0] for line in shown[1]
    ]
    assert whole.post.at("daily") == [
        line for line in parted.post.at("daily") if "goes on" not in line
    ]
    whole.state.close()
    parted.state.close()


def test_its_profit_is_that_of_the_account(world: World) -> None:
    world.live(140)
    bars, _ = world.state.record.read()
    total = float(bars["equity"][-1]) - 10_000.0
    close = bars["time"] + 3_600 * 10**9
    midnight = float(bars["equity"][close % DAY_NS == 0][-1])
    today = float(bars["equity"][-1]) - midnight
    since_start, since_midnight, counts = world.notices.answers["/profit"].split("\n")
    assert since_start == f"since the start {total:+,.2f} AUD ({total / 100.0:+,.2f} %)"
    assert since_midnight.startswith(f"since midnight UTC {today:+,.2f} AUD (")
    wallet = world.state.trader.account[0]["wallet"]
    assert counts == f"{wallet['wins']} won, {wallet['losses']} lost"


def test_a_short_loss_of_the_connection_is_not_told(world: World) -> None:
    async def play() -> None:
        for state in (State.CONNECTING, State.LIVE, State.LOST, State.CONNECTING, State.LIVE):
            world.notices.heard(StateChanged(state, ""))
            await asyncio.sleep(29.0)
        await asyncio.sleep(300.0)

    run_virtual(play())
    assert world.post.sent == []
    assert "; feed live; " in world.notices.answers["/status"]


def test_a_long_one_is_told_once_and_that_it_is_over(world: World) -> None:
    async def play() -> None:
        world.notices.heard(StateChanged(State.LIVE, ""))
        for state in (State.LOST, State.CONNECTING, State.LOST, State.CONNECTING):
            world.notices.heard(StateChanged(state, "silent for 30 s"))
            await asyncio.sleep(75.0)
        world.notices.heard(StateChanged(State.LIVE, ""))
        await asyncio.sleep(300.0)

    run_virtual(play())
    assert world.post.sent == [
        ("warning", "own: no connection for a minute: silent for 30 s"),
        ("warning", "own: connected again after 5 min"),
    ]


def test_many_remarks_of_a_day_are_counted(world: World) -> None:
    for number in range(50):
        world.notices.said(f"remark {number}")
    assert world.post.at("warning") == [f"own: remark {number}" for number in range(20)]
    world.live(24)
    (day,) = world.post.at("daily")
    assert day.endswith("\n30 more remarks are in run.log")
    world.notices.said("another day, secret")
    assert world.post.at("warning")[-1] == "own: another day, ***"


def test_a_halt_is_told_and_answered(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("test_trader.Risk", partial(Risk, max_drawdown=0.01))
    world = World(tmp_path / "run")
    world.live(150)
    assert world.state.trader.account[0]["wallet"]["halted"] == 1
    line = "halted: the largest drawdown was reached, nothing is opened"
    assert world.post.at("error") == [f"own: {line}"]
    assert world.notices.answers["/status"].startswith(f"{line}; feed")
    world.state.close()


def test_questions_are_answered_at_any_time_and_orders_while_it_runs() -> None:
    told: dict[str, str] = {}
    passed: list[Command] = []
    answers = Answers(lambda: told)
    assert answers("/status") == "begins just now"
    assert answers("/stop") == "/stop: the session is not running; nothing was done"
    with answers.passed_on(passed.append):
        for word in ("/pause", "/resume", "/stop"):
            thread = Thread(target=answers, args=(word,))
            thread.start()
            thread.join()
    told["/status"] = "trades"
    assert answers("/status") == "trades"
    assert answers("/stop") == "/stop: the session is not running; nothing was done"
    assert answers("/start") == "commands: /status /profit /trades /pause /resume /stop"
    assert passed == [Command.PAUSE, Command.GO_ON, Command.STOP]
