"""Fitting on a given number of processor threads, on which the bits of sums depend."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Hold linear algebra and scikit-learn to some threads, one by default, and to no warnings."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads or 1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
