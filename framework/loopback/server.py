"""The loopback exchange: a server with the protocol of one wire and the faults of a script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from framework.interfaces import Clock
from framework.loopback.distort import DISTORTED, HTML, distort
from framework.loopback.market_day import MarketDay
from framework.loopback.script import Kind, Script
from framework.loopback.socket_line import SocketLine
from framework.loopback.truth import Truth
from framework.loopback.venue import Venue
from framework.loopback.wire import Answer, Handler, Wire, write
from framework.types import SECOND_NS

if TYPE_CHECKING:
    from aiohttp.web import Application, AppRunner, Request, StreamResponse

HOST = "127.0.0.1"
_USUAL_SLOW_S = 2.0
_SERVER_ERRORS = (500, 502, 503, 504)


class LoopbackServer:
    """An exchange at ``http://127.0.0.1`` and a port of its own, while the context is open.

    Parameters
    ----------
    wire : Wire
        Serves one server at a time.
    truth : Truth
    clock : Clock
        Of the running loop.
    script : tuple of Fault
    seed : int
        Of what the faults spoil.
    book_per_second : float
        Changes of each book.
    """

    def __init__(
        self,
        wire: Wire,
        truth: Truth,
        clock: Clock,
        script: Script = (),
        seed: int = 0,
        book_per_second: float = 2.0,
    ) -> None:
        self.wire, self.truth, self.script = wire, truth, script
        self.requests: Counter[str] = Counter()
        """How often each path was asked for."""
        self.lines: list[SocketLine] = []
        """Sockets that are open."""
        self.opened = 0
        """Sockets that were opened, in all."""
        self._clock = clock
        self._rng = np.random.default_rng(seed)
        self._book_per_second = book_per_second
        self._window: tuple[int, int] = (0, 0)
        self._broken: list[Exception] = []

    @property
    def url(self) -> str:
        """Of requests, without a path."""
        return f"http://{HOST}:{self._port}"

    @property
    def socket_url(self) -> str:
        """Of sockets, without a path."""
        return f"ws://{HOST}:{self._port}"

    async def __aenter__(self) -> Self:
        from aiohttp import web

        self.venue = Venue(
            self.truth, self.script, self._clock, self.wire.quiet_candles, self._book_per_second
        )
        self.wire.venue = self.venue
        self._runner: AppRunner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=1.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        day = MarketDay(self.wire, self.venue, self._clock, self.script, lambda: self.lines)
        self._day = asyncio.create_task(day.live())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._day.cancel()
        (ended,) = await asyncio.gather(self._day, return_exceptions=True)
        for line in list(self.lines):
            line.cut()
        await self._runner.cleanup()
        if isinstance(ended, Exception):
            self._broken.append(ended)
        if self._broken and error is None:
            raise ExceptionGroup("the loopback exchange itself went wrong", self._broken)

    def _application(self) -> Application:
        from aiohttp import web

        application = web.Application()
        for method, path, handler in self.wire.routes():
            application.router.add_route(method, path, self._answering(handler))
        for path in self.wire.socket_paths:
            application.router.add_get(path, self._open)
        application.router.add_route("*", "/{anything:.*}", self._answering(self._unknown))
        return application

    async def _unknown(self, request: Request) -> Answer:
        return self.wire.refusal(404, 0)

    def _answering(self, handler: Handler) -> Callable[[Request], Awaitable[StreamResponse]]:
        async def answer(request: Request) -> StreamResponse:
            from aiohttp import web

            self.requests[request.path] += 1
            if self.venue.fault(Kind.REFUSE_CONNECTIONS):
                return self._cut(request)
            if self.venue.fault(Kind.HTML):
                return web.Response(text=HTML, content_type="text/html", status=502)
            refusal = self._refusal()
            if refusal is not None:
                return await self._send(request, refusal)
            try:
                return await self._send(request, await handler(request))
            except (ConnectionError, asyncio.CancelledError):
                raise
            except Exception as error:
                self._broken.append(error)
                raise

        return answer

    def _refusal(self) -> Answer | None:
        """Return what is said instead of an answer, by fault or for too many requests."""
        often = self.venue.fault(Kind.TOO_OFTEN)
        if often is not None:
            return self.wire.refusal(429, often.value)
        if self.venue.fault(Kind.SERVER_ERROR):
            return self.wire.refusal(_SERVER_ERRORS[int(self._rng.integers(4))], 0)
        if self.wire.limit is not None:
            most, seconds = self.wire.limit
            window = self.venue.now_ns() // round(seconds * SECOND_NS)
            count = self._window[1] if self._window[0] == window else 0
            self._window = (window, count + 1)
            if count >= most:
                return self.wire.refusal(429, seconds)
        return None

    async def _send(self, request: Request, answer: Answer) -> StreamResponse:
        from aiohttp import web

        payload = answer.payload
        for kind in DISTORTED:
            if self.venue.fault(kind):
                payload = distort(payload, kind, self._rng)
        body = write(payload).encode()
        if self.venue.fault(Kind.TRUNCATED):
            body = body[: len(body) // 2]
        slow = self.venue.fault(Kind.SLOW_BODY)
        if slow is None:
            return web.Response(
                body=body,
                status=answer.status,
                headers=answer.headers,
                content_type="application/json",
            )
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        await self._clock.sleep(slow.value or _USUAL_SLOW_S)
        with suppress(ConnectionError):  # nobody waits for slow bodies for ever
            await response.write(body[len(body) // 2 :])
            await response.write_eof()
        return response

    async def _open(self, request: Request) -> StreamResponse:
        from aiohttp import web

        if self.venue.fault(Kind.REFUSE_CONNECTIONS):
            return self._cut(request)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0)
        await socket.prepare(request)
        line = SocketLine(self.wire, self.venue, self._clock, request, socket, self._rng)
        line.silent = self.venue.fault(Kind.SILENCE) is not None
        self.opened += 1
        self.lines.append(line)
        try:
            await line.live()
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            self._broken.append(error)
            raise
        finally:
            self.lines.remove(line)
        return socket

    def _cut(self, request: Request) -> StreamResponse:
        """End the connection without an answer."""
        from aiohttp import web

        if request.transport is not None:
            request.transport.abort()
        return web.Response()
