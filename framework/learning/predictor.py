"""Predicting any number of samples through one program of one shape.

So what is predicted of a sample is the same bit for bit, whether it is asked for alone or among
a hundred thousand.

Legend: N pairs, T bars, F inputs, W bars of a window, K samples, O values predicted of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from framework.learning.rows import Rows
from framework.learning.steps import BLOCKS, ROWS, Steps
from framework.learning.training_data import Float32Array
from framework.learning.windows import gather

_ALIGNED = 64  # bytes; XLA reads what begins on such a boundary where it lies


class Predictor:
    """Runs a network forward, on room of its own."""

    def __init__(self, steps: Steps) -> None:
        blueprint = steps.network.blueprint
        self._steps = steps
        self._window = blueprint.window
        self._windows = _room((BLOCKS * ROWS, blueprint.window, blueprint.inputs), np.float32)
        self._pairs = _room((BLOCKS * ROWS,), np.int32)

    def predict(
        self, weights: tuple[Any, ...], scaled_NTF: Float32Array, rows: Rows
    ) -> Float32Array:
        """Return what is predicted of K samples with complete windows, (K, O)."""
        parts = []
        for begin in range(0, len(rows), BLOCKS * ROWS):
            chosen = rows.take(slice(begin, begin + BLOCKS * ROWS))
            count = len(chosen)
            gather(scaled_NTF, chosen, self._window, out=self._windows[:count])
            self._pairs[:count] = chosen.pair
            made = self._steps.predict(
                weights,
                self._windows.reshape(BLOCKS, ROWS, *self._windows.shape[1:]),
                self._pairs.reshape(BLOCKS, ROWS),
                -(-count // ROWS),
            )
            parts.append(made.reshape(-1, made.shape[-1])[:count])
        if not parts:
            return np.zeros((0, 1), np.float32)
        return np.concatenate(parts)


def _room(shape: tuple[int, ...], kind: type) -> npt.NDArray[Any]:
    """Return zeros that begin on a boundary of `_ALIGNED` bytes."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    raw = np.zeros(size + _ALIGNED, np.uint8)
    first = -raw.ctypes.data % _ALIGNED
    return raw[first : first + size].view(kind).reshape(shape)
