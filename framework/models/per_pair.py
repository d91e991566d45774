"""One network for each pair, fitted and asked one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from framework.errors import OutsideFault, UserError
from framework.learning.rows import Rows
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.workshop import Earlier, Workshop
from framework.models.network import NetworkModel
from framework.models.network_trainer import NetworkTrainer
from framework.models.saved import load_model, save_model
from framework.models.trained_network import Fitted, TrainedNetwork
from framework.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPairs:
    """Predicts each pair by its own network."""

    model: NetworkModel
    trained: tuple[TrainedNetwork, ...]

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on; see `TrainedModel.predict`."""
        each = [
            trained.predict(inputs_NTF[pair : pair + 1], first)
            for pair, trained in enumerate(self.trained)
        ]
        return {
            name: np.concatenate([columns[name] for columns in each], axis=1)
            for name in self.model.outputs
        }

    def save(self, directory: Path) -> None:
        """Write each network into a directory of its own."""
        save_model(directory, self.model, {"pairs": len(self.trained)})
        for pair, trained in enumerate(self.trained):
            place = directory / f"pair_{pair + 1}"
            try:
                place.mkdir()
            except OSError as fault:
                raise OutsideFault(f"{place}: cannot be made ({fault.strerror}).") from fault
            trained.save(place)

    def importance(self) -> dict[str, float]:
        """Return nothing: what a network weighs is spread over its layers."""
        return {}


class PairsTrainer:
    """Fits one network to each pair, one after another."""

    def __init__(self, model: NetworkModel, workshop: Workshop) -> None:
        self._model = model
        self._workshop = workshop

    def train(self, data: TrainingData) -> TrainedPairs:
        """Fit on `data`; see `Trainer`."""
        self._model.require_fit(data, self._workshop)
        trained = []
        for pair, name in enumerate(data.pairs):
            kept, begun = self._workshop.directory, self._workshop.begins_with
            workshop = replace(
                self._workshop,
                directory=kept and kept / name,
                begins_with=begun and _of_pair_earlier(begun, pair, len(data.pairs)),
            )
            trained.append(NetworkTrainer(self._model, workshop).train(_of_pair(data, pair)))
        return TrainedPairs(self._model, tuple(trained))


def load_pairs(model: NetworkModel, directory: Path) -> TrainedPairs:
    """Return what `TrainedPairs.save` wrote.

    Raises
    ------
    UserError
        It is of another model.
    OutsideFault
        A file is missing or damaged.
    """
    trained = []
    for pair in range(int(load_model(directory, model)["pairs"])):
        arrays = load_model(directory / f"pair_{pair + 1}", model)
        trained.append(TrainedNetwork(model, 1, Fitted.of(arrays)))
    return TrainedPairs(model, tuple(trained))


def _of_pair_earlier(earlier: Earlier, pair: int, pairs: int) -> Earlier:
    """Return what the network of one pair begins with."""
    every = earlier.trained
    if not isinstance(every, TrainedPairs):
        raise TypeError(f"networks of pairs cannot begin with a {type(every).__name__}")
    if len(every.trained) != pairs:
        raise UserError(
            f"training.warm_start: the earlier model sees {len(every.trained)} pairs (are {pairs})."
        )
    return Earlier(every.trained[pair], earlier.sha256)


def _of_pair(data: TrainingData, pair: int) -> TrainingData:
    """Return what one pair has of the data."""

    def own(rows: Rows) -> Rows:
        bars = rows.bar[rows.pair == pair]
        return Rows(np.zeros_like(bars), bars)

    only = slice(pair, pair + 1)
    return replace(
        data,
        pairs=data.pairs[only],
        inputs_NTF=data.inputs_NTF[only],
        labels_NT=data.labels_NT[only],
        weights_NT=data.weights_NT[only],
        train=own(data.train),
        validation=own(data.validation),
    )
