"""What a monitor shows of a session is what the session did, whoever counted before."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest
from test_session import HOUR, Script, World
from test_trader import PAIRS

from framework.feed.events import CandleRevised, State, StateChanged
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import Standing
from framework.monitor.health import Health
from framework.monitor.metrics import Metrics
from framework.records import Kind, Reason, Watched
from framework.results.trades import trades_from_events
from framework.session.clock import LoopClock
from framework.session.monitoring import Monitoring
from framework.session.session import Command, Session, Terms
from framework.session.state import SessionState
from framework.types import SECOND_NS


class Shown:
    """A session that a monitor watched, and what it showed in the end."""

    def __init__(self, world: World, script, commands=(), bars=None, speed=1.0) -> None:
        run_virtual(self._play(world, script, commands, bars, speed))

    async def _play(self, world, script, commands, bars, speed) -> None:
        clock = LoopClock(world.open_ns)
        state = SessionState(
            world.directory, world.pipeline, world.candles[: world.first], lambda values: None, 10
        )
        self.health = Health(HOUR + 60, HOUR + 60, asyncio.get_running_loop().time)
        self.metrics = Metrics(Watched(bar_s=1, decision_s=1, version="", about={}), self.health)
        voice = Monitoring(self.metrics, self.health, state, speed)
        self.begun = self.all()
        feed = Script(clock, world.open_ns, script)
        session = Session(state, feed, clock, Terms(wait_s=10, late_s=10, bars=bars), [voice])

        async def speak() -> None:
            for at, command in commands:
                wait_s = (world.open_ns - clock.now_ns()) / SECOND_NS + at
                await clock.sleep(max(wait_s, 0.0))
                session.tell(command)
                await asyncio.sleep(0.001)
                self.spoken = self.all()

        speaking = asyncio.create_task(speak())
        try:
            await session.run()
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            self.account = state.trader.account
            self.journal_size = state.journal.size
            self.told = self.health.told()
            state.close()

    def all(self) -> dict:
        """Return every sample of the framework's own, by name and labels."""
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name.startswith("framework_")
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"framework_{name}", labels)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "run", bars=120)


def test_figures_are_those_of_account_and_ledger(world):
    shown = Shown(world, [*world.live(), *world.all_closed()])
    bars, events = world.record
    wallet, held = shown.account["wallet"][0], shown.account["positions"][0]
    close = np.asarray(world.candles.close[world.first : world.first + 120])
    time = np.asarray(world.candles.time[world.first : world.first + 120])
    trades = trades_from_events(events, close, time, int(HOUR * SECOND_NS))
    closed = trades[~trades["open"]]
    assert len(closed) > 5 and {True, False} == set((closed["pnl"] > 0).tolist())

    assert shown.value("equity") == bars["equity"][-1]
    assert shown.value("cash") == float(wallet["cash"])
    assert shown.value("realised_profit") == pytest.approx(closed["pnl"].sum(), abs=1e-7)
    assert shown.value("open_trades") == np.count_nonzero(trades["open"])
    assert shown.value("closed_trades_total", result="win") == np.count_nonzero(closed["pnl"] > 0)
    assert shown.value("closed_trades_total", result="loss") == np.count_nonzero(closed["pnl"] <= 0)
    for n, pair in enumerate(PAIRS):
        units = float(held["units"][n])
        assert shown.value("position_units", pair=pair) == units
        assert shown.value("position_value", pair=pair) == units * close[-1, n]
    filled = events[events["kind"] == Kind.FILLED]
    assert shown.value("fills_total") == len(filled)
    assert shown.value("fees_total") == pytest.approx(filled["fee"].sum(), rel=1e-12)
    vetoed = Counter(events[events["kind"] == Kind.VETOED]["reason"].tolist())
    assert vetoed
    for reason, count in vetoed.items():
        assert shown.value("vetoes_total", reason=Reason(reason).name.lower()) == count
    peak = np.maximum.accumulate([10_000.0, *bars["equity"].tolist()])
    assert shown.value("drawdown_ratio") == 1.0 - bars["equity"][-1] / peak[-1]


def test_bars_decisions_and_their_delays_are_counted(world):
    shown = Shown(world, [*world.live(), *world.all_closed()])
    assert shown.value("bars_total") == 120
    assert shown.value("decision_delay_seconds_count") == 120
    assert shown.value("decision_delay_seconds_sum") == 120.0  # each a second after its close
    assert shown.value("decision_delay_seconds_bucket", le="1.0") == 120
    assert shown.value("decision_delay_seconds_bucket", le="0.5") == 0
    assert shown.value("decision_latency_seconds_count") == 120
    assert shown.value("journal_bytes") == shown.journal_size > 0
    assert shown.told["bars"] == 120
    assert shown.told["candle_age_seconds"] == 1.0


