"""Training steps and predictions of a network, whatever runs them.

Legend: K steps, B samples, W bars of a window, F inputs, O values that are predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from framework.errors import OutsideFault
from framework.learning.keras_backend import start_keras
from framework.learning.network import Arrays, Blueprint, Network
from framework.learning.rows import Int32Array
from framework.learning.training_data import Float32Array

STEPS = 16
"""In one call, at most; no bit of a result depends on it."""

ROWS = 8
"""Samples that are predicted together: the one shape, so that no bit depends on how many are."""

BLOCKS = 64
"""Times `ROWS`: samples that are predicted by one call, at most."""


class State(NamedTuple):
    """All that training changes; never changed in place, so that it is kept by its name alone."""

    weights: tuple[Any, ...]
    others: tuple[Any, ...]
    optimizer: tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """Room for the samples of up to K steps, used again and again.

    Parameters
    ----------
    windows : (K, B, W, F) float32
    pairs : (K, B) int32
    targets, weights : (K, B) float32
    rates : (K,) float32
        Learning rates.
    """

    windows: Float32Array
    pairs: Int32Array
    targets: Float32Array
    weights: Float32Array
    rates: Float32Array

    @classmethod
    def of(cls, steps: int, batch: int, window: int, inputs: int) -> Batches:
        """Return room for `steps` times `batch` samples."""
        many = (steps, batch)
        return cls(
            windows=np.zeros((*many, window, inputs), np.float32),
            pairs=np.zeros(many, np.int32),
            targets=np.zeros(many, np.float32),
            weights=np.zeros(many, np.float32),
            rates=np.zeros(steps, np.float32),
        )


class Steps(Protocol):
    """Runs one network; made once, and used by every training of it."""

    network: Network

    def state(self, weights: Arrays, others: Arrays, optimizer: Arrays | None) -> State:
        """Return arrays as a state; without those of the optimiser, one that has not begun."""

    def weights(self, weights: Arrays) -> tuple[Any, ...]:
        """Return weights as in a state."""

    def run(self, state: State, batches: Batches, steps: int) -> tuple[State, Float32Array]:
        """Return the state after the first `steps` of `batches`, and the loss before each."""

    def predict(self, weights: tuple[Any, ...], windows: Any, pairs: Any, blocks: int) -> Any:
        """Return (BLOCKS, ROWS, O) float32, of which the first `blocks` are predictions.

        Parameters
        ----------
        weights : tuple
            As in a state.
        windows : (BLOCKS, ROWS, W, F) float32
        pairs : (BLOCKS, ROWS) int32
        """


@lru_cache(maxsize=8)
def steps_of(blueprint: Blueprint) -> Steps:
    """Return what runs the network; what was compiled for it serves every fold."""
    keras = start_keras(blueprint.backend, blueprint.threads, blueprint.device)
    network = Network(keras, blueprint)
    if blueprint.backend == "jax":
        from framework.learning.jax_steps import JaxSteps

        return JaxSteps(network)
    from framework.learning.keras_steps import KerasSteps

    return KerasSteps(network)


def arrays_of(network: Network, state: State) -> Arrays:
    """Return the arrays of a state by name, as `state_of` takes them."""
    model, optimizer = network.model, network.optimizer
    named = (
        ("weights", model.trainable_variables, state.weights),
        ("others", model.non_trainable_variables, state.others),
        ("optimizer", optimizer.variables, state.optimizer),
    )
    return {
        f"{part}/{variable.path}": np.asarray(value)
        for part, variables, values in named
        for variable, value in zip(variables, values, strict=True)
    }


def state_of(steps: Steps, arrays: Mapping[str, npt.NDArray[Any]]) -> State:
    """Return the state that `arrays_of` gave; other arrays are passed over."""
    weights, others, optimizer = (
        part_of(arrays, part) for part in ("weights", "others", "optimizer")
    )
    return steps.state(weights, others, optimizer)


def part_of(arrays: Mapping[str, npt.NDArray[Any]], part: str) -> Arrays:
    """Return the arrays whose names begin with `part` and a slash, without it."""
    return {
        name.removeprefix(f"{part}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{part}/")
    }


@contextmanager
def within_memory(what: str) -> Iterator[None]:
    """Turn a want of memory into one line."""
    try:
        yield
    except MemoryError:
        raise OutsideFault(_line(what)) from None
    except Exception as fault:
        if any(sign in str(fault) for sign in ("RESOURCE_EXHAUSTED", "out of memory")):
            raise OutsideFault(_line(what)) from None
        raise


def _line(what: str) -> str:
    return f"model: not enough memory for {what}; make training.batch or the model smaller."
