"""The orders hash: two runs traded identically if and only if it is equal."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence

import numpy as np

from framework.records import EVENT, Kind
from framework.types import Interval, RecordArray

_CANONICAL = np.dtype([(name, EVENT[name].newbyteorder("<")) for name in EVENT.names or ()])
_AS_IT_LIES = sys.byteorder == "little" and _CANONICAL.itemsize == EVENT.itemsize
"""Whether an event in memory is canonical already: without padding, little-endian."""


class OrdersHash:
    """SHA-256 over pairs, interval and every decision and fill in order; vetoes do not count.

    Parameters
    ----------
    pairs : sequence of str
        In the order of the account.
    interval : Interval
        Of the strategy.

    Examples
    --------
    >>> from framework.types import Interval
    >>> whole = OrdersHash(["BTC-AUD"], Interval.parse("15m"))
    >>> whole.update(np.zeros(0, EVENT))
    >>> whole.hexdigest()[:8]
    '078e13f4'
    """

    def __init__(self, pairs: Sequence[str], interval: Interval) -> None:
        self._hasher = hashlib.sha256(f"{','.join(pairs)} {interval}\n".encode())

    def update(self, events: RecordArray) -> None:
        """Go on with `events` (E,) EVENT; how a ledger is divided into calls changes nothing."""
        kinds = events["kind"]
        counts = (kinds == Kind.DECIDED) | (kinds == Kind.FILLED)
        traded = np.ascontiguousarray(events) if counts.all() else events[counts]
        if _AS_IT_LIES:
            self._hasher.update(traded.view(np.uint8).data)
            return
        packed = np.empty(len(traded), _CANONICAL)  # without the padding of EVENT
        for name in EVENT.names or ():
            packed[name] = traded[name]
        self._hasher.update(packed.tobytes())

    def hexdigest(self) -> str:
        """Return the hash so far as 64 hexadecimal digits."""
        return self._hasher.hexdigest()