def test_a_session_that_goes_on_shows_what_one_never_interrupted_does(world, tmp_path):
    script = [*world.live(), *world.all_closed()]
    Shown(world, script, [(70.5 * HOUR, Command.INTERRUPT)])
    second = Shown(world, script)
    whole = Shown(World(tmp_path / "whole", bars=120), script).all()
    kept = [
        key
        for key in whole
        if key[0].removeprefix("framework_").split("_")[0]
        in ("equity", "cash", "drawdown", "realised", "position", "open", "closed", "fills")
        or key[0] in ("framework_bars_total", "framework_vetoes_total")
    ]
    assert len(kept) > 12
    assert {key: second.all()[key] for key in kept} == {key: whole[key] for key in kept}
    assert second.value("fees_total") == pytest.approx(whole[("framework_fees_total",)], rel=1e-12)
    assert second.begun[("framework_bars_total",)] == 70
    assert second.told["bars"] == 120


def test_what_did_not_come_is_missing_and_waiting_for_it_is_no_latency(tmp_path):
    world = World(tmp_path / "run", bars=12)
    script = [*world.live(), *world.all_closed()]
    script.remove(next(item for item in script if item == world.closed(6, 1)))
    shown = Shown(world, script)
    standing = world.candles.standing[world.first : world.first + 12].copy()
    standing[6, 1] = Standing.MISSING
    for each in Standing:
        shown_so = shown.value("candles_total", standing=each.name.lower())
        assert shown_so == np.count_nonzero(standing == each)
    assert shown.value("bars_total") == 12
    assert shown.value("decision_latency_seconds_count") == 11
    assert shown.value("decision_delay_seconds_sum") == 11 * 1.0 + 11.0


def test_bars_caught_up_after_an_outage_are_not_missing(tmp_path):
    world = World(tmp_path / "run", bars=12)
    outage = [(at, event) for at, event in world.all_closed() if at < 3 * HOUR + 2]
    later = [(9 * HOUR, event) for at, event in world.all_closed() if 3 * HOUR + 2 < at < 9 * HOUR]
    shown = Shown(world, [*world.live(), *outage, *later], bars=8)
    assert [bar["standing"] for bar in world.bars_of_journal][5] == [Standing.MISSING] * 2
    assert shown.value("candles_total", standing="missing") == 0
    assert sum(shown.value("candles_total", standing=s.name.lower()) for s in Standing) == 16


def test_a_connection_that_was_lost_and_came_back_is_one_reconnect(tmp_path):
    world = World(tmp_path / "run", bars=6)
    script = [*world.live(), *world.all_closed()]
    script += [(2.5 * HOUR, StateChanged(State.LOST, "closed by the exchange"))]
    script += [(2.5 * HOUR + 5, StateChanged(State.CONNECTING, ""))]
    script += [(2.5 * HOUR + 6, StateChanged(State.LIVE, ""))]
    shown = Shown(world, script)
    assert shown.value("feed_reconnects_total") == 1
    assert shown.value("feed_state", state="live") == 1
    assert shown.value("feed_state", state="lost") == 0
    assert shown.told["feed"] == "live"
    error = shown.told["last_error"]
    assert error["line"] == "feed: lost closed by the exchange"
    assert error["age_seconds"] == pytest.approx(3.5 * HOUR + 1)


def test_a_feed_that_stays_lost_is_shown_as_such(tmp_path):
    world = World(tmp_path / "run", bars=2)
    lost = (2.5 * HOUR, StateChanged(State.LOST, "silent"))
    shown = Shown(world, [*world.live(), *world.all_closed(), lost])
    assert shown.value("feed_state", state="lost") == 1
    assert shown.value("feed_state", state="live") == 0
    assert shown.value("feed_reconnects_total") == 0


def test_revised_candles_are_counted_and_not_taken_for_bars(tmp_path):
    world = World(tmp_path / "run", bars=4)
    _, event = world.closed(1, 0)
    revised = (2.5 * HOUR, CandleRevised(event.candle, event.candle))
    shown = Shown(world, [*world.live(), *world.all_closed(), revised])
    assert shown.value("revised_candles_total") == 1
    assert shown.value("bars_total") == 4


def test_a_pause_is_shown_at_once(tmp_path):
    world = World(tmp_path / "run", bars=4)
    pause, go_on = (1.5 * HOUR, Command.PAUSE), (2.5 * HOUR, Command.GO_ON)
    script = [*world.live(), *world.all_closed()]
    assert Shown(world, script, [pause]).spoken[("framework_paused",)] == 1
    again = World(tmp_path / "again", bars=4)
    shown = Shown(again, script, [pause, go_on])
    assert shown.spoken[("framework_paused",)] == 0
    assert shown.told["paused"] is False


def test_a_delay_of_played_time_is_as_short_as_it_is_played(tmp_path):
    world = World(tmp_path / "run", bars=2)
    # A second after the close, at a thousand times the pace: a millisecond of the wall.
    shown = Shown(world, [*world.live(), *world.all_closed()], speed=1_000.0)
    assert shown.told["candle_age_seconds"] == 0.001
    assert shown.value("decision_delay_seconds_sum") == 2.0
