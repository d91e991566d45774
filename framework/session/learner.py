"""Trains a session's model anew beside it, and says when the new one takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from framework.errors import FrameworkError
from framework.market.candles import COLUMNS, Candles
from framework.market.resample import resample
from framework.session.apart import Apart
from framework.session.drift import Reference, drift
from framework.session.learning import DRIFT, Learning
from framework.session.model_age import ModelAge
from framework.session.retraining import (
    SAID,
    Job,
    Verdict,
    begin,
    folder_of,
    has_verdict,
    read_verdict,
    verdicts_of,
    write_verdict,
)
from framework.session.state import SessionState
from framework.types import SECOND_NS

FOLDER = "learning"
"""Of a run's directory: one folder for each retraining."""


@dataclass(frozen=True, slots=True)
class Running:
    """A model of the session.

    Parameters
    ----------
    place : str
        Its directory among the session's models.
    start_ns, until_ns : int
        Open times [start, until) of the bars it learned from, UTC.
    from_ns : int
        Open time of the first bar it predicts.
    """

    place: str
    start_ns: int
    until_ns: int
    from_ns: int


class Learner:
    """Knows when a retraining is due, starts it, and tells what came of it.

    When one is due, what it learns from and its seed follow from the bars and the retrainings
    before: one that a kill cut short is begun again, alike, where the session goes on.

    Parameters
    ----------
    learning : Learning
    directory : Path
        Of the run.
    state : SessionState
        Of the session.
    begun_with : sequence of Running
        The models that the session began with.
    past : Candles, optional
        (T, N) of the strategy's interval before the warm-up.
    seed : int
        Of the session.
    module : str
        That trains, given the folder of a retraining; see `Apart`.

    Raises
    ------
    OutsideFault
        What is known of earlier retrainings cannot be read.
    """

    def __init__(
        self,
        learning: Learning,
        directory: Path,
        state: SessionState,
        begun_with: Sequence[Running],
        past: Candles | None,
        seed: int,
        module: str,
    ) -> None:
        self._learning = learning
        self._folder = directory / FOLDER
        self._state = state
        self._begun_with = tuple(begun_with)
        self._past = past
        self._seed = seed
        self._module = module
        self._interval = state.pipeline.plan.interval
        self._verdicts = verdicts_of(self._folder)
        self._last_ns = self._verdicts[-1].end_ns if self._verdicts else None
        self._job: Job | None = None
        self._process: Apart | None = None
        self._under_way = asyncio.Event()
        self._reference: tuple[str, Reference] | None = None
        self._drift: float | None = None
        taken = {str(swap["model"]) for swap in state.swaps}
        newest = self._verdicts[-1:]
        self._waiting = [one for one in newest if one.model and one.model not in taken]

    @property
    def holds(self) -> bool:
        """Whether the session is to stand still until `next` returns."""
        return self._learning.wait and (self._job is not None or bool(self._waiting))

    @property
    def running(self) -> Running:
        """The model that predicts the next bar."""
        if self._state.swaps:
            swap = self._state.swaps[-1]
            spans = (int(swap[name]) for name in ("start_ns", "until_ns", "from_ns"))
            return Running(str(swap["model"]), *spans)
        begun = [one for one in self._begun_with if one.from_ns <= self._state.next_ns]
        return begun[-1]

    @property
    def age(self) -> ModelAge:
        """How old that model is."""
        running = self.running
        age_ns = self._state.next_ns - running.until_ns
        bars = age_ns // self._interval.ns
        return ModelAge(running.place, running.until_ns, age_ns, bars, self._drift)

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """What came of each retraining so far."""
        return self._verdicts

    def look(self) -> str | None:
        """Begin a retraining where one is due; return a line about it. To be called at each bar."""
        now_ns = self._state.next_ns
        if self._learning.retrain is None or self._interval.floor(now_ns) != now_ns:
            return None
        if self._job is not None or self._waiting:
            return None
        why = self._due(now_ns)
        if why is None:
            return None
        self._last_ns = now_ns
        try:
            return self._begin(now_ns, why)
        except (FrameworkError, OSError) as fault:
            self._job = None
            return f"retraining: could not be begun ({fault})"

    async def next(self) -> Verdict:
        """Wait for the end of a retraining, as long as there is none too; say what came of it."""
        if self._waiting:
            return self._waiting.pop()
        await self._under_way.wait()
        process, job = self._process, self._job
        assert process is not None and job is not None  # noqa: S101 - it is under way
        fault = await asyncio.to_thread(process.wait)
        self._under_way.clear()
        self._process = self._job = None
        verdict = self._verdict(job, fault)
        self._verdicts.append(verdict)
        return verdict

    def swap_of(self, verdict: Verdict) -> dict[str, Any]:
        """Return what the journal is told of a model that takes over with the next decision."""
        return {
            "model": verdict.model,
            "sha256": verdict.sha256,
            "number": len(self._begun_with) + verdict.number,
            "start_ns": verdict.start_ns,
            "until_ns": verdict.until_ns,
            "from_ns": self._interval.floor(self._state.next_ns),
        }

    def close(self) -> None:
        """Give up what is under way."""
        if self._process is not None:
            self._process.end()

    def _due(self, now_ns: int) -> str | None:
        """Return why a retraining is due, None where it is not."""
        learning, interval = self._learning, self._interval
        first_ns = self._state.trader.history.first_ns
        behind_ns = now_ns - self.running.until_ns
        every_ns = learning.every_ns(interval)
        if every_ns is not None:
            last_ns = first_ns if self._last_ns is None else self._last_ns
            due = now_ns - last_ns >= every_ns and behind_ns >= learning.judge_ns(interval)
            return f"every {learning.retrain}" if due else None
        if (now_ns - first_ns) // interval.ns % learning.drift_bars:
            return None
        self._drift = self._measured()
        if self._last_ns is not None and now_ns - self._last_ns < learning.judge_ns(interval):
            return None
        due = behind_ns >= learning.judge_ns(interval) and self._drift >= learning.drift_limit
        return f"{DRIFT} of {self._drift:.3f}" if due else None

    def _begin(self, now_ns: int, why: str) -> str:
        learning, interval = self._learning, self._interval
        number = self._verdicts[-1].number + 1 if self._verdicts else 1
        until_ns = now_ns - learning.judge_ns(interval)
        candles = self._candles()
        warm_ns = until_ns - learning.window.ns - self._state.pipeline.plan.warmup * interval.ns
        candles = candles.between(warm_ns, now_ns)
        self._job = Job(
            number=number,
            seed=seed_of(self._seed, number),
            start_ns=max(until_ns - learning.window.ns, int(candles.time[0])),
            until_ns=until_ns,
            end_ns=now_ns,
            running=self.running.place,
            candles=candles.digest,
        )
        place = begin(self._folder, self._job, candles)
        self._process = Apart(
            self._module, [str(place)], place / SAID, learning.timeout.ns / SECOND_NS
        )
        self._under_way.set()
        return f"retraining {number} begins ({why}); {self.age}"

    def _verdict(self, job: Job, fault: str | None) -> Verdict:
        """Return what came of a retraining that has ended, one way or another."""
        place = folder_of(self._folder, job.number)
        if fault is None and has_verdict(place):
            try:
                return read_verdict(place)
            except (FrameworkError, ValueError, TypeError) as damaged:
                fault = f"left a verdict that cannot be read: {damaged}"
        line = f"retraining {job.number} {fault or 'left no verdict'}; {job.running} stays"
        verdict = Verdict.failed(job, line)
        try:
            write_verdict(place, verdict)
        except FrameworkError as second:
            return replace(verdict, line=f"{line} ({second})")
        return verdict

    def _candles(self) -> Candles:
        """Return all candles of the strategy's interval."""
        own = resample(self._state.trader.history.candles, self._interval)
        return own if self._past is None else joined(self._past, own)

    def _measured(self) -> float:
        """Return how far the newest inputs are from those that the running model learned from."""
        running, plan = self.running, self._state.pipeline.plan
        candles = self._candles()
        if self._reference is None or self._reference[0] != running.place:
            seen = plan.inputs(candles)
            first, end = np.searchsorted(candles.time, [running.start_ns, running.until_ns])
            if first == end:  # it learned elsewhere
                first_ns = self._state.trader.history.first_ns
                first, end = 0, np.searchsorted(candles.time, first_ns)
            self._reference = running.place, Reference.of(seen[:, int(first) : int(end)])
        newest = candles[-(plan.warmup + self._learning.judge_bars) :]
        return drift(self._reference[1], plan.inputs(newest)[:, -self._learning.judge_bars :])


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a session's retraining, 0 for its first model."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def joined(past: Candles, candles: Candles) -> Candles:
    """Return candles and those that follow them as one; what both have is taken from the latter."""
    past = past.between(int(past.time[0]), int(candles.time[0])) if len(candles) else past
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(past, name), getattr(candles, name)])
        for name in (*COLUMNS, "standing")
    }
    time = np.concatenate([past.time, candles.time])
    return Candles(candles.pairs, candles.interval, time, **columns)
