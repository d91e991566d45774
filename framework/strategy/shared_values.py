"""Values that many plans share, in bounded memory: the longest unused are dropped first."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np

from framework.strategy.context import Value

_Key = tuple[int, int]  # of a view and a node


class SharedValues:
    """Keeps values for several threads.

    Parameters
    ----------
    once : frozenset of int
        Ids of nodes that nothing else will ask for: their values are not kept.
    cap_bytes : int
        Beyond it, values are dropped; who still holds one keeps it alive.
    """

    def __init__(self, once: frozenset[int], cap_bytes: int) -> None:
        self.computed = 0
        self._once = once
        self._cap = cap_bytes
        self._bytes = 0
        self._views = 0
        self._lock = Lock()
        self._values: OrderedDict[_Key, Value] = OrderedDict()

    def view(self) -> _View:
        """Return what keeps the values of one more context."""
        with self._lock:
            self._views += 1
            return _View(self, self._views)

    @property
    def bytes(self) -> int:
        """Memory of the arrays kept."""
        return self._bytes

    def read(self, key: _Key) -> Value:
        """Return a value, or raise KeyError."""
        with self._lock:
            value = self._values[key]
            self._values.move_to_end(key)
            return value

    def keep(self, key: _Key, value: Value) -> None:
        """Keep a value, dropping others where there is no room."""
        if key[1] in self._once:
            return
        with self._lock:
            self.computed += 1
            self._bytes += _size(value) - _size(self._values.get(key))
            self._values[key] = value
            self._values.move_to_end(key)
            while self._bytes > self._cap:
                _, dropped = self._values.popitem(last=False)
                self._bytes -= _size(dropped)

    def knows(self, key: _Key) -> bool:
        """Tell whether a value is kept."""
        return key in self._values


class _View:
    """The values of one context."""

    __slots__ = ("_shared", "_view")

    def __init__(self, shared: SharedValues, view: int) -> None:
        self._shared, self._view = shared, view

    def __getitem__(self, node: int, /) -> Value:
        return self._shared.read((self._view, node))

    def __setitem__(self, node: int, value: Value, /) -> None:
        self._shared.keep((self._view, node), value)

    def __contains__(self, node: object, /) -> bool:
        return isinstance(node, int) and self._shared.knows((self._view, node))


def _size(value: Any) -> int:
    """Return the bytes of an array or of several."""
    if isinstance(value, tuple):
        return sum(_size(array) for array in value)
    return value.nbytes if isinstance(value, np.ndarray) else 0
