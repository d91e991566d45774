"""A neural network by its settings: the Keras model, its first weights, its loss and its outputs.

Legend: B samples, W bars of a window, F inputs, O values that the network ends with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from framework.learning.keras_backend import Backend, Device

Arrays = dict[str, npt.NDArray[Any]]
Tensor = Any
Goal = Literal["binary", "classes", "value", "quantiles", "inputs"]

_EPSILON = 1e-7


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """Everything that a network is made from; two that are equal are the same network.

    Parameters
    ----------
    settings : str
        Of the component, as JSON with sorted keys.
    body : callable
        Given Keras, the dtype policy and the inputs (B, W, F), returns what the head sees (B, D).
    goal : str
        What it learns: the chance of class 1; of each class; a value; quantiles of it; or its own
        inputs, through a body that returns them flattened.
    pairs, window, inputs, classes : int
    quantiles : tuple of float
    embedding : int
        Values that stand for the pair beside the inputs of each bar; 0: none.
    precision : str
    clip_norm : float, optional
        Largest norm of all gradients together; None: no bound.
    backend, device
    threads : int, optional
        None: as many as the backend was started with, or one.
    """

    settings: str
    body: Callable[[Any, str, Tensor], Tensor]
    goal: Goal
    pairs: int
    window: int
    inputs: int
    classes: int
    quantiles: tuple[float, ...]
    embedding: int
    precision: str
    clip_norm: float | None
    backend: Backend
    device: Device
    threads: int | None

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Equal for blueprints of the same network."""
        shape = (self.goal, self.pairs, self.window, self.inputs, self.classes, self.quantiles)
        how = (self.embedding, self.precision, self.clip_norm, self.backend, self.device)
        return (self.settings, *shape, *how, self.threads)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blueprint) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def to_predict(self) -> Blueprint:
        """Return the same network as it is run once it is trained, however that was."""
        return replace(self, precision="float32", clip_norm=None, threads=None)

    @property
    def width(self) -> int:
        """Values that the network ends with."""
        if self.goal == "inputs":
            return self.window * self.inputs
        return {"classes": self.classes, "quantiles": len(self.quantiles)}.get(self.goal, 1)


class Network:
    """A Keras model without weights of its own: they are given to each call."""

    def __init__(self, keras: Any, blueprint: Blueprint) -> None:
        self.keras = keras
        self.blueprint = blueprint
        policy = "mixed_bfloat16" if blueprint.precision == "bfloat16" else "float32"
        layers = keras.layers
        inputs = keras.Input((blueprint.window, blueprint.inputs), name="inputs")
        pair = keras.Input((), dtype="int32", name="pair")
        seen = inputs
        if blueprint.embedding:
            known = layers.Embedding(blueprint.pairs, blueprint.embedding, name="embedding")(pair)
            known = layers.RepeatVector(blueprint.window, name="beside")(known)
            seen = layers.Concatenate(name="seen")([inputs, known])
        end = blueprint.body(keras, policy, seen)
        if blueprint.goal != "inputs":
            end = layers.Dense(blueprint.width, dtype="float32", name="head")(end)
        self.model = keras.Model([inputs, pair], end)
        self.optimizer = keras.optimizers.Adam(
            learning_rate=0.001, global_clipnorm=blueprint.clip_norm
        )
        self.optimizer.build(self.model.trainable_variables)

    def first_weights(self, seed: int) -> tuple[Arrays, Arrays]:
        """Return what training begins with: trained and other variables, by their paths."""
        random = np.random.default_rng([seed, 0x6E65])
        trained = {
            variable.path: _draw(variable.name, tuple(variable.shape), random)
            for variable in self.model.trainable_variables
        }
        others = {}
        for variable in self.model.non_trainable_variables:
            state = np.zeros(variable.shape, variable.dtype)
            state.flat[0] = random.integers(2**31)
            others[variable.path] = state
        return trained, others

    def first_optimizer(self) -> Arrays:
        """Return what the optimiser begins with, by path."""
        return {
            variable.path: np.zeros(variable.shape, variable.dtype)
            for variable in self.optimizer.variables
        }

    def losses(self, ended: Tensor, windows: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each sample, (B,), from what the network ends with, (B, O)."""
        ops, goal = self.keras.ops, self.blueprint.goal
        if goal == "binary":
            return ops.softplus(ended[:, 0]) - targets * ended[:, 0]
        if goal == "classes":
            known = ops.one_hot(ops.cast(targets, "int32"), self.blueprint.classes)
            return ops.logsumexp(ended, axis=-1) - ops.sum(known * ended, axis=-1)
        if goal == "value":
            return ops.square(ended[:, 0] - targets)
        if goal == "quantiles":
            levels = ops.convert_to_tensor(self.blueprint.quantiles, "float32")
            short = targets[:, None] - ended
            return ops.sum(ops.maximum(levels * short, (levels - 1) * short), axis=-1)
        return self.error(ended, windows)

    def weighed(self, ended: Tensor, windows: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the mean loss of a batch by the weights of its samples; 0 where none counts."""
        ops = self.keras.ops
        losses = self.losses(ended, windows, targets)
        return ops.sum(weights * losses) / ops.maximum(ops.sum(weights), _EPSILON)

    def outputs(self, ended: Tensor, windows: Tensor) -> Tensor:
        """Return what is predicted of each sample, (B, ...), from what the network ends with."""
        ops, goal = self.keras.ops, self.blueprint.goal
        if goal == "binary":
            return ops.sigmoid(ended)
        if goal == "classes":
            return ops.softmax(ended, axis=-1)
        if goal == "inputs":
            return self.error(ended, windows)[:, None]
        return ended

    def error(self, ended: Tensor, windows: Tensor) -> Tensor:
        """Return the mean squared distance between the inputs and what became of them, (B,)."""
        ops = self.keras.ops
        return ops.mean(ops.square(ended - ops.reshape(windows, ended.shape)), axis=-1)


def as_json(settings: Mapping[str, object]) -> str:
    """Return settings as one text that is equal where they are."""
    return json.dumps(settings, sort_keys=True)


def _draw(name: str, shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[Any]:
    """Return a variable's first value, by its name."""
    if name == "gamma":
        return np.ones(shape, np.float32)
    if name.endswith("kernel") and name != "recurrent_kernel":
        bound = np.sqrt(6 / (shape[0] + shape[1]))  # Glorot and Bengio, 2010
        return random.uniform(-bound, bound, shape).astype(np.float32)
    if name == "recurrent_kernel":
        return _orthogonal(shape, random)
    if name in ("embeddings", "positions"):
        return random.uniform(-0.05, 0.05, shape).astype(np.float32)
    return np.zeros(shape, np.float32)


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[Any]:
    """Return one orthogonal square for each gate (Saxe et al., 2014)."""
    units, wide = shape
    gates = []
    for _ in range(wide // units):
        square, upper = np.linalg.qr(random.standard_normal((units, units)))
        gates.append(square * np.sign(np.diag(upper)))
    return np.concatenate(gates, axis=1).astype(np.float32)
