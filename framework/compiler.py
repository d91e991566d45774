"""Numba without what code here does not need.

Where SciPy and coverage are installed, Numba loads SciPy's linear algebra, to know whether
``np.dot`` can be compiled, and all of coverage: a fifth of a second in every process. SciPy is then
loaded when a function that uses it is compiled, and not before.
"""

from __future__ import annotations

from importlib.util import find_spec

from framework.imports import hidden

__all__ = ["numba"]

with hidden("coverage", "scipy"):
    import numba
    from numba.np import arraymath  # loaded with the first compiled function, otherwise

arraymath._HAVE_BLAS = find_spec("scipy") is not None
