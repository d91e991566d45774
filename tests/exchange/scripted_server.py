"""A server on 127.0.0.1 that answers as a test says; no other host can be reached."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from aiohttp import web

Answer = Callable[[str, dict[str, str]], object]
Play = Callable[[web.WebSocketResponse], Awaitable[None]]


class ScriptedServer:
    """Requests go to `answer(path, query)`, sockets to `play(socket)`.

    An answer is a JSON value, text that is sent as it is, or a status with either.
    """

    def __init__(self, answer: Answer, play: Play | None = None) -> None:
        self._answer = answer
        self._play = play
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __aenter__(self) -> ScriptedServer:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.socket_url = f"ws://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            assert self._play is not None
            await self._play(socket)
            await socket.close()
            return socket
        query = dict(request.query)
        self.asked.append((request.path, query))
        answer = self._answer(request.path, query)
        status = 200
        if isinstance(answer, tuple):
            status, answer = answer
        if isinstance(answer, str):
            return web.Response(text=answer, status=status, content_type="application/json")
        return web.json_response(answer, status=status)


async def until(socket: web.WebSocketResponse, count: int) -> list[Any]:
    """Return the next `count` frames of a client that are no pings."""
    frames: list[Any] = []
    while len(frames) < count:
        frame = json.loads((await socket.receive()).data)
        if frame.get("method") != "ping":
            frames.append(frame)
    return frames
