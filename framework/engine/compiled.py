"""How the engine's functions are compiled: strict IEEE arithmetic, no cache of their own.

Only the loop over the bars is cached on disk (`simulate_bars`); a cached inner function would go
stale unnoticed when a function that it calls changes in another file.
"""

from __future__ import annotations

from typing import Any

from framework.compiler import numba
from framework.engine.linking import ForCompiledCallers, WithAllCalled

njit: Any = numba.njit  # its hints leave out `_nrt`: nothing here owns memory, so none is counted

_LIKE_C = {"error_model": "numpy", "nogil": True, "_nrt": False}

_INSIDE = _LIKE_C | {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": ForCompiledCallers,
}
"""Called by compiled code only: most of the compiling would go into ways in from Python."""

compiled = njit(**_INSIDE, forceinline=True)
"""For functions that keep out of the way of bars in which nothing happens."""

apart = njit(**_INSIDE, forceinline=False)  # left out, it is taken over from the caller
"""For rules that are mostly off, so that they do not swell the code around them."""

inlined = njit(**_LIKE_C, inline="always")
"""For the few functions that every bar goes through."""

cached = njit(**_LIKE_C, cache=True, pipeline_class=WithAllCalled)
"""For the loop, which calls all others."""
