"""How the engine's functions are compiled: strict IEEE arithmetic, no cache of their own.

Only the loop over the bars is cached on disk (`simulate_bars`); a cached inner function would go
stale unnoticed when a function that it calls changes in another file.
"""

from __future__ import annotations

from typing import Any

from framework.compiler import numba

njit: Any = numba.njit  # its hints leave out `_nrt`: nothing here owns memory, so none is counted

compiled = njit(error_model="numpy", nogil=True, _nrt=False, forceinline=True)
"""For functions that keep out of the way of bars in which nothing happens."""

apart = njit(error_model="numpy", nogil=True, _nrt=False)
"""For rules that are mostly off, so that they do not swell the code around them."""

inlined = njit(error_model="numpy", nogil=True, _nrt=False, inline="always")
"""For the few functions that every bar goes through."""
