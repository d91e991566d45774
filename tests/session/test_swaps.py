"""Models that take over while candles come in: from the next decision on, then and in a replay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
from test_session import Ear, Script
from test_trader import PAIRS, build

from framework.errors import OutsideFault
from framework.feed.events import CandleClosed, State, StateChanged
from framework.learning.schedule import Schedule, Stage
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import COLUMNS, Standing
from framework.market.live import Candle
from framework.records import Kind
from framework.session.clock import LoopClock
from framework.session.folding import fold, inputs_of
from framework.session.history import History
from framework.session.journal import FILE, read_journal
from framework.session.model_age import ModelAge
from framework.session.record import read_record
from framework.session.retraining import Verdict
from framework.session.session import Command, Session, Terms
from framework.session.state import FOLDER, SessionState
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import SECOND_NS, Interval

HOUR = Interval.parse("1h")
QUARTER_S = 900.0
OFFERED = {1: 0.9, 2: 0.1, 3: 0.8}
"""What each model that takes over predicts, always; the first one says 0.2."""
ENDS_S = {1: 10.3 * QUARTER_S, 2: 33.7 * QUARTER_S, 3: 70.0 * QUARTER_S + 400}
"""When each is there, after the first bar's open."""


class Constant:
    """A model that predicts one number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, inputs_NTF, first: int):
        pairs, bars = inputs_NTF.shape[:2]
        return {"p_up": np.full((bars - first, pairs), self.value)}


class Offers:
    """A learner whose retrainings end when a test says; one that the journal has is not told."""

    holds = False

    def __init__(self, clock, open_ns: int, state: SessionState) -> None:
        self._clock, self._open_ns, self._state = clock, open_ns, state
        taken = len(state.swaps)
        self._left = [number for number in OFFERED if number > taken]

    def look(self) -> None:
        return None

    @property
    def age(self) -> ModelAge:
        return ModelAge("model", 0, self._state.next_ns, 1)

    async def next(self) -> Verdict:
        if not self._left:
            await asyncio.Event().wait()
        number = self._left[0]
        wait_s = (self._open_ns - self._clock.now_ns()) / SECOND_NS + ENDS_S[number]
        await self._clock.sleep(max(wait_s, 0.0))
        self._left.pop(0)
        return Verdict(
            number=number, start_ns=0, until_ns=0, end_ns=0, line="better", model=f"m{number}"
        )

    def swap_of(self, verdict: Verdict):
        from_ns = HOUR.floor(self._state.next_ns)
        return {"model": verdict.model, "number": verdict.number, "start_ns": 0, "from_ns": from_ns}

    def close(self) -> None:
        return None


class World:
    """A session that decides each hour on candles of a quarter, by a model's word."""

    def __init__(self, directory: Path) -> None:
        pipeline, self.candles, self.first = build("cross", "1h", "15m")
        spec = StrategySpec(name="own", interval=HOUR, enter="p_up > 0.5", exit="p_up < 0.5")
        inputs = {"moved": "close / open - 1"}
        plan = compile_strategy(spec, {}, model_outputs=("p_up",), inputs=inputs)
        schedule = Schedule(("p_up",), (Stage(0, 0, 0, Constant(0.2)),))
        self.pipeline = replace(pipeline, plan=plan, schedule=schedule)
        self.directory = directory
        directory.mkdir()
        self.open_ns = int(self.candles.time[self.first])
        self.ear = Voices()

    @staticmethod
    def stage_of(swap) -> Stage:
        number = swap["number"]
        return Stage(number, swap["start_ns"], swap["from_ns"], Constant(OFFERED[number]))

    def script(self):
        events = [(0.0, StateChanged(State.LIVE, ""))]
        for t in range(self.first, len(self.candles)):
            for n, pair in enumerate(PAIRS):
                values = [float(getattr(self.candles, name)[t, n]) for name in COLUMNS]
                standing = Standing(int(self.candles.standing[t, n]))
                candle = Candle(pair, int(self.candles.time[t]), *values)
                moment = (t - self.first + 1) * QUARTER_S + 1
                events.append((moment, CandleClosed(candle, standing)))
        return events

    def run(self, stop_s: float | None = None) -> SessionState:
        async def play():
            clock = LoopClock(self.open_ns)
            warmup = self.candles[: self.first]
            state = SessionState(self.directory, self.pipeline, warmup, self.stage_of, 20)
            feed = Script(clock, self.open_ns, self.script())
            terms = Terms(wait_s=10.0, late_s=10.0)
            learner = Offers(clock, self.open_ns, state)
            session = Session(state, feed, clock, terms, [self.ear], learner)

            async def stop():
                await clock.sleep(stop_s)
                session.tell(Command.INTERRUPT)

            stopping = None if stop_s is None else asyncio.create_task(stop())
            try:
                await session.run()
            finally:
                if stopping is not None:
                    await stopping
                state.close()
            return state

        return run_virtual(play())


class Voices(Ear):
    """Hears what was predicted, and how old the model is."""

    def __init__(self) -> None:
        super().__init__()
        self.predicted: dict[int, float] = {}
        self.ages = 0

    def acted(self, acted, late_ns: int) -> None:
        super().acted(acted, late_ns)
        if acted.decided:
            self.predicted[acted.time] = float(acted.predicted["p_up"][0])

    def aged(self, age: ModelAge) -> None:
        self.ages += 1


def test_each_predicts_from_the_next_decision_on(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    world.run()
    # 10.3 quarters: 10 have closed, the third hour ends with the twelfth; and so on.
    expected = {}
    for hour in range(len(world.ear.predicted)):
        model = sum(hour >= after for after in (2, 8, 17))
        closing = world.open_ns + (hour + 1) * HOUR.ns - HOUR.ns // 4
        expected[closing] = [0.2, 0.9, 0.1, 0.8][model]
    assert world.ear.predicted == expected
    assert len(expected) == 150 // 4
    assert world.ear.lines == ["better"] * 3
    assert world.ear.ages == 151


def test_the_replay_is_identical(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    state = world.run()
    history = History(world.candles[: world.first])
    inputs = inputs_of(read_journal(world.directory / FILE), PAIRS, history.interval)
    assert len(inputs.swaps) == 3
    stages = (*world.pipeline.schedule.stages, *map(world.stage_of, inputs.swaps))
    whole = replace(world.pipeline, schedule=Schedule(("p_up",), stages))
    folded = fold(whole, history, inputs).simulation
    bars, events = read_record(world.directory / FOLDER)
    assert folded.orders_hash == state.orders_hash
    assert np.array_equal(folded.events, events)
    assert np.array_equal(folded.equity, bars["equity"])
    sides = events[events["kind"] == Kind.DECIDED]["side"]
    assert {1, -1} <= set(sides.tolist())


def test_left_and_gone_on_with_it_is_the_same(tmp_path: Path) -> None:
    world = World(tmp_path / "run")
    whole = world.run().orders_hash
    again = World(tmp_path / "again")
    for hours in (1.5, 5.0, 9.5, 21.0):
        again.run(hours * 3_600)
    assert again.run().orders_hash == whole
    assert again.ear.predicted == world.ear.predicted


def test_one_that_is_damaged_does_not_take_over(tmp_path: Path) -> None:
    world = World(tmp_path / "run")

    def damaged(swap):
        raise OutsideFault("models/m1: is damaged.")

    world.stage_of = damaged
    world.run()
    assert world.ear.lines[:2] == ["better", "the model before stays: models/m1: is damaged."]
    assert set(world.ear.predicted.values()) == {0.2}
    assert not [e for e in read_journal(world.directory / FILE) if e.kind == "swap"]
