"""What one model is fitted on: inputs, labels and weights up to a moment, and nothing beyond it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from framework.learning.rows import Rows
from framework.types import IntArray, Interval

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingData:
    """Inputs and labels of N pairs over the T bars that a model may learn from.

    Nothing in it depends on a candle after the last of its bars.

    Parameters
    ----------
    pairs : tuple of str
        N.
    interval : Interval
        Of the bars.
    inputs : tuple of str
        Names of the F inputs.
    time : (T,) int64
        Open times, UTC ns.
    inputs_NTF : (N, T, F) float32
        As computed from the candles, not scaled; NaN where an input has no value.
    labels_NT : (N, T) float32
        What is to be predicted at each bar: a class counted from 0, or a value; NaN where none is
        known within the bars.
    weights_NT : (N, T) float32
        How much each sample counts; 0 where it does not.
    classes : int
        Number of classes; 0 where the labels are values.
    window : int
        Bars that one prediction sees.
    train, validation : Rows
        Samples to fit on, and later ones to stop early by; no label of the first reaches into the
        second.
    """

    pairs: tuple[str, ...]
    interval: Interval
    inputs: tuple[str, ...]
    time: IntArray
    inputs_NTF: Float32Array
    labels_NT: Float32Array
    weights_NT: Float32Array
    classes: int
    window: int
    train: Rows
    validation: Rows

    def labels(self, rows: Rows) -> Float32Array:
        """Return the labels of K samples, (K,)."""
        return self.labels_NT[rows.pair, rows.bar]

    def weights(self, rows: Rows) -> Float32Array:
        """Return the weights of K samples, (K,)."""
        return self.weights_NT[rows.pair, rows.bar]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything in it, as a hexadecimal string."""
        head = (self.pairs, str(self.interval), self.inputs, self.classes, self.window)
        hasher = hashlib.sha256(repr(head).encode())
        for rows in (self.train, self.validation):
            hasher.update(repr(len(rows)).encode())
        for array in (
            *(self.time, self.inputs_NTF, self.labels_NT, self.weights_NT),
            *(self.train.pair, self.train.bar, self.validation.pair, self.validation.bar),
        ):
            for piece in (
                array if array.ndim > 1 else (array,)
            ):  # a cut of pairs is not copied whole
                hasher.update(np.ascontiguousarray(piece).data)
        return hasher.hexdigest()
