"""Numba without what code here does not need, and a garbage collector that leaves it alone.

Where SciPy and coverage are installed, Numba loads SciPy's linear algebra, to know whether
``np.dot`` can be compiled, and all of coverage: a fifth of a second in every process. SciPy is then
loaded when a function that uses it is compiled, and not before.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from framework.imports import hidden

__all__ = ["numba", "seldom_collected"]

with hidden("coverage", "scipy"):
    import numba
    from numba.np import arraymath  # loaded with the first compiled function, otherwise

arraymath._HAVE_BLAS = find_spec("scipy") is not None

_USUALLY = gc.get_threshold()
_SELDOM = (50_000, 20, 20)
"""Objects after which the youngest are looked through, and how often that is before all are."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom: most of what compiling makes is kept, and walking it takes long."""
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*_USUALLY)
