"""Training steps on JAX: several of them, and their losses, by one call of one compiled program.

How many steps a call makes is an argument of the program and no part of it, so that no bit of the
result depends on where training was cut; likewise the number of samples that are predicted.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from framework.learning.network import Arrays, Network
from framework.learning.steps import Batches, State
from framework.learning.training_data import Float32Array

_RATE = 1  # place of the learning rate among the optimiser's variables


class JaxSteps:
    """Runs a network by JAX."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._device = jax.devices(network.blueprint.device)[0]
        self._run = jax.jit(self._several)
        self._predict = jax.jit(self._blocks)

    def state(self, weights: Arrays, others: Arrays, optimizer: Arrays | None) -> State:
        """Return arrays as a state on the device."""
        network = self.network
        return State(
            self.weights(weights),
            self._put(network.model.non_trainable_variables, others),
            self._put(network.optimizer.variables, optimizer or network.first_optimizer()),
        )

    def weights(self, weights: Arrays) -> tuple[Any, ...]:
        """Return weights as in a state."""
        return self._put(self.network.model.trainable_variables, weights)

    def _put(self, variables: list[Any], arrays: Arrays) -> tuple[Any, ...]:
        return tuple(jax.device_put(arrays[own.path], self._device) for own in variables)

    def run(self, state: State, batches: Batches, steps: int) -> tuple[State, Float32Array]:
        """Return the state after the first `steps` of `batches`, and the loss before each."""
        parts = (batches.windows, batches.pairs, batches.targets, batches.weights, batches.rates)
        after, losses = self._run(state, *jax.device_put(parts, self._device), steps)
        return after, np.asarray(losses)[:steps]

    def predict(self, weights: tuple[Any, ...], windows: Any, pairs: Any, blocks: int) -> Any:
        """Return (BLOCKS, ROWS, O) float32, of which the first `blocks` are predictions."""
        return np.asarray(self._predict(weights, windows, pairs, blocks))

    def _several(self, state: State, *given: Any) -> tuple[State, jax.Array]:
        *batches, rates, steps = given
        model, optimizer = self.network.model, self.network.optimizer

        def loss(weights: Any, others: Any, i: Any) -> tuple[jax.Array, Any]:
            windows, pairs, targets, sample_weights = (part[i] for part in batches)
            ended, others = model.stateless_call(weights, others, [windows, pairs], training=True)
            return self.network.weighed(ended, windows, targets, sample_weights), others

        def step(i: Any, carried: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
            (weights, others, own), losses = carried
            (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(
                list(weights), list(others), i
            )
            weights, own = optimizer.stateless_apply(
                [*own[:_RATE], rates[i], *own[_RATE + 1 :]], gradients, list(weights)
            )
            state = State(tuple(weights), tuple(others), tuple(own))
            return state, losses.at[i].set(value)

        ran: tuple[State, jax.Array] = lax.fori_loop(0, steps, step, (state, jnp.zeros_like(rates)))
        return ran

    def _blocks(self, weights: Any, windows: Any, pairs: Any, blocks: Any) -> jax.Array:
        model = self.network.model
        others = [jnp.zeros(found.shape, found.dtype) for found in model.non_trainable_variables]

        def block(i: Any) -> jax.Array:
            ended, _ = model.stateless_call(
                list(weights), others, [windows[i], pairs[i]], training=False
            )
            predicted: jax.Array = self.network.outputs(ended, windows[i])
            return predicted

        shape = jax.eval_shape(block, 0).shape
        room = jnp.zeros((len(windows), *shape), jnp.float32)
        made: jax.Array = lax.fori_loop(0, blocks, lambda i, room: room.at[i].set(block(i)), room)
        return made
