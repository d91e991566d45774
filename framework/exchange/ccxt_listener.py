"""Listening to one exchange through ccxt, from one connection's beginning to its end."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from framework.errors import FrameworkError
from framework.exchange.connection import Channel, Heard, HeardBeat, Listening
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.http_faults import speaks_of_limits
from framework.exchange.wire_values import Unreadable
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.ccxt_connection import CcxtConnection

_BEAT = HeardBeat()
_PASSING = re.compile(
    r"\brate\b|too many|exceeded|busy|unavailable|internal|try again|timed? ?out", re.IGNORECASE
)
"""Said of what may be declined now and allowed later."""


class OfPair(Protocol):
    """What an exchange tells of a pair."""

    @property
    def pair(self) -> str:
        """``BASE-QUOTE``."""


Told = TypeVar("Told", bound=OfPair)


class _Defect(Exception):
    """Whoever is told what is heard could not take it; the cause says why."""


class CcxtListener(ABC):
    """Reads every frame of one connection, once and in order.

    A subclass tells ccxt what to subscribe to and reads the frames. Whatever it raises while
    reading ends the connection.

    Parameters
    ----------
    connection : CcxtConnection
    pairs : sequence of str
    interval : Interval
        Of candles.
    channels : frozenset of Channel
        Those offered.
    hear : callable
        Told what is heard.
    """

    def __init__(
        self,
        connection: CcxtConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        self.connection = connection
        self.pairs = tuple(pairs)
        self.pair_of = {connection.market_id(pair): pair for pair in pairs}
        """By what the exchange calls them."""
        self.interval = interval
        self.channels = channels
        self._tell = hear
        from framework.exchange.ccxt_client import read_frame  # with ccxt, on first use

        self.client: Any = None
        self._parse = read_frame
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = False

    @abstractmethod
    def watches(self) -> list[Coroutine[Any, Any, Any]]:
        """Return ccxt's calls that make the subscriptions; what they return is not looked at."""

    @abstractmethod
    def take(self, message: Any) -> bool:
        """Read one frame, tell what it says, and return whether it was of use.

        Raises
        ------
        ExchangeFault or UserError
            The connection is of no use any more, such as a declined subscription.
        Unreadable
        """

    def markets(self) -> list[dict[str, Any]]:
        """Return the markets listened to, as ccxt wants them to make its subscriptions."""
        return [
            self.client.safe_market_structure(
                {
                    "id": self.connection.market_id(pair),
                    "lowercaseId": self.connection.market_id(pair).lower(),
                    "symbol": pair.replace("-", "/"),
                    "base": pair.split("-")[0],
                    "quote": pair.split("-")[1],
                    "type": "spot",
                    "spot": True,
                    "contract": False,
                    "active": True,
                }
            )
            for pair in self.pairs
        ]

    @property
    def symbols(self) -> list[str]:
        """What ccxt calls the pairs."""
        return [pair.replace("-", "/") for pair in self.pairs]

    def read(self, text: str) -> Any:
        """Return a frame's content."""
        return self._parse(text)

    async def run(self) -> None:
        """Listen until the connection ends; never returns."""
        self.client = self.connection.open_client(heard=self.heard, ended=self._ended)
        watching: list[asyncio.Task[Any]] = []
        try:
            self.client.set_markets(self.markets())
            watching = [asyncio.create_task(watch) for watch in self.watches()]
            await asyncio.wait([self._end, *watching], return_when=asyncio.FIRST_COMPLETED)
            await self._raise(watching)
        finally:
            tasks = [*watching, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._end.cancel()
            await self.client.close()

    def hear(self, heard: Heard) -> None:
        """Tell what is heard; what goes wrong there is no fault of the exchange's."""
        try:
            self._tell(heard)
        except Exception as defect:
            raise _Defect from defect

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside reading; where it fails, the connection ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def send(self, message: dict[str, Any]) -> None:
        """Send a frame on the only socket there is."""
        (socket,) = self.client.clients.values()
        await socket.send(message)

    def confirmed(self) -> None:
        """Say that all that was subscribed to is confirmed."""
        if not self._listening:
            self._listening = True
            self.hear(Listening())

    def asked_for(self, told: list[Told]) -> list[Told]:
        """Return what was told; raise Unreadable unless all of it is of pairs listened to."""
        for one in told:
            if one.pair not in self.pairs:
                raise Unreadable(f"pair {one.pair[:40]}, which was not asked for")
        return told

    def declined(self, code: object, said: object) -> None:
        """End the connection, since the exchange declined something."""
        self.later(self._declined(str(code), str(said)))

    def heard(self, text: str) -> None:
        """Take one frame, of which nobody wants to hear once the connection has ended."""
        if self._end.done():
            return
        if not text or not self.take(self.read(text)):
            self.hear(_BEAT)

    def _ended(self, reason: BaseException) -> None:
        if not self._end.done():
            self._end.set_exception(reason)
            self._end.exception()  # asyncio need not warn that nobody looked

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (reason := task.exception()) is not None:
            self._ended(reason)

    async def _declined(self, code: str, said: str) -> None:
        """Raise why the exchange declined."""
        from ccxt import ExchangeError

        from framework.exchange.ccxt_faults import fault_of

        kind = self.client.exceptions.get("exact", {}).get(code, ExchangeError)
        fault = fault_of(self.connection.name, "subscription", kind(f"{said} (code {code})"))
        if isinstance(fault, Refused):
            what = f"subscription: {said[:160]}"
            if speaks_of_limits(said):
                raise TooOften(self.connection.name, what)
            if _PASSING.search(said):
                raise Unreachable(self.connection.name, what)
            known = await self.connection.markets()
            unknown = [pair for pair in self.pairs if pair not in known]
            if unknown:
                raise await self.connection.unknown_markets(unknown)
        raise fault

    async def _raise(self, watching: list[asyncio.Task[Any]]) -> None:
        """Raise why the connection ended."""
        from framework.exchange.ccxt_faults import fault_of

        reason: BaseException | None = None
        for ended in (self._end, *watching):
            if reason is None and ended.done() and not ended.cancelled():
                reason = ended.exception()
        if isinstance(reason, _Defect) and reason.__cause__ is not None:
            raise reason.__cause__
        if isinstance(reason, FrameworkError):
            raise reason
        name = self.connection.name
        if reason is None:
            raise Unreachable(name, "the connection ended")
        raise fault_of(name, "connection", reason) from reason
