"""Decision trees as plain arrays, whichever library grew them, and the sums of their leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from framework.learning.rows import Int32Array
from framework.models.seen import Seen
from framework.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trees:
    """M binary trees of V nodes in all, one after another.

    A sample goes left where its column is at most the threshold. Its columns are its window of
    inputs, the oldest bar first.

    Parameters
    ----------
    root : (M,) int32
        First node of each tree.
    column : (V,) int32
        What a node asks; -1 at a leaf.
    left, right : (V,) int32
        The nodes that follow; of no meaning at a leaf.
    threshold : (V,) float64
        0 at a leaf.
    value : (V,) float64
        Of a leaf; 0 elsewhere.
    gain : (V,) float64
        How much a split improved the fit; 0 at a leaf.
    """

    root: Int32Array
    column: Int32Array
    left: Int32Array
    right: Int32Array
    threshold: FloatArray
    value: FloatArray
    gain: FloatArray

    def __len__(self) -> int:
        return len(self.root)

    @classmethod
    def of(cls, arrays: Mapping[str, Any], prefix: str = "") -> Self:
        """Return the trees that gave `arrays`; others among them are passed over."""
        return cls(**{field.name: arrays[prefix + field.name] for field in fields(cls)})

    def arrays(self, prefix: str = "") -> dict[str, Any]:
        """Return all that `of` needs, by name."""
        return {prefix + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def none(cls) -> Self:
        """Return no trees."""
        whole, real = np.empty(0, np.int32), np.empty(0)
        links = {"root": whole, "column": whole, "left": whole, "right": whole}
        return cls(**links, threshold=real, value=real, gain=real)

    @classmethod
    def joined(cls, groups: Sequence[Trees]) -> Self:
        """Return the trees of several groups, one group after another."""
        sizes = [len(group.column) for group in groups]
        starts = np.cumsum([0, *sizes[:-1]], dtype=np.int32)

        def end_to_end(name: str) -> Any:
            parts = [getattr(group, name) for group in groups]
            if name in ("root", "left", "right"):
                parts = [part + start for part, start in zip(parts, starts, strict=True)]
            return np.concatenate(parts)

        return cls(**{field.name: end_to_end(field.name) for field in fields(cls)})

    def first(self, count: int) -> Self:
        """Return the first `count` trees."""
        end = int(self.root[count]) if count < len(self) else len(self.column)
        cut = {field.name: getattr(self, field.name)[:end] for field in fields(self)}
        return type(self)(**cut | {"root": self.root[:count]})

    def gains(self, columns: int) -> FloatArray:
        """Return the gain of all splits on each column, (columns,)."""
        split = self.column >= 0
        gains: FloatArray = np.bincount(
            self.column[split], self.gain[split], minlength=columns
        ).astype(np.float64)
        return gains

    def sums(self, seen: Seen, window: int, groups: int) -> FloatArray:
        """Return the sums of the leaves that the windows seen fall into.

        Trees take turns over the groups; within one they are added in their order, whatever else
        is asked for.

        Returns
        -------
        (groups, N, T) float64
            NaN where the window is not complete.

        Raises
        ------
        ValueError
            The trees ask for more columns than a window has.
        """
        from framework.models.tree_kernels import leaf_sums

        pairs, bars, inputs = seen.inputs_NTF.shape
        asked = int(self.column.max(initial=-1)) + 1
        if asked > window * inputs:
            raise ValueError(f"trees of {asked} columns see windows of {window} x {inputs}")
        shape = (groups, pairs, bars - seen.first)
        sums = np.full(shape, np.nan)
        nodes = (self.root, self.column, self.left, self.right, self.threshold, self.value)
        for pair, inputs_TF in enumerate(seen.inputs_NTF):
            complete_T = seen.complete_NT[pair]
            leaf_sums(inputs_TF, complete_T, seen.first, window, *nodes, sums[:, pair])
        return sums
