"""A small server on this machine that answers and says what a test tells it to."""

import asyncio
import json
from contextlib import asynccontextmanager

import numpy as np
from aiohttp import web

from framework.exchange.btcmarkets_connection import BtcMarketsConnection
from framework.exchange.btcmarkets_socket import MarketSocket
from framework.exchange.http import JsonClient

MARKETS = [
    {"marketId": "BTC-AUD", "amountDecimals": "8", "priceDecimals": "2", "status": "Online"},
    {"marketId": "XRP-AUD", "amountDecimals": "6", "priceDecimals": "4", "status": "Post Only"},
]


class Patient:
    """A clock that notes what it was to wait, and does not wait."""

    def __init__(self, now_ns=1_800_000_000 * 10**9):
        self.waited = []
        self._now_ns = now_ns

    def now_ns(self):
        return self._now_ns

    async def sleep(self, seconds):
        self.waited.append(seconds)
        await asyncio.sleep(0)

    def timeout(self, seconds):
        return asyncio.timeout(seconds)


class Purse:
    """A budget without end that counts."""

    def __init__(self):
        self.taken, self.pauses = [], []

    async def take(self, clock, cost=1.0):
        self.taken.append(cost)

    def pause(self, seconds):
        self.pauses.append(seconds)


class Standin:
    """Answers of requests by path, each a function of the request; one function for sockets."""

    def __init__(self):
        self.answers = {"/v3/markets": lambda request: MARKETS}
        self.asked = []
        self.talk = None
        self.url = ""

    async def request(self, request):
        self.asked.append(request)
        answer = self.answers[request.path](request)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.json_response(answer)

    async def socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.talk(socket, json.loads((await socket.receive()).data))
        return socket


@asynccontextmanager
async def standin():
    """Serve until left."""
    server = Standin()
    app = web.Application()
    app.router.add_get("/socket", server.socket)
    app.router.add_get("/{path:.*}", server.request)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def client_of(server, clock=None, purse=None, timeout_s=5.0, retries=3):
    return JsonClient(
        "btcmarkets",
        server.url,
        clock or Patient(),
        purse or Purse(),
        timeout_s,
        retries,
        np.random.default_rng(1),
    )


@asynccontextmanager
async def connected(clock=None, timeout_s=5.0, retries=3):
    """Serve, and connect to it."""
    async with standin() as server:
        clock = clock or Patient()
        client = client_of(server, clock, None, timeout_s, retries)
        url = server.url.replace("http", "ws") + "/socket"
        connection = BtcMarketsConnection(
            client, MarketSocket("btcmarkets", url, clock, Purse(), timeout_s)
        )
        try:
            yield server, connection
        finally:
            await connection.close()
