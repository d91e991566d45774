"""BTC Markets' socket: subscribes, reads every frame, and asks for broken books anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from framework.exchange.book_repair import BookRepair
from framework.exchange.btcmarkets_book import BookKeeper, Outcome
from framework.exchange.btcmarkets_values import trade_of
from framework.exchange.connection import (
    Channel,
    Heard,
    HeardBeat,
    HeardBook,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import ExchangeFault, Refused, TooOften, Unreachable
from framework.exchange.http import reason_of
from framework.exchange.http_faults import fault_of_answer, shortened, speaks_of_limits
from framework.exchange.live_book import LiveBook
from framework.exchange.live_packages import need_packages
from framework.exchange.retries import Budget
from framework.exchange.wire_values import dict_of
from framework.interfaces import Clock

if TYPE_CHECKING:
    import aiohttp

_CHANNELS = {Channel.TRADES: "trade", Channel.BOOKS: "orderbookUpdate"}
_MOST_BYTES = 64 * 2**20
_CLOSING_S = 1.0  # the other side may be silent for good


class MarketSocket:
    """One connection to the socket, from its opening to its end.

    Parameters
    ----------
    exchange : str
        Its name, for messages.
    url : str
    clock : Clock
    budget : Budget
        Of new connections.
    timeout_s : float
        Limit of the opening.
    """

    def __init__(
        self, exchange: str, url: str, clock: Clock, budget: Budget, timeout_s: float
    ) -> None:
        self._exchange = exchange
        self._url = url
        self._clock = clock
        self._budget = budget
        self._timeout_s = timeout_s

    async def listen(
        self,
        session: aiohttp.ClientSession,
        channels: frozenset[Channel],
        books: Mapping[str, LiveBook],
        hear: Callable[[Heard], None],
    ) -> None:
        """Subscribe to the pairs of `books` and hand on what is heard, until the socket ends.

        Raises
        ------
        Unreachable
            Always, if nothing else: the socket ended or a frame could not be read.
        Refused
            The subscription was declined.
        """
        await self._budget.take(self._clock)
        socket = await self._opened(session)
        repair = BookRepair(books.values() if Channel.BOOKS in channels else ())
        mending = asyncio.create_task(repair.work(self._clock, lambda it: _mend(socket, it)))
        try:
            await self._subscribe(socket, list(books), channels)
            await self._receive(socket, FrameReader(self._exchange, books, hear))
        finally:
            for book in books.values():  # nothing keeps them up to date any more
                book.valid = False
            mending.cancel()
            with suppress(asyncio.CancelledError):
                await mending
            await socket.close()

    async def _subscribe(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        pairs: Sequence[str],
        channels: frozenset[Channel],
    ) -> None:
        names = [name for channel, name in _CHANNELS.items() if channel in channels]
        try:
            await socket.send_json(_subscription("subscribe", pairs, [*names, "heartbeat"]))
        except ConnectionError as fault:
            raise self._ended(reason_of(fault)) from None

    async def _opened(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        library = need_packages(self._exchange)
        try:
            async with self._clock.timeout(self._timeout_s):
                return await session.ws_connect(
                    self._url,
                    max_msg_size=_MOST_BYTES,
                    timeout=library.ClientWSTimeout(ws_close=_CLOSING_S),
                )
        except TimeoutError:
            raise self._ended(f"not opened in {self._timeout_s:g} s") from None
        except library.WSServerHandshakeError as fault:
            headers = fault.headers or {}
            answer = fault_of_answer(self._exchange, "socket", fault.status, headers, b"")
            raise answer or self._ended(fault.message) from None
        except (library.ClientError, OSError) as fault:
            raise self._ended(reason_of(fault)) from None

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse, reader: FrameReader) -> None:
        import aiohttp

        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT or message.type is aiohttp.WSMsgType.BINARY:
                reader.read(message.data)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise self._ended(reason_of(message.data))
            else:
                raise self._ended(f"closed ({socket.close_code or 'no code'})")

    def _ended(self, what: str) -> Unreachable:
        return Unreachable(self._exchange, f"socket {self._url}: {what}")


class FrameReader:
    """Reads frames and hands on what they say; nothing of a frame that cannot be read.

    Parameters
    ----------
    exchange : str
        Its name, for messages.
    books : mapping
        By pair, those listened to.
    hear : callable
    """

    def __init__(
        self, exchange: str, books: Mapping[str, LiveBook], hear: Callable[[Heard], None]
    ) -> None:
        import orjson

        self._parse = orjson.loads
        self._exchange = exchange
        self._keepers = {pair: BookKeeper(book) for pair, book in books.items()}
        self._changed = {pair: HeardBook(pair) for pair in books}
        self._hear = hear
        self._confirmed = False

    def read(self, data: str | bytes) -> None:
        """Read one frame.

        Raises
        ------
        Unreachable
            It cannot be read.
        Refused
            It declines the subscription.
        """
        try:
            frame = dict_of(self._parse(data))
            kind = frame.get("messageType")
            if kind == "error":
                raise self._declined(frame)
            heard = self._heard(kind, frame)
        except (ValueError, TypeError) as fault:
            shown = shortened(data if isinstance(data, bytes) else data[:640].encode())
            raise Unreachable(
                self._exchange, f"socket: a frame cannot be read ({fault}): {shown}"
            ) from None
        if not self._confirmed:
            self._confirmed = True
            self._hear(Listening())
        self._hear(heard)

    def _heard(self, kind: Any, frame: dict[str, Any]) -> Heard:
        pair = frame.get("marketId")
        keeper = self._keepers.get(pair) if isinstance(pair, str) else None
        if keeper is not None and isinstance(pair, str):
            if kind == "orderbookUpdate":
                changed = keeper.read(frame) is not Outcome.PASSED_OVER
                return self._changed[pair] if changed else HeardBeat()
            if kind == "trade":
                return HeardTrade(trade_of(pair, frame, "tradeId", "volume"))
        elif kind in ("orderbookUpdate", "trade") and not isinstance(pair, str):
            raise ValueError("it names no market")
        elif not isinstance(kind, str):
            raise ValueError("it does not say what it is")
        return HeardBeat()

    def _declined(self, frame: dict[str, Any]) -> ExchangeFault:
        """Return what an error says: no to the subscription, or later the end of the connection."""
        said = shortened(f"{frame.get('code')}: {frame.get('message')}".encode())
        what = f"socket: the exchange says {said}"
        if speaks_of_limits(said):
            return TooOften(self._exchange, what)
        return (Unreachable if self._confirmed else Refused)(self._exchange, what)


def _subscription(kind: str, pairs: Sequence[str], channels: Sequence[str]) -> dict[str, Any]:
    return {"marketIds": list(pairs), "channels": list(channels), "messageType": kind}


async def _mend(socket: aiohttp.ClientWebSocketResponse, pairs: Sequence[str]) -> None:
    """Ask for new snapshots; that the socket has ended is noticed by who reads from it."""
    with suppress(ConnectionError):
        await socket.send_json(_subscription("addSubscription", pairs, ["orderbookUpdate"]))
