"""The axes of a sweep as levels: which values each had, in order, and which one each trial took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from framework.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One swept key.

    Parameters
    ----------
    name : str
        The key, such as ``strategy.params.fast``.
    values : tuple
        Its different values: numbers from low to high, all else in the order in which they came.
    numeric : bool
        Whether all values are numbers.
    level : (P,) int64
        Index into `values` for each trial.
    """

    name: str
    values: tuple[Any, ...]
    numeric: bool
    level: IntArray

    @property
    def label(self) -> str:
        """Last part of the name."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def scaled(self) -> FloatArray:
        """Rank of each trial's value among the values, 0 to 1 (P,)."""
        return self.level / max(len(self.values) - 1, 1)

    def binned(self, most: int) -> tuple[IntArray, tuple[str, ...]]:
        """Return a bin for each trial (P,) and the bins' labels, `most` at most.

        Values keep a bin of their own where there are few enough; else numbers are put together so
        that bins hold about as many trials, and what is no number keeps its most frequent values,
        the last bin holding the rest.
        """
        count = len(self.values)
        if count <= most:
            return self.level, tuple(written(value) for value in self.values)
        trials = np.bincount(self.level, minlength=count)
        if not self.numeric:
            kept = np.sort(np.argsort(-trials, kind="stable")[: most - 1])
            bin_of = np.full(count, most - 1)
            bin_of[kept] = np.arange(most - 1)
            labels = [written(self.values[index]) for index in kept.tolist()]
            return bin_of[self.level], (*labels, "others")
        middle = np.cumsum(trials) - trials / 2.0
        bin_of = np.minimum((middle / len(self.level) * most).astype(np.int64), most - 1)
        used, bin_of = np.unique(bin_of, return_inverse=True)
        edges = np.searchsorted(bin_of, np.arange(len(used) + 1))
        ends = [(self.values[low], self.values[high - 1]) for low, high in pairwise(edges.tolist())]
        return bin_of[self.level], tuple(
            written(low) if low == high else f"{written(low)} to {written(high)}"
            for low, high in ends
        )


def read_axes(params: Mapping[str, Sequence[Any]]) -> tuple[Axis, ...]:
    """Return the axes with more than one value.

    Parameters
    ----------
    params : mapping of str to sequence
        The value of each trial under each key.

    Examples
    --------
    >>> [axis] = read_axes({"fast": [20, 5, 20], "slow": [50, 50, 50]})
    >>> axis.values, axis.level.tolist()
    ((5, 20), [1, 0, 1])
    """
    found = []
    for name, column in params.items():
        values = [_plain(value) for value in column]
        numeric = all(_is_number(value) for value in values)
        different = list(dict.fromkeys(values))
        if len(different) < 2:
            continue
        if numeric:
            different.sort()
        place = {value: index for index, value in enumerate(different)}
        level = np.array([place[value] for value in values], np.int64)
        found.append(Axis(name, tuple(different), numeric, level))
    return tuple(found)


def described(axes: Sequence[Axis], row: int) -> str:
    """Return what a trial took on each axis.

    Examples
    --------
    >>> described(read_axes({"params.fast": [20, 5], "risk": ["off", "on"]}), 1)
    'fast 5, risk on'
    """
    return ", ".join(f"{axis.label} {written(axis.values[axis.level[row]])}" for axis in axes)


def written(value: object) -> str:
    """Return a value as it is shown: numbers with at most four significant digits.

    Examples
    --------
    >>> written(0.123456), written(12), written(True), written("a")
    ('0.1235', '12', 'true', 'a')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _plain(value: Any) -> Any:
    """Return a value that can be compared and looked up."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
