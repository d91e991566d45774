"""The live loop over a feed that a test plays: late pairs, outages, commands, ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from test_trader import PAIRS, build

from framework.errors import OutsideFault
from framework.feed.events import CandleClosed, State, StateChanged
from framework.feed.feed import Feed
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import COLUMNS, Standing
from framework.market.live import Candle
from framework.records import Kind
from framework.session.clock import LoopClock
from framework.session.journal import FILE, read_journal
from framework.session.record import read_record
from framework.session.session import Command, Ending, Session, Terms
from framework.session.state import FOLDER, SessionState
from framework.session.voice import Voice
from framework.types import SECOND_NS

HOUR = 3_600.0


class Script(Feed):
    """Tells what it is given at its moments, in seconds after the first bar's open."""

    def __init__(self, clock: LoopClock, open_ns: int, script) -> None:
        self._clock, self._open_ns = clock, open_ns
        self._script = sorted(script, key=lambda item: item[0])

    @property
    def now_ns(self) -> int:
        return self._clock.now_ns()

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return

    async def next(self):
        if not self._script:
            return None
        at, event = self._script[0]
        wait_s = (self._open_ns - self._clock.now_ns()) / SECOND_NS + at
        if wait_s > 0:
            await self._clock.sleep(wait_s)
        self._script.pop(0)
        if isinstance(event, Exception):
            raise event
        return event


class Ear(Voice):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.late: list[float] = []
        self.acted_at: list[int] = []

    def said(self, line: str) -> None:
        self.lines.append(line)

    def acted(self, acted, late_ns: int) -> None:
        self.acted_at.append(acted.time)
        self.late.append(late_ns / SECOND_NS)


class World:
    """Candles of the simulated market, and a session that hears of them as a test says."""

    def __init__(self, directory: Path, bars: int = 48) -> None:
        self.pipeline, self.candles, self.first = build("cross")
        self.bars = bars
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.open_ns = int(self.candles.time[self.first])
        self.ear = Ear()

    def closed(self, bar: int, pair: int, after_s: float = 1.0, at: float | None = None):
        t = self.first + bar
        values = [float(getattr(self.candles, name)[t, pair]) for name in COLUMNS]
        candle = Candle(PAIRS[pair], int(self.candles.time[t]), *values)
        standing = Standing(int(self.candles.standing[t, pair]))
        moment = (bar + 1) * HOUR + after_s if at is None else at
        return moment, CandleClosed(candle, standing)

    def all_closed(self):
        return [self.closed(bar, pair) for bar in range(self.bars) for pair in range(len(PAIRS))]

    def live(self):
        return [(0.0, StateChanged(State.LIVE, ""))]

    def run(self, script, commands=(), bars: int | None = None, voices=(), **terms):
        async def play():
            clock = LoopClock(self.open_ns)
            state = SessionState(
                self.directory, self.pipeline, self.candles[: self.first], lambda v: None, 10
            )
            feed = Script(clock, self.open_ns, script)
            given = {"wait_s": 10.0, "late_s": 10.0, "bars": bars, **terms}
            session = Session(state, feed, clock, Terms(**given), voices or [self.ear])

            async def speak():
                for at, command in sorted(commands, key=lambda item: item[0]):
                    wait_s = (self.open_ns - clock.now_ns()) / SECOND_NS + at
                    await clock.sleep(max(wait_s, 0.0))
                    session.tell(command)

            speaking = asyncio.create_task(speak())
            try:
                return await session.run(), state.bars
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
                state.close()

        return run_virtual(play())

    @property
    def record(self):
        return read_record(self.directory / FOLDER)

    @property
    def bars_of_journal(self):
        entries = read_journal(self.directory / FILE)
        return [entry.values for entry in entries if entry.kind == "bar"]


