"""How strange a bar is, by how few random cuts set it apart from others.

Liu, Ting and Zhou, Isolation Forest, ICDM 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from framework.config.component import component
from framework.learning.model import Model, Trainer
from framework.learning.scaler import FittedScaler, Scaler
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.windows import gather
from framework.learning.workshop import Workshop
from framework.models.saved import load_model, save_model
from framework.models.seen import Seen, scaled
from framework.models.threads import limited
from framework.models.trees import Trees
from framework.types import FloatArray

if TYPE_CHECKING:
    from sklearn.tree import ExtraTreeRegressor

_LARGEST = 2**31 - 1


@component
class IsolationForest(Model):
    """A score of 0 to 1; about 0.5 is ordinary, and the higher the stranger."""

    name: str = "isolation_forest"
    """Of this choice."""

    trees: PositiveInt = 200
    """Trees."""

    max_samples: Annotated[int, Field(ge=2, le=_LARGEST)] = 256
    """Samples that each tree is grown on, at most."""

    max_features: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the columns that each tree may ask."""

    scaler: Scaler = Field(default_factory=lambda: Scaler(clip=None))
    """How inputs are brought to one scale; a bound would hide the strangest."""

    validation: float = Field(default=0.0, ge=0, lt=1)
    """Share of each train part, its end, that is not learned from."""

    @model_validator(mode="after")
    def _learns_no_label(self) -> Self:
        if self.label is not None:
            raise ValueError("isolation_forest learns no label: set label to null")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return ("anomaly",)

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        return _IsolationForestTrainer(self, workshop)

    def load(self, directory: Path) -> TrainedIsolationForest:
        """Return a model that was saved."""
        arrays = load_model(directory, self)
        depth = float(arrays["depth"].reshape(1)[0])
        return TrainedIsolationForest(
            self, FittedScaler.of(arrays), Trees.of(arrays, "trees/"), depth
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainedIsolationForest:
    """Random trees whose leaves hold the cuts that lead there.

    Parameters
    ----------
    depth : float
        Cuts that set a sample apart on average, of as many samples as a tree was grown on.
    """

    model: IsolationForest
    scaler: FittedScaler
    trees: Trees
    depth: float

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on."""
        from framework.models.link_kernels import halved

        seen = Seen.by(self.model, self.scaler, inputs_NTF, first)
        cuts = self.trees.sums(seen, self.model.window, 1)
        return {"anomaly": halved(cuts / (len(self.trees) * self.depth))[0].T}

    def save(self, directory: Path) -> None:
        """Write everything into an existing, empty directory."""
        own = self.trees.arrays("trees/") | {"depth": np.array([self.depth])}
        save_model(directory, self.model, self.scaler.arrays() | own)

    def importance(self) -> dict[str, float]:
        """Return nothing: which input is cut is drawn by chance."""
        return {}


@dataclass(frozen=True, slots=True)
class _IsolationForestTrainer:
    """Fits one `IsolationForest`."""

    model: IsolationForest
    workshop: Workshop

    def train(self, data: TrainingData) -> TrainedIsolationForest:
        """Fit on `data`; see `Trainer`."""
        from sklearn.ensemble import IsolationForest as Forest

        model = self.model
        model.require_fit(data, self.workshop)
        scaler = model.scaler.fit(data.inputs_NTF, data.train)
        scaled_NTF = scaled(data.inputs_NTF, scaler, model.missing)
        columns = gather(scaled_NTF, data.train, data.window).reshape(len(data.train), -1)
        drawn = np.random.SeedSequence(self.workshop.seed).generate_state(1)[0]
        samples = min(model.max_samples, len(columns))
        forest = Forest(
            n_estimators=model.trees,
            max_samples=samples,
            max_features=model.max_features,
            random_state=int(drawn),
        )
        with limited(self.workshop.training.threads):
            forest.fit(columns)
        grown = zip(forest.estimators_, forest.estimators_features_, strict=True)
        trees = Trees.joined([_cuts(tree, asked) for tree, asked in grown])
        depth = float(_unsuccessful_search(np.array([samples]))[0])
        return TrainedIsolationForest(model, scaler, trees, depth)


def _cuts(tree: ExtraTreeRegressor, asked: FloatArray) -> Trees:
    """Return a tree whose leaves hold the cuts on the way, and those that would follow."""
    grown = tree.tree_
    count = grown.node_count
    leaf = grown.children_left < 0
    depth = np.zeros(count)
    for node in np.flatnonzero(~leaf):  # parents come before their children
        depth[[grown.children_left[node], grown.children_right[node]]] = depth[node] + 1
    return Trees(
        root=np.zeros(1, np.int32),
        column=np.where(leaf, -1, asked[np.where(leaf, 0, grown.feature)]).astype(np.int32),
        left=grown.children_left.astype(np.int32),
        right=grown.children_right.astype(np.int32),
        threshold=np.where(leaf, 0.0, grown.threshold),
        value=np.where(leaf, depth + _unsuccessful_search(grown.n_node_samples), 0.0),
        gain=np.zeros(count),
    )


def _unsuccessful_search(samples: FloatArray) -> FloatArray:
    """Return how many cuts more would set one of some samples apart on average (the paper's c)."""
    many = np.maximum(samples.astype(np.float64), 3.0)
    depth = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(samples > 2, depth, np.where(samples == 2, 1.0, 0.0))
