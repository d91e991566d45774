"""Layers of our own: dropout by a cheap counter, self-attention, and learned positions.

Legend: B samples, W bars of a window, D width, A heads, C width of a head.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any


@cache
def own_layers(keras: Any) -> dict[str, type]:
    """Return the layer classes by name, made once Keras is imported."""
    ops = keras.ops
    Layer: Any = keras.layers.Layer
    on_jax = keras.backend.backend() == "jax"

    class Dropout(Layer):  # type: ignore[misc]
        """Set a share of the values to 0 in training, and raise the others to keep their sum.

        The share is rounded to a 256th, so that one random word serves four values.
        """

        def __init__(self, rate: float, **options: Any) -> None:
            super().__init__(**options)
            self.kept = 256 - round(256 * rate)
            self.generator = keras.random.SeedGenerator(seed=0, name="generator")
            self.built = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            if not training or self.kept == 256:
                return inputs
            if on_jax:
                from framework.learning.random_jax import keep_share

                return keep_share(inputs, self.kept, self.generator.next())
            return keras.random.dropout(inputs, 1 - self.kept / 256, seed=self.generator)

    class SelfAttention(Layer):  # type: ignore[misc]
        """Each bar of the window sees all of them (Vaswani et al., 2017)."""

        def __init__(self, heads: int, rate: float, **options: Any) -> None:
            super().__init__(**options)
            self.heads = heads
            self.dropout = Dropout(rate, name="dropout", dtype=self.dtype_policy)

        def build(self, shape: tuple[int | None, ...]) -> None:
            width = int(shape[-1] or 0)
            self.kernel = self.add_weight(
                shape=(width, 3 * width), initializer="zeros", name="kernel"
            )
            self.bias = self.add_weight(shape=(3 * width,), initializer="zeros", name="bias")
            self.out_kernel = self.add_weight(
                shape=(width, width), initializer="zeros", name="out_kernel"
            )
            self.out_bias = self.add_weight(shape=(width,), initializer="zeros", name="out_bias")

        def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            return shape

        def call(self, inputs_BWD: Any, training: bool = False) -> Any:
            _, window, width = inputs_BWD.shape
            each = width // self.heads
            split = ops.reshape(
                ops.matmul(inputs_BWD, self.kernel) + self.bias,
                (-1, window, 3, self.heads, each),
            )
            query, key, value = (
                ops.transpose(split[:, :, part], (0, 2, 1, 3)) for part in range(3)
            )
            score_BAWW = ops.matmul(query / math.sqrt(each), ops.transpose(key, (0, 1, 3, 2)))
            weight_BAWW = self.dropout(ops.softmax(score_BAWW, -1), training=training)
            seen = ops.transpose(ops.matmul(weight_BAWW, value), (0, 2, 1, 3))
            seen = ops.reshape(seen, (-1, window, width))
            return ops.matmul(seen, self.out_kernel) + self.out_bias

    class Positions(Layer):  # type: ignore[misc]
        """Add to each bar of the window what its place in it means."""

        def build(self, shape: tuple[int | None, ...]) -> None:
            self.positions = self.add_weight(
                shape=tuple(shape[1:]), initializer="zeros", name="positions"
            )

        def call(self, inputs: Any) -> Any:
            return inputs + self.positions

    return {"dropout": Dropout, "attention": SelfAttention, "positions": Positions}