def test_candles_as_they_close_are_the_backtest(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    ending, bars = world.run([*world.live(), *world.all_closed()])
    assert (ending, bars) == (Ending.RANGE, 48)
    candles = world.candles[: world.first + 48]
    whole = world.pipeline.trade(candles, world.first).simulation
    assert np.array_equal(world.record[1], whole.events)
    assert world.ear.late == [1.0] * 48


def test_it_stops_after_so_many_bars_over_all_its_runs(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    script = [*world.live(), *world.all_closed()]
    ending, bars = world.run(script, [(20.5 * HOUR, Command.INTERRUPT)], bars=30)
    assert (ending, bars) == (Ending.INTERRUPTED, 20)
    ending, bars = world.run(script, bars=30)
    assert (ending, bars) == (Ending.BARS, 30)
    whole = world.pipeline.trade(world.candles[: world.first + 30], world.first).simulation
    assert np.array_equal(world.record[1], whole.events)


def test_a_late_pair_is_waited_for_then_marked(tmp_path: Path) -> None:
    world = World(tmp_path / "run", bars=12)
    script = [*world.live(), *world.all_closed()]
    script.remove(next(item for item in script if item == world.closed(3, 1)))
    script.append(world.closed(3, 1, after_s=9.0))  # within the bound
    script.remove(next(item for item in script if item == world.closed(6, 1)))
    script.append(world.closed(6, 1, after_s=15.0))  # beyond it
    world.run(script)
    standings = [bar["standing"] for bar in world.bars_of_journal]
    assert standings[3][1] != Standing.MISSING
    assert standings[6][1] == Standing.MISSING
    assert [world.ear.late[3], world.ear.late[6]] == [9.0, 11.0]
    closes = [bar["candles"][1][3] for bar in world.bars_of_journal]
    assert closes[6] == closes[5]
    assert closes[7] == float(world.candles.close[world.first + 7, 1])
    assert sum("ADA-AUD did not come within 10 s" in line for line in world.ear.lines) == 1
    assert sum("came after its bar had been acted on" in line for line in world.ear.lines) == 1


def test_nothing_is_marked_while_the_connection_is_lost(tmp_path: Path) -> None:
    world = World(tmp_path / "run", bars=6)
    script = [*world.live(), *world.all_closed()]
    script.remove(next(item for item in script if item == world.closed(2, 1)))
    script += [(3 * HOUR + 0.5, StateChanged(State.LOST, "silent"))]
    script += [(3 * HOUR + 600, StateChanged(State.LIVE, "")), world.closed(2, 1, 601.0)]
    world.run(script)
    assert all(Standing.MISSING not in bar["standing"] for bar in world.bars_of_journal[:3])
    assert world.ear.late[2] == 601.0


def test_missed_bars_are_caught_up_without_orders_in_the_past(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    back = 30 * HOUR + 120.0  # away from bar 10 on; back two minutes into bar 30
    script = [*world.live()]
    for bar in range(48):
        for pair in range(len(PAIRS)):
            late = 10 <= bar < 30
            script.append(world.closed(bar, pair, at=back + bar * 0.001 if late else None))
    world.run(script)
    standings = np.array([bar["standing"] for bar in world.bars_of_journal])
    # Bar 10 opened in time, its close came too late for bar 11 and all up to bar 30, in which the
    # session was back: what was decided then waits for bar 31.
    assert (standings[:11] != Standing.MISSING).all()
    assert (standings[11:31] == Standing.MISSING).all()
    assert (standings[31:] != Standing.MISSING).all()
    _, events = world.record
    filled = events[events["kind"] == Kind.FILLED]["time"]
    hours = (filled - world.open_ns) / SECOND_NS / HOUR
    assert not np.any((hours >= 11) & (hours < 31))
    assert world.ear.lines == ["caught up with 19 bars; nothing was filled in them"]
    seen = [bar["candles"][0][3] for bar in world.bars_of_journal]
    assert seen == world.candles.close[world.first : world.first + 48, 0].tolist()


def test_paused_it_opens_nothing_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    commands = [(5.5 * HOUR, Command.PAUSE), (40.5 * HOUR, Command.GO_ON)]
    world.run([*world.live(), *world.all_closed()], commands)
    _, events = world.record
    bought = events[(events["kind"] == Kind.DECIDED) & (events["side"] > 0)]["time"]
    hours = (bought - world.open_ns) / SECOND_NS / HOUR
    assert not np.any((hours >= 5) & (hours < 40))
    assert world.ear.lines == ["paused: nothing is opened", "trades again"]


def test_told_to_stop_it_ends_for_good(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    script = [*world.live(), *world.all_closed()]
    ending, bars = world.run(script, [(7.5 * HOUR, Command.STOP)])
    assert (ending, bars) == (Ending.TOLD, 7)
    last = read_journal(tmp_path / "run" / FILE)[-1]
    assert (last.kind, last.values["reason"]) == ("end", "told to stop")


def test_a_feed_that_cannot_go_on_ends_it_with_its_line(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    fault = OutsideFault("exchange x: declines.")
    with pytest.raises(OutsideFault, match="exchange x: declines"):
        world.run([*world.live(), *world.all_closed()[:9], (5 * HOUR, fault)])
    assert len(world.bars_of_journal) == 4


def test_a_voice_that_raises_is_left_out_and_the_session_goes_on(tmp_path: Path) -> None:
    class Broken(Voice):
        def acted(self, acted, late_ns: int) -> None:
            raise RuntimeError("no breath")

    world = World(tmp_path / "run")
    ending, bars = world.run([*world.live(), *world.all_closed()], voices=[Broken(), world.ear])
    assert (ending, bars) == (Ending.RANGE, 48)
    assert world.ear.lines == ["Broken failed and hears no more: RuntimeError('no breath')"]
    assert len(world.ear.acted_at) == 48
