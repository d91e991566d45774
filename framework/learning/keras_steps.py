"""Training steps on TensorFlow and torch, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from framework.learning.network import Arrays, Network
from framework.learning.steps import Batches, State
from framework.learning.training_data import Float32Array

_RATE = 1  # place of the learning rate among the optimiser's variables


class KerasSteps:
    """Runs a network by Keras' own variables, which a state is copied to and from."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._held: State | None = None
        backend = network.blueprint.backend
        self._step, self._forward = _on_torch(network) if backend == "torch" else _on_tf(network)

    def state(self, weights: Arrays, others: Arrays, optimizer: Arrays | None) -> State:
        """Return arrays as a state."""
        network = self.network
        return State(
            self.weights(weights),
            _listed(network.model.non_trainable_variables, others),
            _listed(network.optimizer.variables, optimizer or network.first_optimizer()),
        )

    def weights(self, weights: Arrays) -> tuple[Any, ...]:
        """Return weights as in a state."""
        return _listed(self.network.model.trainable_variables, weights)

    def run(self, state: State, batches: Batches, steps: int) -> tuple[State, Float32Array]:
        """Return the state after the first `steps` of `batches`, and the loss before each."""
        model, own = self.network.model, self.network.optimizer
        variables = (model.trainable_variables, model.non_trainable_variables, own.variables)
        if state is not self._held:
            self._held = None
            for part, values in zip(variables, state, strict=True):
                _assign(part, values)
        losses = np.zeros(steps, np.float32)
        self._held = None
        for i in range(steps):
            own.variables[_RATE].assign(batches.rates[i])
            losses[i] = self._step(
                batches.windows[i], batches.pairs[i], batches.targets[i], batches.weights[i]
            )
        # What a backend hands out may share the variable's memory.
        after = State(
            *(
                tuple(np.array(self.network.keras.ops.convert_to_numpy(found)) for found in part)
                for part in variables
            )
        )
        self._held = after
        return after, losses

    def predict(self, weights: tuple[Any, ...], windows: Any, pairs: Any, blocks: int) -> Any:
        """Return (BLOCKS, ROWS, O) float32, of which the first `blocks` are predictions."""
        if self._held is None or weights is not self._held.weights:
            self._held = None
            _assign(self.network.model.trainable_variables, weights)
        made = [self._forward(windows[i], pairs[i]) for i in range(blocks)]
        return np.stack(made) if made else np.zeros((0, windows.shape[1], 0), np.float32)


def _listed(variables: list[Any], arrays: Arrays) -> tuple[Any, ...]:
    return tuple(arrays[own.path] for own in variables)


def _assign(variables: list[Any], values: tuple[Any, ...]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _on_torch(network: Network) -> tuple[Callable[..., float], Callable[..., Any]]:
    import torch

    model, optimizer = network.model, network.optimizer
    device = "cuda" if network.blueprint.device == "gpu" else "cpu"

    def tensors(*arrays: Any) -> list[Any]:
        return [torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays]

    def step(*batch: Any) -> float:
        windows, pairs, targets, weights = tensors(*batch)
        model.zero_grad()
        ended = model([windows, pairs], training=True)
        loss = network.weighed(ended, windows, targets, weights)
        loss.backward()
        gradients = [variable.value.grad for variable in model.trainable_variables]
        with torch.no_grad():
            optimizer.apply(gradients, model.trainable_variables)
        return float(loss.detach())

    def forward(*batch: Any) -> Any:
        windows, pairs = tensors(*batch)
        with torch.inference_mode():
            ended = model([windows, pairs], training=False)
            return network.outputs(ended, windows).cpu().numpy()

    return step, forward


def _on_tf(network: Network) -> tuple[Callable[..., float], Callable[..., Any]]:
    import tensorflow as tf

    model, optimizer = network.model, network.optimizer

    @tf.function
    def stepped(windows: Any, pairs: Any, targets: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            ended = model([windows, pairs], training=True)
            loss = network.weighed(ended, windows, targets, weights)
        found = [variable.value for variable in model.trainable_variables]
        optimizer.apply(tape.gradient(loss, found), model.trainable_variables)
        return loss

    @tf.function
    def forward(windows: Any, pairs: Any) -> Any:
        return network.outputs(model([windows, pairs], training=False), windows)

    def step(*batch: Any) -> float:
        return float(stepped(*(tf.convert_to_tensor(part) for part in batch)))

    return step, lambda *batch: forward(*(tf.convert_to_tensor(part) for part in batch)).numpy()
