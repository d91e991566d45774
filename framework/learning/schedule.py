"""Trained models in the order of time: at each bar the newest one predicts that had not seen it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from framework.learning.model import TrainedModel
from framework.learning.training_data import Float32Array
from framework.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Stage:
    """One trained model.

    Parameters
    ----------
    fold : int
        It was fitted in, from 1.
    start_ns, end_ns : int
        Open times [start, end) of the bars it learned from, UTC. Labels reach to `end_ns` and no
        further: it may predict from that bar on.
    trained : TrainedModel
        Itself.
    """

    fold: int
    start_ns: int
    end_ns: int
    trained: TrainedModel


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which model predicts when.

    Parameters
    ----------
    outputs : tuple of str
        What each of them predicts.
    stages : tuple of Stage
        In the order of `end_ns`; the last one has no end.
    sees : int, optional
        Bars that one prediction rests on, the newest included; None: all before it.
    """

    outputs: tuple[str, ...]
    stages: tuple[Stage, ...]
    sees: int | None = None

    def first(self, time: IntArray) -> int:
        """Return the index of the first of T bars at which a model predicts; T: at none."""
        return int(np.searchsorted(time, self.stages[0].end_ns))

    def begin(self, first: int) -> int:
        """Return the index of the first bar that predictions from bar `first` on rest on."""
        return 0 if self.sees is None else max(first - self.sees + 1, 0)

    def predict(
        self,
        inputs_NTF: Float32Array,
        time: IntArray,
        first: int = 0,
        advance: Callable[[int], None] = lambda bars: None,
    ) -> dict[str, FloatArray]:
        """Predict at every bar from `first` on, out of sample.

        Parameters
        ----------
        inputs_NTF : (N, T, F) float32
            What the models see.
        time : (T,) int64
            Open times, UTC ns.
        first : int
            Bars before it are left without a prediction.
        advance : callable
            Told the number of bars predicted, model by model.

        Returns
        -------
        dict of str to (T, N) float64
            NaN where no model had been trained yet, or a window is incomplete.
        """
        pairs, bars = inputs_NTF.shape[:2]
        columns: dict[str, FloatArray] = {
            name: np.full((bars, pairs), np.nan, order="F") for name in self.outputs
        }
        edges = [*(int(np.searchsorted(time, stage.end_ns)) for stage in self.stages), bars]
        for stage, (begin, end) in zip(self.stages, pairwise(edges), strict=True):
            begin = max(begin, first)
            if begin < end:
                predicted = stage.trained.predict(inputs_NTF[:, :end], begin)
                for name in self.outputs:
                    columns[name][begin:end] = predicted[name]
                advance(end - begin)
        return columns
