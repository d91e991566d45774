"""An exchange's time, kept by asking, whatever is done to the local clock."""

from __future__ import annotations

from framework.exchange.connection import Connection
from framework.exchange.faults import Unreachable
from framework.feed.clock_offset import ClockOffset
from framework.interfaces import Clock
from framework.types import SECOND_NS

_SAMPLES = 3
_REFRESH_S = 60
_JUMP_NS = SECOND_NS


class ExchangeTime:
    """Shows the exchange's time as of the last `pass_`, while it is `sure`.

    Parameters
    ----------
    connection : Connection
    clock : Clock
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._offset = ClockOffset()
        self._local_ns = clock.now_ns()
        self.sure = False
        """Whether it was measured since the local clock last jumped."""
        self.now_ns = 0
        """UTC; stands still while it is not sure."""

    async def start(self) -> None:
        """Measure for the first time; raise what the connection raises."""
        for _ in range(_SAMPLES):
            await self._ask()
        self._local_ns = self._clock.now_ns()
        self.sure = self._offset.known
        self._show()

    async def pass_(self, seconds: float) -> None:
        """Wait, and notice if the local clock was set meanwhile."""
        await self._clock.sleep(seconds)
        local_ns = self._clock.now_ns()
        passed_ns = local_ns - self._local_ns
        self._local_ns = local_ns
        if abs(passed_ns - round(seconds * SECOND_NS)) > _JUMP_NS:
            self._offset.forget()
            self.sure = False
        self._show()

    async def keep(self) -> None:
        """Measure again now and then, and at once when the local clock has jumped."""
        waited_s = 0
        while True:
            await self._clock.sleep(1)
            waited_s += 1
            if self.sure and waited_s < _REFRESH_S:
                continue
            try:
                await self._ask()
            except Unreachable:
                continue
            waited_s = 0
            self.sure = self._offset.known

    async def _ask(self) -> None:
        sent_ns = self._clock.now_ns()
        exchange_ns = await self._connection.time()
        self._offset.add(sent_ns, exchange_ns, self._clock.now_ns())

    def _show(self) -> None:
        if self.sure:
            self.now_ns = self._local_ns + self._offset.ns
