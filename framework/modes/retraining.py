"""The process that trains a session's model anew, and judges it against the running one.

It is given the folder of a retraining inside the session's directory. What goes wrong is its last
line on standard error, and its exit code.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING

from framework.errors import FrameworkError, UserError
from framework.types import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.learning.labels import Label
    from framework.learning.model import Model
    from framework.learning.schedule import Stage
    from framework.market.candles import Candles
    from framework.modes.settings import Settings
    from framework.session.learning import Learning
    from framework.session.retraining import Job, Verdict
    from framework.strategy.plan import Plan

    Scores = Mapping[str, float | int | None]

_NICE = 10


def main() -> None:
    """Train as the folder named on the command line says, and leave a verdict there."""
    os.nice(_NICE)
    Thread(target=_end_with_session, daemon=True).start()
    try:
        retrain(Path(sys.argv[1]))
    except FrameworkError as fault:
        print(str(fault).replace("\n", " "), file=sys.stderr, flush=True)
        raise SystemExit(fault.exit_code) from None


def retrain(place: Path) -> Verdict:
    """Train, judge, keep the new model if it may take over, and write the verdict.

    Parameters
    ----------
    place : Path
        Folder of the retraining.

    Raises
    ------
    UserError
        There is too little to learn from.
    CheckFailed
        What is learned from looks ahead, or the loss is no number any more.
    OutsideFault
        A file is damaged or cannot be written.
    """
    from omegaconf import OmegaConf

    from framework.config.build import build, plain_tree
    from framework.disk import whole_folder
    from framework.learning.library import digest_of
    from framework.learning.model import Model
    from framework.modes.reading import compile_plan
    from framework.modes.session_files import MODELS
    from framework.modes.settings import Settings
    from framework.session.retraining import Verdict, read_job, write_verdict

    begun = perf_counter()
    directory = place.parents[1]
    config = plain_tree(OmegaConf.load(directory / "config" / "config.yaml"))  # type: ignore[arg-type]
    settings = build(config, Settings, tuple(config["plugins"]))
    model, plan = settings.model, compile_plan(settings)
    assert isinstance(model, Model)  # noqa: S101 - it is what is to be trained
    job, candles = read_job(place)
    stage = _fitted(settings, model, plan, job, candles)
    target = directory / MODELS / f"retrained_{job.number:04d}"
    shutil.rmtree(target, ignore_errors=True)  # of a retraining that was cut short
    with whole_folder(target) as beside:
        stage.trained.save(beside)
    seen = _Seen(settings, model, plan, job, candles)
    scores = seen.scores(target)
    running = seen.scores(directory / MODELS / job.running)
    line, better = decided(settings.learning, model.label, job, scores, running)
    if not better:
        shutil.rmtree(target)
    verdict = Verdict(
        number=job.number,
        start_ns=job.start_ns,
        until_ns=job.until_ns,
        end_ns=job.end_ns,
        line=f"retraining {job.number}, {perf_counter() - begun:.1f} s: {line}",
        model=target.name if better else None,
        sha256=digest_of(target) if better else None,
        scores=scores,
        running_scores=running,
    )
    write_verdict(place, verdict)
    return verdict


def _fitted(settings: Settings, model: Model, plan: Plan, job: Job, candles: Candles) -> Stage:
    """Return the new model."""
    import numpy as np

    from framework.backtest.folds import Folds
    from framework.learning.workshop import Workshop
    from framework.records import Part

    start, until = np.searchsorted(candles.time, [job.start_ns, job.until_ns]).tolist()
    if start >= until:
        raise UserError(
            f"learning.window: there are no candles before {format_time(job.until_ns)} to learn "
            "from."
        )
    folds = Folds(model, plan, candles, (Part(job.number, "train", start, until),))
    data = folds.data()
    folds.require_causal(data, np.random.default_rng(job.seed))
    schedule = folds.fit(
        data,
        lambda fold: Workshop(training=settings.training, seed=job.seed, say=print),
    )
    return schedule.stages[0]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What models are judged on: the bars after those that the new one learned from."""

    settings: Settings
    model: Model
    plan: Plan
    job: Job
    candles: Candles

    def scores(self, place: Path) -> Scores:
        """Return how well a saved model predicts them."""
        import numpy as np

        from framework.learning.judge import Evidence, judge
        from framework.learning.schedule import Schedule, Stage

        job, candles = self.job, self.candles
        stage = Stage(job.number, job.start_ns, job.until_ns, self.model.load(place))
        schedule = Schedule(self.model.outputs, (stage,), self.model.sees)
        first = int(np.searchsorted(candles.time, job.until_ns))
        inputs_NTF = self.plan.inputs(candles)
        evidence = Evidence(
            model=self.model,
            schedule=schedule,
            candles=candles,
            names=tuple(self.plan.seen),
            inputs_NTF=inputs_NTF,
            predicted=schedule.predict(inputs_NTF, candles.time, first),
            first=first,
            parts=(),
            fee=self.settings.exchange.taker_fee_bps / 1e4,
        )
        return judge(evidence, np.random.default_rng(job.seed), samples=0).metrics()


def decided(
    learning: Learning, label: Label | None, job: Job, scores: Scores, running: Scores
) -> tuple[str, bool]:
    """Return the verdict in words, and whether the new model takes over.

    Parameters
    ----------
    learning : Learning
    label : Label or None
        What both predict.
    job : Job
    scores, running : mapping of str to number
        Of the new model and of the running one, over the same bars.
    """
    from framework.results.gate import SMALLER_IS_BETTER, shortfalls

    stays = f"{job.running} stays"
    if label is None:
        if scores["model_samples"]:
            return "takes over, having no label to be judged by", True
        return f"predicts nothing; {stays}", False
    name = learning.score_of(label)
    new, old = _number(scores.get(name)), _number(running.get(name))
    told = (
        f"{name} {new:.6g} against {old:.6g} of {job.running} over "
        f"{scores['model_samples']:,} samples from {format_time(job.until_ns)} on"
    )
    if math.isnan(new) or (new > old if name in SMALLER_IS_BETTER else new < old):
        return f"{told}; {stays}", False
    if short := shortfalls(learning.gate, scores):
        return f"{told}, but learning.{short[0].rstrip('.')}; {stays}", False
    return f"{told}; takes over", True


def _number(value: float | int | None) -> float:
    return math.nan if value is None else float(value)


def _end_with_session() -> None:
    """End at once when the session does, which holds the other end of standard input."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
