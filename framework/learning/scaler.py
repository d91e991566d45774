"""Bringing inputs to one scale, measured on the bars that are learned from and on no others.

Legend: N pairs, P pairs measured apart (N, or 1 for all together), T bars, F inputs, Q knots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import PositiveFloat

from framework.config.component import component
from framework.learning.rows import Rows
from framework.learning.training_data import Float32Array
from framework.learning.windows import Missing
from framework.types import FloatArray

_QUARTILES = 2 * NormalDist().inv_cdf(0.75)  # between those of a normal, in standard deviations
_KNOTS = 255
_LEVELS = (np.arange(_KNOTS) + 0.5) / _KNOTS
_UPPER = [NormalDist().inv_cdf(level) for level in _LEVELS[_KNOTS // 2 + 1 :]]
_NORMAL = np.array([*(-z for z in reversed(_UPPER)), 0.0, *_UPPER])  # symmetric to the last bit


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedScaler:
    """A scaler as it was measured; it never changes.

    Parameters
    ----------
    centre, scale : (P, F) float64
        In units of the inputs.
    knots : (P, F, Q) float64
        Quantiles of each input, ascending; Q is 0 where the scaler is not one by rank.
    clip : float
        Largest size of what is given; infinite: no bound.
    """

    centre: FloatArray
    scale: FloatArray
    knots: FloatArray
    clip: float

    def transform(
        self,
        inputs_NTF: Float32Array,
        out: Float32Array | None = None,
        missing: Missing = "drop",
    ) -> Float32Array:
        """Return the inputs scaled, each by itself.

        Parameters
        ----------
        inputs_NTF : (N, T, F) float32
        out : (N, T, F) float32, optional
            Written to and returned, and may be `inputs_NTF`; None: a new one.
        missing : {'drop', 'zero'}
            Whether what is not finite becomes NaN or 0.

        Returns
        -------
        (N, T, F) float32
        """
        from framework.learning.kernels import scale_by_rank, scale_evenly

        if out is None:
            out = np.empty(inputs_NTF.shape, np.float32)
        instead = np.nan if missing == "drop" else 0.0
        for n, (inputs_TF, out_TF) in enumerate(zip(inputs_NTF, out, strict=True)):
            p = n if len(self.centre) > 1 else 0
            if self.knots.shape[2]:
                scale_by_rank(inputs_TF, self.knots[p], _NORMAL, self.clip, instead, out_TF)
            else:
                centre_F, scale_F = self.centre[p], self.scale[p]
                scale_evenly(inputs_TF, centre_F, scale_F, self.clip, instead, out_TF)
        return out

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that `of` needs, by name."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "knots": self.knots,
            "clip": np.float64(self.clip).reshape(1),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the scaler that gave `arrays`; others among them are passed over."""
        return cls(
            centre=arrays["centre"],
            scale=arrays["scale"],
            knots=arrays["knots"],
            clip=float(arrays["clip"].reshape(1)[0]),
        )


@component
class Scaler:
    """How inputs are brought to one scale; it is measured on the samples learned from only."""

    kind: Literal["standard", "robust", "quantile", "none"] = "robust"
    """By mean and standard deviation; by median and quartiles, in standard deviations of a normal;
    by rank, as quantiles of a normal; or not at all."""

    per_pair: bool = True
    """Whether each pair is measured by itself, or all of them together."""

    clip: PositiveFloat | None = 5.0
    """Bound on the size of a scaled input, where outliers end; null: none. Without scaling there
    is none."""

    def fit(self, inputs_NTF: Float32Array, rows: Rows) -> FittedScaler:
        """Measure at the bars of the samples.

        A pair without a sample is measured as all pairs together. An input that is always the same
        becomes 0.

        Parameters
        ----------
        inputs_NTF : (N, T, F) float32
        rows : Rows
            Samples; their own bars count, those before them in their windows do not.
        """
        pairs, _, inputs = inputs_NTF.shape
        groups = [[pair] for pair in range(pairs)] if self.per_pair else [list(range(pairs))]
        bars = [rows.bar[rows.pair == pair] for pair in range(pairs)]
        knots = _KNOTS if self.kind == "quantile" else 0
        centre = np.zeros((len(groups), inputs))
        scale = np.ones((len(groups), inputs))
        knots_PFQ = np.zeros((len(groups), inputs, knots))
        for p, group in enumerate(groups):
            for f in range(inputs):
                values = _values(inputs_NTF, group, bars, f)
                if not len(values):
                    values = _values(inputs_NTF, range(pairs), bars, f)
                if not len(values):
                    continue
                if knots:
                    knots_PFQ[p, f] = np.quantile(values, _LEVELS)
                elif self.kind != "none":
                    centre[p, f], scale[p, f] = self._measure(values)
        clip = np.inf if self.clip is None or self.kind == "none" else self.clip
        return FittedScaler(centre=centre, scale=scale, knots=knots_PFQ, clip=clip)

    def _measure(self, values: FloatArray) -> tuple[float, float]:
        """Return centre and scale of values; of a robust one without quartiles apart, the std."""
        if values.min() == values.max():
            return float(values[0]), 1.0
        if self.kind == "standard":
            return float(values.mean()), float(values.std())
        low, centre, high = np.quantile(values, (0.25, 0.5, 0.75))
        spread = (high - low) / _QUARTILES
        return float(centre), float(spread if spread > 0 else values.std())


def _values(
    inputs_NTF: Float32Array,
    group: list[int] | range,
    bars: list[npt.NDArray[np.int32]],
    f: int,
) -> FloatArray:
    """Return one input's finite values at the samples of some pairs."""
    values = np.concatenate([inputs_NTF[pair, bars[pair], f] for pair in group], dtype=np.float64)
    return values[np.isfinite(values)]
