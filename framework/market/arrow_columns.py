"""Columns of Arrow tables as NumPy arrays, read from their buffers.

pyarrow's own conversions import pandas wherever it is installed, which takes longer than reading a
year of candles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def column_values(column: Any) -> npt.NDArray[Any]:
    """Return the values of a pyarrow column of numbers or texts.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
        Of integers, floats or texts; no text is missing.

    Returns
    -------
    (T,) array
        Of the column's type and read-only; float64 with NaN where numbers are missing.

    Examples
    --------
    >>> import pyarrow
    >>> column_values(pyarrow.chunked_array([[1, 2], [3]]))
    array([1, 2, 3])
    >>> column_values(pyarrow.array([1, None]))
    array([ 1., nan])
    """
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return np.array(array.to_pylist(), np.str_)
    if array.null_count:
        array = array.cast(pa.float64(), safe=False).fill_null(np.nan)
    dtype = np.dtype(array.type.to_pandas_dtype())
    if not len(array):
        return np.zeros(0, dtype)
    _, data = array.buffers()
    return np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
