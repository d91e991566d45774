"""Which bars of which pairs are learned from: samples by index, never copied windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """K samples; each is a bar of a pair, and stands for the window of bars that ends with it.

    Parameters
    ----------
    pair, bar : (K,) int32
        Indices into pairs and bars, ordered by bar and then by pair.
    """

    pair: Int32Array
    bar: Int32Array

    def __len__(self) -> int:
        return len(self.bar)

    def take(self, chosen: npt.NDArray[np.integer] | slice) -> Self:
        """Return the samples at some positions."""
        return type(self)(self.pair[chosen], self.bar[chosen])

    @classmethod
    def where(cls, wanted_NT: npt.NDArray[np.bool_]) -> Self:
        """Return the samples at which `wanted_NT`, of shape (N, T), holds."""
        bar, pair = np.nonzero(wanted_NT.T)
        return cls(pair.astype(np.int32), bar.astype(np.int32))
