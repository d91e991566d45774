"""Windows of bars that a model sees: which are complete, and gathering some of them at a time.

Legend: N pairs, T bars, F inputs, W bars of a window, K samples.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from framework.learning.rows import Rows
from framework.learning.training_data import Float32Array
from framework.types import BoolArray

Missing = Literal["drop", "zero"]


def complete(inputs_NTF: Float32Array, window: int, missing: Missing = "drop") -> BoolArray:
    """Return whether the window that ends at each bar can be learned from and predicted from.

    Parameters
    ----------
    inputs_NTF : (N, T, F) float32
        Not scaled.
    window : int
        Bars, the newest included.
    missing : {'drop', 'zero'}
        Whether each bar of the window must have all its inputs, or any of them.

    Returns
    -------
    (N, T) bool
        False at the first `window - 1` bars. Causal: later bars change nothing.
    """
    from framework.learning.kernels import complete_windows

    complete_NT = np.zeros(inputs_NTF.shape[:2], np.bool_)
    for pair, inputs_TF in enumerate(inputs_NTF):
        complete_NT[pair] = complete_windows(inputs_TF, window, missing == "drop")
    return complete_NT


def gather(
    scaled_NTF: Float32Array, rows: Rows, window: int, out: Float32Array | None = None
) -> Float32Array:
    """Copy the windows of K samples out of one matrix, in the order of the samples.

    Parameters
    ----------
    scaled_NTF : (N, T, F) float32
    rows : Rows
        No sample may end before bar `window - 1`.
    window : int
        Bars, the newest included.
    out : (K, W, F) float32, optional
        Written to and returned; None: a new one.

    Returns
    -------
    (K, W, F) float32

    Raises
    ------
    IndexError
        A window would begin before the first bar, or end after the last.
    """
    from framework.learning.kernels import gather_windows

    pairs, bars, inputs = scaled_NTF.shape
    wanted = (len(rows), window, inputs)
    if out is None:
        out = np.empty(wanted, np.float32)
    if out.shape != wanted:
        raise ValueError(f"out must be {wanted}, was {out.shape}")
    if len(rows) and not (
        window - 1 <= rows.bar.min()
        and rows.bar.max() < bars
        and 0 <= rows.pair.min()
        and rows.pair.max() < pairs
    ):
        raise IndexError(f"a window of {window} bars lies outside {pairs} pairs of {bars} bars")
    gather_windows(scaled_NTF, rows.pair, rows.bar, out)
    return out
