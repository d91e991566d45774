"""Numba, imported without what it looks for at once but compiled code here does not need.

Where SciPy and coverage are installed, Numba loads SciPy's linear algebra, to know whether
``np.dot`` can be compiled, and all of coverage: a fifth of a second in every process. SciPy is then
loaded when a function that uses it is compiled, and not before.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["numba"]


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Make imports of packages that are not loaded yet fail meanwhile."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _hidden("coverage", "scipy"):
    import numba
    from numba.np import arraymath  # loaded with the first compiled function, otherwise

arraymath._HAVE_BLAS = find_spec("scipy") is not None
