"""When a retraining is due, what it is given, and what is made of every way in which it can end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_trader import RULES, bars_of, build

from framework.learning.schedule import Schedule, Stage
from framework.session.drift import Reference, drift
from framework.session.learner import FOLDER, Learner, Running, joined, seed_of
from framework.session.learning import Learning
from framework.session.retraining import SAID, read_job
from framework.session.state import SessionState
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import Interval

HOUR_NS = 3_600_000_000_000
MODULES = {
    "gives_a_model": (
        "import sys\n"
        "from pathlib import Path\n"
        "from framework.session.retraining import Verdict, read_job, write_verdict\n"
        "place = Path(sys.argv[1])\n"
        "job, candles = read_job(place)\n"
        "spans = dict(start_ns=job.start_ns, until_ns=job.until_ns, end_ns=job.end_ns)\n"
        "name = f'retrained_{job.number:04d}'\n"
        "write_verdict(place, Verdict(number=job.number, line=f'{len(candles)} bars', model=name,\n"
        "    sha256='0', **spans))\n"
    ),
    "fails": "import sys\nprint('model: the data is of no use.', file=sys.stderr)\nsys.exit(2)\n",
    "hangs": "import time\ntime.sleep(600)\n",
    "dies": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "forgets": "",
}


@pytest.fixture(autouse=True)
def modules(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("modules")
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))


class Silent:
    """A model that predicts nothing."""

    def predict(self, inputs_NTF, first: int):
        return {}


class World:
    """A session whose bars a test acts on, with a model that no rule names."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        pipeline, self.candles, self.first = build("cross")
        first_stage = Stage(1, 0, 1, Silent())
        rules = StrategySpec(name="own", interval=Interval.parse("1h"), **RULES["cross"])
        inputs = {"size": "abs(log_returns(close))", "side": "close / open - 1"}
        plan = compile_strategy(rules, {}, inputs=inputs)
        self.pipeline = replace(pipeline, plan=plan, schedule=Schedule((), (first_stage,)))
        self.open_ns = int(self.candles.time[self.first])
        self.bars = bars_of(self.candles, self.first)
        self.state = SessionState(
            directory,
            self.pipeline,
            self.candles[: self.first],
            lambda swap: Stage(swap["number"], swap["start_ns"], swap["from_ns"], Silent()),
            1_000,
        )

    def learner(self, module: str = "gives_a_model", until: int = -100, **settings) -> Learner:
        own = {"retrain": 20, "window": Interval.parse("30h"), "judge_bars": 10, **settings}
        until_ns = self.open_ns + until * HOUR_NS
        from_ns = self.open_ns - 100 * HOUR_NS
        begun = Running("model_1", until_ns - 50 * HOUR_NS, until_ns, from_ns)
        return Learner(Learning(**own), self.directory, self.state, [begun], None, 7, module)

    def live(self, learner: Learner, bars: int) -> list[int]:
        """Act on so many bars; return after how many of them a retraining began."""
        begun = []
        for _ in range(bars):
            self.state.act(self.bars[self.state.bars], 0)
            if learner.look():
                begun.append(self.state.bars)
        return begun

    def __enter__(self):
        return self

    def __exit__(self, *raised) -> None:
        self.state.close()


def ended(learner: Learner):
    async def wait():
        try:
            return await asyncio.wait_for(learner.next(), 60)
        finally:
            learner.close()

    return asyncio.run(wait())


