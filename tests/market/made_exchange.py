"""An exchange whose rows are handed to it, and that remembers what it was asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.config.component import component
from framework.errors import OutsideFault
from framework.exchange.contract import Exchange


@component
class MadeExchange(Exchange):
    """Serve `source`, whole days from its first row to its last."""

    name: str = "made"
    source: Any = None
    native: Any = None
    fail_after: int = 10**9
    calls: Any = None

    @classmethod
    def of(cls, source, **fields):
        """Return the exchange of the rows `source`."""
        return cls(source=source, calls=[], **fields)

    def offered_pairs(self):
        """Return the one pair."""
        return (self.source.pair,)

    def native_interval(self, pair):
        """Return what it was made with."""
        return self.native

    def default_span(self, pair, interval):
        """Return the range of the rows."""
        return int(self.source.time[0]), int(self.source.time[-1]) + interval.ns

    def rows(self, pair, interval, start_ns, end_ns):
        """Return the rows in the range and remember the call."""
        if len(self.calls) >= self.fail_after:
            raise OutsideFault("exchange made does not answer.")
        self.calls.append((pair, start_ns, end_ns))
        inside = (self.source.time >= start_ns) & (self.source.time < end_ns)
        return self.source.take(np.flatnonzero(inside))
