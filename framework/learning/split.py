"""What one model may learn from: a train part, cut at its end, and a later piece of it to stop by.

Nothing after the end of the part is looked at: inputs, labels and weights are made of what had
closed by then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.errors import UserError
from framework.learning.label_values import label_values
from framework.learning.labels import Label
from framework.learning.rows import Int32Array, Rows
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.weights import sample_weights
from framework.learning.windows import Missing, complete
from framework.types import BoolArray, FloatArray, IntArray, Interval, format_time


def training_data(
    *,
    pairs: Sequence[str],
    interval: Interval,
    names: Sequence[str],
    time: IntArray,
    inputs_NTF: Float32Array,
    close_NT: FloatArray,
    traded_NT: BoolArray,
    label: Label | None,
    part_first: int,
    part_end: int,
    window: int,
    validation: float,
    missing: Missing = "drop",
) -> TrainingData:
    """Return what a model learns from in one train part.

    The last `validation` of the part's bars are set apart to stop early by. A sample's label rests
    on `horizon` bars ahead (purge), and as many more are left out behind those (embargo), before
    the first bar set apart as well as before the end of the part.

    Parameters
    ----------
    pairs, names : sequence of str
        Of the N pairs and the F inputs.
    interval : Interval
        Of the bars.
    time : (T,) int64
        Open times, UTC ns.
    inputs_NTF : (N, T, F) float32
        Not copied.
    close_NT : (N, T) float64
        Quote currency.
    traded_NT : (N, T) bool
        Whether somebody traded in each candle; no label is learned where nobody did.
    label : Label or None
        None: every bar with a complete window is a sample, and has no label.
    part_first, part_end : int
        Index of the part's first bar, and of the first one after it. Windows begin at the first;
        only the volatility that sets barriers also looks at closes before it.
    window : int
        Bars that one prediction sees.
    validation : float
        Share of the part's bars, its end; 0: none.
    missing : {'drop', 'zero'}
        Whether windows in which an input is missing are left out.

    Raises
    ------
    UserError
        No sample is left to learn from, or none to stop by.
    """
    part = slice(part_first, part_end)
    horizon = label.horizon if label else 0
    shape = (len(pairs), part_end - part_first)
    labels_NT = np.full(shape, np.nan, np.float32)
    last_NT: Int32Array = np.zeros(shape, np.int32)
    sample_NT = complete(inputs_NTF[:, part], window, missing)
    if label is not None:
        for pair in range(len(pairs)):
            labelled = label_values(label, close_NT[pair, :part_end], traded_NT[pair, :part_end])
            labels_NT[pair] = labelled.values[part_first:]
            last_NT[pair] = labelled.last[part_first:] - part_first
        sample_NT &= np.isfinite(labels_NT)

    bars = shape[1]
    tail = bars - int(bars * validation)
    bar_T = np.arange(bars)
    train = Rows.where(sample_NT & (bar_T < tail - 2 * horizon))
    stop = Rows.where(sample_NT & (bar_T >= tail) & (bar_T < bars - 2 * horizon))
    _refuse_empty(time[part], train, stop, window=window, horizon=horizon, validation=validation)

    weights_NT = np.zeros(shape, np.float32)
    for rows in (train, stop):
        weights_NT[rows.pair, rows.bar] = sample_weights(label, labels_NT, last_NT, rows)
    return TrainingData(
        pairs=tuple(pairs),
        interval=interval,
        inputs=tuple(names),
        time=time[part],
        inputs_NTF=inputs_NTF[:, part],
        labels_NT=labels_NT,
        weights_NT=weights_NT,
        classes=label.classes if label else 0,
        window=window,
        train=train,
        validation=stop,
    )


def _refuse_empty(
    time: IntArray, train: Rows, stop: Rows, *, window: int, horizon: int, validation: float
) -> None:
    """Raise a fault where samples are wanted and there are none."""
    if len(train) and (len(stop) or not validation):
        return
    span = f"{len(time)} bars from {format_time(time[0])}" if len(time) else "no bars"
    what = "stop early by" if len(train) else "learn from"
    raise UserError(
        f"model: nothing to {what} in a train part of {span}: a sample needs {window} bars with "
        f"all inputs before it and {2 * horizon} bars of label and embargo behind it, and "
        f"{validation:g} of the part is set apart to stop early by."
    )
