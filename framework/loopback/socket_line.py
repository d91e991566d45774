"""One client's socket at the server: what is sent over it, lost, held back or spoilt."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from framework.interfaces import Clock
from framework.loopback.distort import DISTORTED, HTML, distort
from framework.loopback.order_book import Delta
from framework.loopback.script import Kind
from framework.loopback.true_rows import TrueCandle, TrueTrade
from framework.loopback.venue import Venue
from framework.loopback.wire import Ear, Say, Topic, Wire, write
from framework.types import Interval

if TYPE_CHECKING:
    from aiohttp.web import Request, WebSocketResponse

_MOST_WAITING = 20_000  # frames that a client has not taken
_USUAL_SWAP_S = 0.5


class SocketLine:
    """Sends what a wire says to one client, in order, with the faults of the script.

    Parameters
    ----------
    wire : Wire
    venue : Venue
    clock : Clock
    request : Request
        That the socket was opened with.
    socket : WebSocketResponse
    rng : numpy.random.Generator
        Which numbers are spoilt.
    """

    def __init__(
        self,
        wire: Wire,
        venue: Venue,
        clock: Clock,
        request: Request,
        socket: WebSocketResponse,
        rng: np.random.Generator,
    ) -> None:
        self.ear = Ear(request.path)
        self.silent = False
        """Nothing is heard of the server any more, and the client does not know."""
        self.last_ns = clock.now_ns()
        """When last something was sent or heard."""
        self._wire, self._venue, self._clock = wire, venue, clock
        self._request, self._socket = request, socket
        self._rng = rng
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._seen: Counter[Kind] = Counter()
        self._repeated: dict[str, TrueTrade] = {}
        self._held: dict[str, TrueTrade] = {}
        self._releases: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Talk with the client until the socket ends."""
        from aiohttp import WSMsgType

        writer = asyncio.create_task(self._write())
        try:
            for say in self._wire.opened(self.ear):
                self._say(say)
            async for message in self._socket:
                self.last_ns = self._clock.now_ns()
                if self.silent:
                    continue
                if message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    for say in self._wire.heard(self.ear, message.data):
                        self._say(say)
        finally:
            for task in (writer, *self._releases):
                task.cancel()
            await asyncio.gather(writer, *self._releases, return_exceptions=True)

    async def ping(self) -> None:
        """Ask whether the client is there; it answers by itself."""
        if not self.silent and not self._socket.closed:
            await self._socket.ping()

    def cut(self) -> None:
        """End the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def leave(self) -> None:
        """Say goodbye and end the connection."""
        await self._socket.close(code=1001, message=b"going away")

    def trade(self, trade: TrueTrade) -> None:
        """Tell a trade to who listens; or not, twice, or late."""
        pair = trade.pair
        if not self.ear.listens(Topic.TRADES, pair):
            return
        if self._nth(Kind.LOSE_TRADES, pair) % 2:
            return
        swap = self._venue.fault(Kind.SWAP_TRADES, pair)
        if swap is not None and pair not in self._held:
            self._held[pair] = trade
            task = asyncio.create_task(self._release(pair, swap.value or _USUAL_SWAP_S))
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)
            return
        self._tell(trade)
        if pair in self._held:
            self._tell(self._held.pop(pair))
        again = self._repeated.pop(pair, None)
        if again is not None:
            self._tell(again)
        if self._venue.fault(Kind.DUPLICATE_TRADES, pair):
            self._repeated[pair] = trade

    def delta(self, pair: str, delta: Delta) -> None:
        """Tell a change of a book to who listens; or lose it on the way."""
        for wanted in self.ear.listens(Topic.BOOK, pair):
            right = self._nth(Kind.BAD_CHECKSUM, pair) % 2 == 0
            payloads = self._wire.delta(self.ear, wanted, delta, right)
            if self._nth(Kind.LOSE_DELTAS, pair) % 3 == 1:
                continue
            for payload in payloads:
                self._say(Say(payload, Topic.BOOK, pair))

    def candle(self, pair: str, interval: Interval, candle: TrueCandle, closed: bool) -> None:
        """Tell a candle to who listens."""
        for wanted in self.ear.listens(Topic.CANDLES, pair):
            if wanted.interval == interval:
                for payload in self._wire.candle(self.ear, wanted, candle, closed):
                    self._say(Say(payload, Topic.CANDLES, pair))

    def ticker(self, pair: str) -> None:
        """Sum up a market to who listens."""
        if self.ear.listens(Topic.TICKER, pair):
            for payload in self._wire.ticker(self.ear, pair):
                self._say(Say(payload, Topic.TICKER, pair))

    def beat(self) -> None:
        """Say that the server is there, to who wants to know."""
        for payload in self._wire.beat(self.ear):
            self._say(Say(payload))

    def _tell(self, trade: TrueTrade) -> None:
        for payload in self._wire.trade(self.ear, trade):
            self._say(Say(payload, Topic.TRADES, trade.pair))

    async def _release(self, pair: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if pair in self._held:
            self._tell(self._held.pop(pair))

    def _nth(self, kind: Kind, pair: str) -> int:
        """Return how many times in a row this fault was met: 1, 2, …; 0 while it is not on."""
        if self._venue.fault(kind, pair) is None:
            self._seen[kind] = 0
        else:
            self._seen[kind] += 1
        return self._seen[kind]

    def _say(self, say: Say) -> None:
        """Send one frame, and what comes after a snapshot though it is older."""
        payload, pair = say.payload, say.pair
        if pair:
            for kind in DISTORTED:
                if self._venue.fault(kind, pair):
                    payload = distort(payload, kind, self._rng)
        text = write(payload)
        if pair and self._venue.fault(Kind.HTML, pair):
            text = HTML
        elif pair and self._venue.fault(Kind.TRUNCATED, pair):
            text = text[: len(text) // 2]
        self._send(text)
        if say.snapshot and self._venue.fault(Kind.EARLY_DELTAS, pair):
            for wanted in self.ear.listens(Topic.BOOK, pair):
                for delta in self._venue.book(pair).recent[-5:]:
                    for early in self._wire.early(self.ear, wanted, delta):
                        self._send(write(early))

    def _send(self, text: str) -> None:
        if self.silent:
            return
        if self._waiting.full():
            self.cut()
            return
        self._waiting.put_nowait(text)

    async def _write(self) -> None:
        while True:
            text = await self._waiting.get()
            if not self.silent:
                await self._socket.send_str(text)
                self.last_ns = self._clock.now_ns()