def test_it_is_given_what_came_before_the_judged_bars(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner()
        assert world.live(learner, 25) == [20]
        job, candles = read_job(world.directory / FOLDER / "0001")
        end_ns = world.open_ns + 20 * HOUR_NS
        assert (job.end_ns, job.until_ns) == (end_ns, end_ns - 10 * HOUR_NS)
        first_ns = int(world.candles.time[0])
        assert job.start_ns == max(first_ns, end_ns - 40 * HOUR_NS)
        assert int(candles.time[-1]) == end_ns - HOUR_NS
        assert (job.number, job.seed, job.running) == (1, seed_of(7, 1), "model_1")
        verdict = ended(learner)
        assert verdict.line == f"{len(candles)} bars"
        swap = learner.swap_of(verdict)
        assert swap["from_ns"] == world.open_ns + 25 * HOUR_NS
        assert (swap["model"], swap["number"]) == ("retrained_0001", 2)
        assert swap["until_ns"] == job.until_ns


def test_seeds_of_retrainings_differ_and_depend_on_nothing_else() -> None:
    seeds = [seed_of(seed, number) for seed in (7, 8) for number in range(5)]
    assert len(set(seeds)) == 10
    assert seeds[1] == seed_of(7, 1)


def test_the_judged_bars_must_lie_behind_what_the_running_model_learned(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(until=15)
        assert world.live(learner, 30) == [25]
        learner.close()


def test_a_length_counts_as_its_bars(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(retrain=Interval.parse("1d"))
        assert world.live(learner, 30) == [24]
        learner.close()


def test_nothing_is_trained_where_nothing_is_asked_for(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(retrain=None)
        assert world.live(learner, 60) == []
        age = learner.age
        assert (age.model, age.bars, age.age_ns) == ("model_1", 160, 160 * HOUR_NS)
        assert "160 bars ago (6 d 16.0 h)" in str(age)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("fails", "retraining 1 model: the data is of no use.; model_1 stays"),
        ("dies", "retraining 1 was killed by signal 9; model_1 stays"),
        ("forgets", "retraining 1 left no verdict; model_1 stays"),
        ("hangs", "retraining 1 was not done after 1 s; model_1 stays"),
    ],
)
def test_one_that_comes_to_nothing_is_told_and_forgotten(
    tmp_path: Path, module: str, says: str
) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(module, timeout=Interval.parse("1s"))
        assert world.live(learner, 20) == [20]
        verdict = ended(learner)
        assert (verdict.line, verdict.model) == (says, None)
        assert not (world.directory / FOLDER / "0001" / "candles.npz").exists()
        again = world.learner("hangs")  # as after a restart
        assert not again.holds
        assert world.live(again, 40) == [40]
        assert read_job(world.directory / FOLDER / "0002")[0].number == 2
        again.close()


def test_one_that_a_kill_cut_short_is_begun_again_alike(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner("hangs")
        assert world.live(learner, 20) == [20]
        learner.close()
        place = world.directory / FOLDER / "0001"
        before = read_job(place)[0]
        (place / "verdict.json.part").write_text("{")
        again = world.learner(wait=True)
        assert not place.exists()
        assert again.look() is not None
        assert again.holds
        assert read_job(place)[0] == before
        assert (place / SAID).exists()
        again.close()


def test_a_model_that_was_not_swapped_in_before_a_kill_is_so_after_it(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner()
        world.live(learner, 20)
        assert ended(learner).model == "retrained_0001"
        again = world.learner(wait=True)
        assert again.holds
        assert again.look() is None
        verdict = ended(again)
        assert verdict.model == "retrained_0001"
        values = json.loads(json.dumps(again.swap_of(verdict)))
        world.state.swap(values)
        assert not world.learner(wait=True).holds
        assert again.running == Running(
            "retrained_0001", verdict.start_ns, verdict.until_ns, world.open_ns + 20 * HOUR_NS
        )


def test_it_is_due_once_its_inputs_have_drifted(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(retrain="drift", drift_bars=8, drift_limit=1e-9, timeout="1h")
        # With so low a limit all looks find drift: the first one, and then the first after 10 bars.
        begun = world.live(learner, 8)
        assert begun == [8]
        seen = world.pipeline.plan.inputs(world.candles[: world.first + 8])
        by_hand = drift(Reference.of(seen[:, : world.first]), seen[:, -10:])
        assert learner.age.drift == pytest.approx(by_hand, rel=1e-12)
        assert ended(learner).number == 1
        assert world.live(learner, 20) == [24]
        learner.close()


def test_it_is_not_due_while_its_inputs_stay(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner(retrain="drift", drift_bars=8, drift_limit=100.0)
        assert world.live(learner, 40) == []
        assert 0.0 < learner.age.drift < 100.0


def test_where_it_cannot_be_begun_the_session_hears_of_it(tmp_path: Path) -> None:
    with World(tmp_path / "run") as world:
        learner = world.learner()
        (world.directory / FOLDER).write_text("in the way")
        for _ in range(19):
            world.state.act(world.bars[world.state.bars], 0)
            assert learner.look() is None
        world.state.act(world.bars[19], 0)
        assert "retraining: could not be begun" in str(learner.look())
        assert not learner.holds
        world.state.act(world.bars[20], 0)
        assert learner.look() is None


def test_candles_are_joined_without_any_twice() -> None:
    _, candles, _ = build("cross")
    whole = joined(candles[:30], candles[20:])
    assert whole.digest == candles.digest
    assert np.all(np.diff(whole.time) == HOUR_NS)
