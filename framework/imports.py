"""Import a package without what it would import only in case somebody needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Make imports of packages that are not loaded yet fail meanwhile.

    Parameters
    ----------
    *names : str
        Packages that the imported one does without when they are not installed.
    """
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
