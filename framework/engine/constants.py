"""Constants of compiled code that do not multiply the functions compiled."""

from __future__ import annotations

from typing import cast

import numpy as np


def constant(value: int) -> int:
    """Return `value` as a machine integer like any other.

    To Numba a plain integer is a type of its own: a function called with twenty reasons would be
    compiled twenty times.

    Examples
    --------
    >>> int(constant(3))
    3
    """
    return cast(int, np.int64(value))
