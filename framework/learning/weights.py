"""How much each sample counts: labels that share bars share their weight, classes may weigh alike.

Source: López de Prado, Advances in Financial Machine Learning (2018), chapter 4.
"""

from __future__ import annotations

import numpy as np

from framework.learning.labels import Label
from framework.learning.rows import Int32Array, Rows
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray


def uniqueness(counted_T: BoolArray, last_T: Int32Array) -> FloatArray:
    """Return the average uniqueness of one pair's labels, 0 to 1.

    The label of bar t rests on the returns of the bars from t + 1 to its last. Where c labels rest
    on the return of a bar, each has 1 / c of it; a label's uniqueness is the mean of that over its
    bars (sections 4.3 and 4.4 of the book).

    Parameters
    ----------
    counted_T : (T,) bool
        Whether the label of each bar is among those learned from.
    last_T : (T,) int32
        The last bar whose close each counted label rests on, t + 1 or later.

    Returns
    -------
    (T,) float64
        0 where no label is counted.
    """
    from framework.learning.kernels import average_uniqueness

    unique_T: FloatArray = average_uniqueness(counted_T, last_T)
    return unique_T


def sample_weights(
    label: Label | None, labels_NT: Float32Array, last_NT: Int32Array, rows: Rows
) -> Float32Array:
    """Return the weight of each of K samples, (K,) float32, 1 on average.

    Parameters
    ----------
    label : Label or None
        None: all weigh the same.
    labels_NT : (N, T) float32
    last_NT : (N, T) int32
        The last bar whose close each label rests on.
    rows : Rows
        The samples; labels of other bars take no weight from them.
    """
    weights_K = np.ones(len(rows))
    if label is None or not len(rows):
        return weights_K.astype(np.float32)
    if label.weights == "uniqueness":
        counted_NT = np.zeros(labels_NT.shape, np.bool_)
        counted_NT[rows.pair, rows.bar] = True
        for pair in range(len(counted_NT)):
            of_pair_K = rows.pair == pair
            unique_T = uniqueness(counted_NT[pair], last_NT[pair])
            weights_K[of_pair_K] = unique_T[rows.bar[of_pair_K]]
    if label.balanced and label.classes:
        classes_K = labels_NT[rows.pair, rows.bar].astype(np.int64)
        total_C = np.bincount(classes_K, weights_K, label.classes)
        weights_K /= total_C[classes_K]
    weights_K /= weights_K.mean()
    return weights_K.astype(np.float32)
