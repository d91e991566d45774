"""When Python looks for garbage: seldom while what is made is there to stay.

Imports, configuration and what a compiler makes are kept to the end. Looking through them again and
again as they grow, each time as many new objects are there as usual, is a quarter of a start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_USUALLY = gc.get_threshold()
_SELDOM = (50_000, 20, 20)
"""Objects after which the youngest are looked through, and how often that is before all are."""


def begin() -> None:
    """Look for garbage seldom from here on, until the start is over."""
    gc.set_threshold(*_SELDOM)


def settle() -> None:
    """After `begin`: leave alone what is there by now, and look for garbage as usual."""
    if gc.get_threshold() == _SELDOM:
        gc.freeze()
        gc.set_threshold(*_USUALLY)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom within."""
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
