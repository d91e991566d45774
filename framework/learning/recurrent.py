"""Recurrent layers over time-major windows, their input projections made for all bars at once.

Only what depends on the bar before is left in the loop. On JAX the gradient of the recurrent
weights is one product after the loop, too, instead of one in each of its turns.

Legend: W bars, B samples, F inputs, H units, G gates.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def recurrent_layers(keras: Any) -> dict[str, type]:
    """Return the layer classes by name, made once Keras is imported."""
    ops = keras.ops
    on_jax = keras.backend.backend() == "jax"

    class Recurrent(keras.layers.Layer):  # type: ignore[misc]
        """Inputs (W, B, F) to the units of each bar (W, B, H)."""

        gates: int

        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.units = units

        def build(self, shape: tuple[int | None, ...]) -> None:
            wide = self.gates * self.units
            self.kernel = self.add_weight(
                shape=(shape[-1], wide), initializer="zeros", name="kernel"
            )
            self.recurrent_kernel = self.add_weight(
                shape=(self.units, wide), initializer="zeros", name="recurrent_kernel"
            )
            self.bias = self.add_weight(shape=(wide,), initializer="zeros", name="bias")

        def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            return (*shape[:-1], self.units)

        def call(self, inputs_WBF: Any) -> Any:
            if self.compute_dtype == "float32":
                return self.turn(ops.matmul(inputs_WBF, self.kernel) + self.bias)
            projected = ops.matmul(inputs_WBF, self.kernel)
            return self.turn(ops.cast(projected, "float32") + ops.cast(self.bias, "float32"))

        def turn(self, projected: Any) -> Any:
            raise NotImplementedError

    class GRU(Recurrent):
        """Gated recurrent units (Cho et al., 2014), the reset gate after the product."""

        gates = 3

        def build(self, shape: tuple[int | None, ...]) -> None:
            super().build(shape)
            self.recurrent_bias = self.add_weight(
                shape=(3 * self.units,), initializer="zeros", name="recurrent_bias"
            )

        def turn(self, projected: Any) -> Any:
            if on_jax:
                from framework.learning.recurrent_jax import gru

                return gru(projected, self._recurrent(), self._bias())
            units, kernel, bias = self.units, self._recurrent(), self._bias()

            def step(hidden: Any, given: Any) -> tuple[Any, Any]:
                own = ops.matmul(hidden, kernel) + bias
                gate = ops.sigmoid(given[:, : 2 * units] + own[:, : 2 * units])
                keep, reset = gate[:, :units], gate[:, units:]
                new = ops.tanh(given[:, 2 * units :] + reset * own[:, 2 * units :])
                hidden = keep * hidden + (1 - keep) * new
                return hidden, hidden

            return ops.scan(step, ops.zeros_like(projected[0, :, :units]), projected)[1]

        def _bias(self) -> Any:
            return ops.cast(self.recurrent_bias, "float32")

        def _recurrent(self) -> Any:
            return ops.cast(self.recurrent_kernel, "float32")

    class LSTM(Recurrent):
        """Long short-term memory (Hochreiter and Schmidhuber, 1997), with a forget gate."""

        gates = 4

        def turn(self, projected: Any) -> Any:
            units, kernel = self.units, ops.cast(self.recurrent_kernel, "float32")
            if on_jax:
                from framework.learning.recurrent_jax import lstm

                return lstm(projected, kernel)

            def step(state: tuple[Any, Any], given: Any) -> tuple[tuple[Any, Any], Any]:
                hidden, cell = state
                both = given + ops.matmul(hidden, kernel)
                gate = ops.sigmoid(both[:, : 3 * units])
                into, forget = gate[:, :units], gate[:, units : 2 * units]
                cell = forget * cell + into * ops.tanh(both[:, 3 * units :])
                hidden = gate[:, 2 * units :] * ops.tanh(cell)
                return (hidden, cell), hidden

            zero = ops.zeros_like(projected[0, :, :units])
            return ops.scan(step, (zero, zero), projected)[1]

    return {"gru": GRU, "lstm": LSTM}
