"""What the exchanges that are reached through ccxt share as choices of a configuration."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from framework.config.component import component
from framework.exchange.ccxt_connection import CcxtConnection
from framework.exchange.live_exchange import LiveExchange
from framework.exchange.rate_budget import RateBudget
from framework.interfaces import Clock


@component
class CcxtExchange(LiveExchange):
    """An exchange on the network, through ccxt."""

    connection: ClassVar[type[CcxtConnection]]
    """How it is talked to."""

    per_second: ClassVar[float]
    """Cost of requests that may be spent a second; a part of what the exchange allows."""

    burst: ClassVar[float]
    """Cost that may be spent at once after a rest."""

    @property
    def in_sandbox(self) -> bool:
        """Whether the exchange's test network is meant."""
        return False

    def connect(self, clock: Clock) -> CcxtConnection:
        """Return a way to the exchange, to be used in the event loop that runs now."""
        # Another address or network is another exchange, which counts for itself.
        place = self.url or ("sandbox" if self.in_sandbox else "")
        return self.connection(
            self.name,
            clock,
            RateBudget(f"{self.connection.ccxt_name} {place}".strip(), self.per_second, self.burst),
            np.random.default_rng(clock.now_ns()),
            symbols=self.symbols,
            url=self.url,
            socket_url=self.socket_url,
            timeout_s=self.timeout,
            retries=self.retries,
            sandbox=self.in_sandbox,
        )
