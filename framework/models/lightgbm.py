"""Gradient-boosted trees by LightGBM, on the window of inputs laid out as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from framework.config.component import component
from framework.learning.model import Model, Trainer
from framework.learning.training_data import Float32Array
from framework.learning.workshop import Workshop
from framework.models.labelled import label_of, output_names, probabilities
from framework.models.saved import load_model, save_model
from framework.models.seen import Seen
from framework.models.trees import Trees
from framework.types import FloatArray

Share = Annotated[float, Field(gt=0, le=1)]


@component
class LightGBM(Model):
    """Gradient-boosted trees; settings bear LightGBM's own names."""

    name: str = "lightgbm"
    """Of this choice."""

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    """Of return and volatility: levels predicted, an odd number of them in whole hundredths,
    ascending; the middle one is the forecast. None: the mean is."""

    rounds: PositiveInt = 1000
    """Trees added, or of three classes groups of three, at most."""

    early_stopping_rounds: PositiveInt | None = 50
    """Rounds without a better validation loss after which training ends; the best is kept.
    Null: all rounds are."""

    learning_rate: PositiveFloat = 0.05
    """Share of each tree that is added."""

    num_leaves: Annotated[int, Field(ge=2, le=131072)] = 31
    """Of a tree, at most."""

    max_depth: PositiveInt | None = None
    """Of a tree; null: no bound."""

    min_data_in_leaf: PositiveInt = 200
    """Samples."""

    min_gain_to_split: NonNegativeFloat = 0.0
    """Least gain."""

    lambda_l1: NonNegativeFloat = 0.0
    """Penalty on the size of leaves."""

    lambda_l2: NonNegativeFloat = 0.0
    """Penalty on the squared size of leaves."""

    feature_fraction: Share = 0.8
    """Columns that each tree may ask."""

    bagging_fraction: Share = 0.8
    """Samples that each tree sees."""

    bagging_freq: NonNegativeInt = 1
    """Rounds after which they are drawn anew; 0: all are seen."""

    max_bin: Annotated[int, Field(ge=2, le=255)] = 255
    """Values told apart in a column."""

    stage: PositiveInt = 50
    """Rounds after which chance begins from a seed of its own, and state is kept."""

    resumable: ClassVar[bool] = True
    continues: ClassVar[bool] = True

    @model_validator(mode="after")
    def _fits_its_label(self) -> Self:
        label = label_of(self.label, "lightgbm")
        if self.quantiles:
            if label.classes:
                raise ValueError(f"quantiles are of return and volatility (label was {label.kind})")
            hundredths = [100 * level for level in self.quantiles]
            whole = all(abs(level - round(level)) < 1e-9 for level in hundredths)
            ascending = all(low < high for low, high in pairwise(self.quantiles))
            if not (whole and ascending and len(self.quantiles) % 2):
                raise ValueError(
                    "quantiles must be an odd number of ascending levels in whole hundredths "
                    f"(was {', '.join(map(str, self.quantiles))})"
                )
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return output_names(label_of(self.label, "lightgbm"), self.quantiles)

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        from framework.models.lightgbm_trainer import LightGBMTrainer

        return LightGBMTrainer(self, workshop)

    def load(self, directory: Path) -> TrainedLightGBM:
        """Return a model that was saved."""
        arrays = load_model(directory, self)
        boosted = tuple(Boosted.of(arrays, f"{i}/") for i in range(len(self.quantiles) or 1))
        return TrainedLightGBM(self, boosted)


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """What was fitted to one objective.

    Parameters
    ----------
    trees : Trees
        Of C scores in turn.
    base : (C,) float64
        What the trees add to.
    losses : (R,) float64
        On the samples set apart, after each round of the training that added the newest trees;
        none where there are none.
    """

    trees: Trees
    base: FloatArray
    losses: FloatArray

    @classmethod
    def of(cls, arrays: Mapping[str, FloatArray], prefix: str) -> Self:
        """Return what gave `arrays`."""
        return cls(Trees.of(arrays, prefix), arrays[f"{prefix}base"], arrays[f"{prefix}losses"])

    def arrays(self, prefix: str) -> dict[str, FloatArray]:
        """Return all that `of` needs, by name."""
        own = {f"{prefix}base": self.base, f"{prefix}losses": self.losses}
        return self.trees.arrays(prefix) | own

    def after(self, earlier: Self) -> Self:
        """Return all trees of an earlier one, which it was grown to add to, and its own."""
        return type(self)(Trees.joined([earlier.trees, self.trees]), self.base, self.losses)

    def scores(self, seen: Seen, window: int) -> FloatArray:
        """Return base and trees in sum, (C, N, T), NaN where the window is not complete."""
        return self.trees.sums(seen, window, len(self.base)) + self.base[:, np.newaxis, np.newaxis]

    @property
    def rounds(self) -> int:
        """Number of rounds that grew the trees."""
        return len(self.trees) // len(self.base)

    @property
    def best_round(self) -> int:
        """Rounds after which the validation loss was least, or all."""
        return int(np.argmin(self.losses)) + 1 if len(self.losses) else self.rounds

    @property
    def at_best(self) -> Boosted:
        """Itself as it was after the best round; the losses of all rounds stay."""
        trees = self.trees.first(self.best_round * len(self.base))
        return Boosted(trees, self.base, self.losses)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLightGBM:
    """Trees for one objective, or for each quantile."""

    model: LightGBM
    boosted: tuple[Boosted, ...]

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on."""
        seen = Seen.by(self.model, None, inputs_NTF, first)
        scores = [part.scores(seen, self.model.window) for part in self.boosted]
        names = self.model.outputs
        if self.model.label is not None and self.model.label.classes:
            return probabilities(scores[0], names)
        middle = scores[len(scores) // 2]
        return {
            name: score[0].T
            for name, score in zip(names, [*scores[: len(names) - 1], middle], strict=True)
        }

    def save(self, directory: Path) -> None:
        """Write everything into an existing, empty directory."""
        arrays: dict[str, FloatArray] = {}
        for i, part in enumerate(self.boosted):
            arrays |= part.arrays(f"{i}/")
        save_model(directory, self.model, arrays)

    def importance(self) -> dict[str, float]:
        """Return the gain of all splits on each input, whichever its bar, over all trees."""
        inputs = len(self.model.inputs)
        gains = sum(part.trees.gains(self.model.window * inputs) for part in self.boosted)
        by_input = np.asarray(gains).reshape(self.model.window, inputs).sum(axis=0)
        return dict(zip(self.model.inputs, by_input.tolist(), strict=True))
