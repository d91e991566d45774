"""The one loop that fits networks: it owns order, rates, early stopping and what is kept.

Nothing about a training lies anywhere but in its `Position`, which is replaced as a whole after
each call; so it can be kept at any moment, and goes on from there with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from framework.errors import CheckFailed
from framework.learning.checkpoints import Checkpoint, Checkpoints
from framework.learning.course import Course
from framework.learning.epoch_log import EpochLog
from framework.learning.predictor import Predictor
from framework.learning.rows import Rows
from framework.learning.steps import (
    STEPS,
    Batches,
    State,
    arrays_of,
    part_of,
    state_of,
    steps_of,
    within_memory,
)
from framework.learning.task import Learned, Task
from framework.learning.training_data import Float32Array
from framework.learning.validation import validation_figures
from framework.learning.windows import gather
from framework.learning.workshop import Paused, Workshop
from framework.types import IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Position:
    """Where a training stands.

    Parameters
    ----------
    state : State
        Of network and optimiser.
    epoch, step : int
        Epochs that are over, and steps since.
    loss, weight : float
        Sums over those steps.
    course : Course
        Of the epochs that are over.
    best : tuple of arrays
        Weights of the best epoch; empty: there is none.
    log : mapping
        State of the log of epochs.
    ended : bool
        Whether there is nothing left to do.
    """

    state: State
    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    weight: float = 0.0
    course: Course = field(default_factory=Course)
    best: tuple[Any, ...] = ()
    log: Mapping[str, Any] = field(default_factory=lambda: EpochLog(None).state)
    ended: bool = False


class KerasTrainer:
    """Fits one network.

    Parameters
    ----------
    task : Task
        On what.
    workshop : Workshop
        Where and how.
    """

    def __init__(self, task: Task, workshop: Workshop) -> None:
        self._task = task
        self._workshop = workshop
        self._training = training = workshop.training
        with within_memory("the network"):
            self._steps = steps_of(task.blueprint)
            self._predictor = Predictor(steps_of(task.blueprint.to_predict()))
            shape = (training.batch, task.blueprint.window, task.blueprint.inputs)
            self._batches = Batches.of(STEPS, *shape)
        self._epoch_steps = -(-len(task.train) // training.batch)
        self._all_steps = training.epochs * self._epoch_steps
        directory = workshop.directory
        self._checkpoints = (
            Checkpoints(directory / "checkpoints", training.keep, workshop.say)
            if directory
            else None
        )
        self._kept_at = time.perf_counter()
        self._kept_ms: float | None = None
        self._log = EpochLog(directory)
        self._ordered = -1
        self._permutation: IntArray = np.empty(0, np.int64)

    def run(self) -> Learned:
        """Fit from the newest checkpoint, or from the beginning, to the end; see `Trainer`."""
        position = self._begun()
        try:
            with within_memory("training"):
                while not position.ended:
                    begun = time.perf_counter()
                    first = position.step
                    while position.step < self._epoch_steps:
                        position = self._after_call(position)
                        if self._is_due(position):
                            self._keep(position)
                        if self._workshop.time_is_up():
                            self._keep(position)
                            raise Paused
                    seconds = time.perf_counter() - begun
                    samples = (position.step - first) * self._training.batch
                    position = self._after_epoch(position, samples / seconds)
                    self._keep(position, best=position.course.best_epoch == position.epoch)
        except KeyboardInterrupt:
            self._keep(position)
            raise
        held = position.best or position.state.weights
        paths = [variable.path for variable in self._steps.network.model.trainable_variables]
        return Learned(held, {path: np.asarray(own) for path, own in zip(paths, held, strict=True)})

    def predict(self, weights: tuple[Any, ...], rows: Rows) -> Float32Array:
        """Return what the network predicts of some samples, (K, O)."""
        return self._predictor.predict(weights, self._task.scaled_NTF, rows)

    def _begun(self) -> Position:
        found = self._checkpoints.newest() if self._checkpoints else None
        if found is None:
            weights, others = self._steps.network.first_weights(self._workshop.seed)
            return Position(self._steps.state(self._task.begins_with or weights, others, None))
        self._task.refuse(found.state["identity"], self._task.identity, found.path)
        self._workshop.say(f"going on from {found.path}")
        return self._position(found)

    def _position(self, found: Checkpoint) -> Position:
        kept = found.state
        best = part_of(found.arrays, "best")
        self._log.restore(kept["log"])
        return Position(
            state_of(self._steps, found.arrays),
            **{name: kept[name] for name in ("epoch", "step", "loss", "weight", "ended")},
            course=Course.of(kept["course"]),
            best=self._steps.weights(best) if best else (),
            log=kept["log"],
        )

    def _after_call(self, position: Position) -> Position:
        """Return the position some steps later, all within the epoch."""
        training = self._training
        done = position.epoch * self._epoch_steps + position.step
        count = min(STEPS, self._epoch_steps - position.step)
        if training.checkpoint_steps:
            count = min(count, training.checkpoint_steps - done % training.checkpoint_steps)
        weighed = self._fill(position, count)
        rates = [position.course.rate(done + i, self._all_steps, training) for i in range(count)]
        self._batches.rates[:count] = rates
        state, losses = self._steps.run(position.state, self._batches, count)
        if not np.isfinite(losses).all():
            step = done + int(np.argmin(np.isfinite(losses))) + 1
            raise CheckFailed(
                f"model: the loss of step {step} is no number; "
                "lower training.learning_rate, or set training.clip_norm."
            )
        loss, weight = position.loss, position.weight
        for own, of_step in zip(losses.tolist(), weighed.tolist(), strict=True):
            loss += own * of_step
            weight += of_step
        figures = {"loss": loss / weight if weight else 0.0, "learning_rate": rates[-1]}
        self._workshop.show(done + count, self._all_steps, figures)
        return replace(position, state=state, step=position.step + count, loss=loss, weight=weight)

    def _fill(self, position: Position, count: int) -> Float32Array:
        """Fill the batches of some steps; return the weight of each step's samples."""
        task, batch, batches = self._task, self._training.batch, self._batches
        begin = position.step * batch
        rows = task.train.take(self._order(position.epoch)[begin : begin + count * batch])
        room, samples = count * batch, len(rows)
        windows = batches.windows.reshape(-1, *batches.windows.shape[2:])
        gather(task.scaled_NTF, rows, task.blueprint.window, out=windows[:samples])
        for held, given in (
            (batches.pairs, rows.pair),
            (batches.targets, task.targets_NT[rows.pair, rows.bar]),
            (batches.weights, task.weights_NT[rows.pair, rows.bar]),
        ):
            flat = held.reshape(-1)
            flat[:samples] = given
            flat[samples:room] = 0  # what the last step lacks counts nothing
        windows[samples:room] = 0
        weighed: Float32Array = batches.weights[:count].sum(axis=1)
        return weighed

    def _order(self, epoch: int) -> IntArray:
        """Return the order of the samples in an epoch: of seed and epoch alone."""
        if self._ordered != epoch:
            random = np.random.default_rng([self._workshop.seed, epoch])
            self._permutation = random.permutation(len(self._task.train))
            self._ordered = epoch
        return self._permutation

    def _after_epoch(self, position: Position, speed: float) -> Position:
        """Return the position once the epoch was judged."""
        task, training, epoch = self._task, self._training, position.epoch + 1
        best, course = position.best, position.course
        last = epoch * self._epoch_steps - 1
        figures = {
            "loss": position.loss / position.weight if position.weight else 0.0,
            "learning_rate": course.rate(last, self._all_steps, training),
        }
        if len(task.validation):
            rows = task.validation
            figures |= validation_figures(
                task.blueprint,
                self.predict(position.state.weights, rows),
                task.targets_NT[rows.pair, rows.bar],
                task.weights_NT[rows.pair, rows.bar],
            )
            course = course.after(epoch, figures["validation_loss"], training)
            if course.best_epoch == epoch:
                best = position.state.weights
        self._log.add(figures, samples_per_second=speed, checkpoint_ms=self._kept_ms)
        told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self._workshop.say(f"epoch {epoch}, at most {training.epochs}: {told}")
        return Position(
            position.state,
            epoch=epoch,
            course=course,
            best=best,
            log=self._log.state,
            ended=epoch == training.epochs or course.is_over(training),
        )

    def _is_due(self, position: Position) -> bool:
        """Tell whether state is to be kept within the epoch."""
        if position.step == self._epoch_steps:
            return False
        done = position.epoch * self._epoch_steps + position.step
        every = self._training.checkpoint_steps
        waited = time.perf_counter() - self._kept_at
        return bool(every and done % every == 0) or waited >= 60 * self._training.checkpoint_minutes

    def _keep(self, position: Position, best: bool = False) -> None:
        """Keep a checkpoint, if its weights are numbers."""
        if self._checkpoints is None:
            return
        begun = time.perf_counter()
        arrays = arrays_of(self._steps.network, position.state)
        if not all(np.isfinite(own).all() for own in arrays.values()):
            raise CheckFailed(
                "model: a weight is no number any more; "
                "lower training.learning_rate, or set training.clip_norm."
            )
        arrays |= {
            f"best/{variable.path}": np.asarray(own)
            for variable, own in zip(
                self._steps.network.model.trainable_variables, position.best, strict=False
            )
        }
        state = {
            "identity": self._task.identity,
            **{
                name: getattr(position, name)
                for name in ("epoch", "step", "loss", "weight", "ended")
            },
            "course": position.course.state(),
            "log": position.log,
        }
        done = position.epoch * self._epoch_steps + position.step
        path = self._checkpoints.save(done, arrays, state, best)
        self._kept_at = time.perf_counter()
        self._kept_ms = (self._kept_at - begun) * 1_000
        self._workshop.kept(path, done, self._log.latest)
