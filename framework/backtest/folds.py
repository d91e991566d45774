"""One trained model for each fold, and the proof that none could see what came after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framework.backtest.causality import with_noise_after
from framework.errors import CheckFailed, UserError
from framework.learning.model import Model
from framework.learning.schedule import Schedule, Stage
from framework.learning.split import training_data
from framework.learning.training_data import TrainingData
from framework.learning.workshop import Workshop
from framework.market.candles import Candles
from framework.records import Part
from framework.strategy.plan import Plan
from framework.types import format_time


@dataclass(frozen=True, slots=True)
class Folds:
    """The stretches of a range that one model each learns from.

    Parameters
    ----------
    model : Model
        What is fitted.
    plan : Plan
        Computes what it sees.
    candles : Candles
        (T, N) of the strategy's interval, warm-up included.
    parts : tuple of Part
        Train parts, as indices into those bars, in the order of their ends.
    """

    model: Model
    plan: Plan
    candles: Candles
    parts: tuple[Part, ...]

    @classmethod
    def of(
        cls, model: Model, plan: Plan, candles: Candles, first: int, parts: Sequence[Part]
    ) -> Folds:
        """Return the folds of a range whose parts count from bar `first`.

        Raises
        ------
        UserError
            There is no train part.
        """
        train = tuple(
            Part(part.fold, part.name, part.start + first, part.end + first)
            for part in parts
            if part.name == "train"
        )
        if not train:
            raise UserError(
                f"evaluation: model={model.name} needs train parts to learn from; choose "
                "evaluation=walk_forward or evaluation=holdout."
            )
        return cls(model, plan, candles, train)

    def with_final(self) -> Folds:
        """Return the same folds and one more, whose train part is the newest bars.

        It is as long as the last one, or begins where all begin.
        """
        last = self.parts[-1]
        expanding = all(part.start == self.parts[0].start for part in self.parts)
        end = len(self.candles)
        start = self.parts[0].start if expanding else end - (last.end - last.start)
        return replace(self, parts=(*self.parts, Part(last.fold + 1, "train", start, end)))

    @property
    def ends(self) -> dict[int, int]:
        """End of each train part, UTC ns, by the fold's number."""
        return {part.fold: self._span(part)[1] for part in self.parts}

    def data(self) -> list[TrainingData]:
        """Return what the model of each fold learns from."""
        inputs_NTF = self.plan.inputs(self.candles)
        return [self._data(self.candles, inputs_NTF, part) for part in self.parts]

    def fit(self, data: Sequence[TrainingData], workshop: Callable[[int], Workshop]) -> Schedule:
        """Fit one model for each fold.

        Parameters
        ----------
        data : sequence of TrainingData
            As `data` returned it.
        workshop : callable
            Given a fold's number, returns where it is fitted.

        Raises
        ------
        Paused, OutsideFault, CheckFailed
            As `Trainer.train` does.
        """
        stages = []
        for part, own in zip(self.parts, data, strict=True):
            trained = self.model.trainer(workshop(part.fold)).train(own)
            stages.append(Stage(part.fold, *self._span(part), trained))
        return Schedule(self.model.outputs, tuple(stages), self.model.sees)

    def require_causal(self, data: Sequence[TrainingData], generator: np.random.Generator) -> int:
        """Replace the candles after each train part by noise; what is learned from must not change.

        Parameters
        ----------
        data : sequence of TrainingData
            As `data` returned it.
        generator : numpy Generator
            Source of the noise.

        Returns
        -------
        int
            Number of train parts tested: those that candles follow.

        Raises
        ------
        CheckFailed
            An input or a label looks beyond the end of the part.
        """
        tested = 0
        for part, own in zip(self.parts, data, strict=True):
            if part.end < len(self.candles):
                noisy = with_noise_after(self.candles, part.end - 1, generator)
                again = self._data(noisy, self.plan.inputs(noisy), part)
                if again.digest != own.digest:
                    raise CheckFailed(
                        f"causality: {_difference(own, again)} of fold {part.fold} changed when "
                        f"candles after {format_time(int(self.candles.time[part.end - 1]))}, the "
                        "end of its train part, were replaced by noise."
                    )
                tested += 1
        return tested

    def _data(self, candles: Candles, inputs_NTF: np.ndarray, part: Part) -> TrainingData:
        model = self.model
        return training_data(
            pairs=candles.pairs,
            interval=candles.interval,
            names=tuple(self.plan.seen),
            time=candles.time,
            inputs_NTF=inputs_NTF,
            close_NT=candles.close.T,
            traded_NT=candles.traded.T,
            label=model.label,
            part_first=part.start,
            part_end=part.end,
            window=model.window,
            validation=model.validation,
            missing=model.missing,
        )

    def _span(self, part: Part) -> tuple[int, int]:
        """Return the open times [start, end) of a part."""
        time, interval_ns = self.candles.time, self.candles.interval.ns
        return int(time[part.start]), int(time[part.end - 1]) + interval_ns


def _difference(one: TrainingData, other: TrainingData) -> str:
    """Name what differs, the first input of all that do."""
    for f, name in enumerate(one.inputs):
        if not np.array_equal(one.inputs_NTF[:, :, f], other.inputs_NTF[:, :, f], equal_nan=True):
            return f"model.inputs.{name}"
    return "a label"
