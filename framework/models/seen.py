"""What a model sees of the bars it predicts at: no more than their windows, scaled if it scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from framework.learning.model import Model
from framework.learning.scaler import FittedScaler
from framework.learning.training_data import Float32Array
from framework.learning.windows import Missing, complete
from framework.types import BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The windows of some bars.

    Parameters
    ----------
    inputs_NTF : (N, T, F) float32
        From the first bar of the first window on.
    complete_NT : (N, T) bool
        Whether the window that ends at each bar is complete.
    first : int
        Index among them of the first bar to predict at.
    """

    inputs_NTF: Float32Array
    complete_NT: BoolArray
    first: int

    @classmethod
    def by(
        cls, model: Model, scaler: FittedScaler | None, inputs_NTF: Float32Array, first: int
    ) -> Self:
        """Return what `model` sees at the bars from `first` on."""
        begin = max(first - model.window + 1, 0)
        own_NTF = inputs_NTF[:, begin:]
        complete_NT = complete(own_NTF, model.window, model.missing)
        return cls(scaled(own_NTF, scaler, model.missing), complete_NT, first - begin)


def scaled(inputs_NTF: Float32Array, scaler: FittedScaler | None, missing: Missing) -> Float32Array:
    """Return the inputs as a model takes them; without a scaler they are not copied in vain."""
    if scaler is not None:
        return scaler.transform(inputs_NTF, missing=missing)
    if missing == "zero":
        return np.where(np.isfinite(inputs_NTF), inputs_NTF, np.float32(0))
    return inputs_NTF
