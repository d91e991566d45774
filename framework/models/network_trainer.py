"""Fitting networks: what they learn from a train part, and what is kept of it.

Legend: N pairs, T bars, K samples.
"""

from __future__ import annotations

import numpy as np

from framework.errors import UserError
from framework.learning.identity import Identity, identity_of
from framework.learning.keras_trainer import KerasTrainer
from framework.learning.rows import Rows
from framework.learning.task import Task
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.workshop import Workshop
from framework.models.labelled import refuse_single_class
from framework.models.network import NetworkModel
from framework.models.saved import refuse_others
from framework.models.trained_network import Fitted, TrainedNetwork
from framework.types import FloatArray

_MEASURED = 20_000  # samples, at most, whose errors the scores of others are measured by
_KNOTS = 2_000


class NetworkTrainer:
    """Fits a network to the samples of all pairs."""

    def __init__(self, model: NetworkModel, workshop: Workshop) -> None:
        self._model = model
        self._workshop = workshop

    def train(self, data: TrainingData) -> TrainedNetwork:
        """Fit on `data`; see `Trainer`."""
        model = self._model
        model.require_fit(data, self._workshop)
        refuse_single_class(data)
        earlier = self._earlier(data)
        scaler = earlier.scaler if earlier else model.scaler.fit(data.inputs_NTF, data.train)
        target, targets_NT = self._targets(data, earlier)
        task = Task(
            blueprint=model.blueprint(len(data.pairs), len(data.inputs), self._workshop.training),
            scaled_NTF=scaler.transform(data.inputs_NTF, missing=model.missing),
            targets_NT=targets_NT,
            weights_NT=data.weights_NT,
            train=data.train,
            validation=data.validation,
            identity=self._identity(data),
            begins_with=earlier.weights if earlier else None,
            refuse=refuse_others,
        )
        trainer = KerasTrainer(task, self._workshop)
        learned = trainer.run()
        errors = np.empty(0)
        if model.goal == "inputs":
            made = trainer.predict(learned.held, _some(data.train))[:, 0]
            errors = np.quantile(made.astype(np.float64), np.linspace(0, 1, _KNOTS))
        fitted = Fitted(weights=learned.weights, scaler=scaler, target=target, errors=errors)
        return TrainedNetwork(model, len(data.pairs), fitted)

    def _earlier(self, data: TrainingData) -> Fitted | None:
        """Return what training begins with: weights, and the scales that they mean something in."""
        begun = self._workshop.begins_with
        if begun is None:
            return None
        trained = begun.trained
        if not isinstance(trained, TrainedNetwork):
            raise TypeError(f"a network cannot begin with a {type(trained).__name__}")
        inputs = trained.fitted.scaler.centre.shape[1]
        if (trained.pairs, inputs) != (len(data.pairs), len(data.inputs)):
            raise UserError(
                f"training.warm_start: the earlier model sees {trained.pairs} pairs and {inputs} "
                f"inputs (are {len(data.pairs)} and {len(data.inputs)})."
            )
        return trained.fitted

    def _targets(
        self, data: TrainingData, earlier: Fitted | None
    ) -> tuple[FloatArray, Float32Array]:
        """Return centre and scale of what is learned, and what is learned at each sample."""
        if self._model.goal == "inputs":
            return np.array([0.0, 1.0]), np.zeros_like(data.labels_NT)
        if self._model.goal in ("binary", "classes"):
            return np.array([0.0, 1.0]), data.labels_NT
        if earlier is None:
            labels = data.labels(data.train).astype(np.float64)
            centre, scale = labels.mean(), labels.std() or 1.0
        else:
            centre, scale = earlier.target
        scaled = (data.labels_NT.astype(np.float64) - centre) / scale
        return np.array([centre, scale]), scaled.astype(np.float32)

    def _identity(self, data: TrainingData) -> Identity:
        """Return all that the result depends on."""
        workshop = self._workshop
        begins = [workshop.begins_with]
        return identity_of(self._model, workshop.training, workshop.seed, [data], begins)


def _some(rows: Rows) -> Rows:
    """Return at most `_MEASURED` of the samples, evenly spread."""
    return rows.take(slice(None, None, -(-len(rows) // _MEASURED)))
