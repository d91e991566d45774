"""ccxt's clients, opened so that every frame of a socket is ours to read.

ccxt makes addresses, requests, subscriptions, keepalives and kinds of errors. Its own reading of
market data is no queue and drops flags, so frames never get that far. Time comes from the clock,
and no address but the given ones is left in a client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from ccxt.async_support.base.ws.client import Client

from framework.exchange.ccxt_faults import HttpFault, SocketEnded, one_line
from framework.exchange.wire_values import Unreadable
from framework.interfaces import Clock

_CLOSING_S = 1.0  # for the farewell of a socket; a dead one does not answer it
_ENDS = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)


def open_client(
    name: str,
    clock: Clock,
    session: aiohttp.ClientSession,
    *,
    url: str | None = None,
    socket_url: str | None = None,
    sandbox: bool = False,
    config: Mapping[str, Any] | None = None,
    heard: Callable[[str], None] | None = None,
    ended: Callable[[BaseException], None] | None = None,
) -> Any:
    """Return ccxt's client of one exchange, to be closed after use.

    Parameters
    ----------
    name : str
        As ccxt calls it.
    clock : Clock
    session : aiohttp.ClientSession
        Shared by all clients of a connection; stays open when a client is closed.
    url, socket_url : str, optional
        Scheme and host, in place of those of requests and of sockets; paths stay.
    sandbox : bool
        Use the exchange's test network, which must exist.
    config : mapping, optional
        More of ccxt's settings.
    heard : callable, optional
        Called with every text frame; an empty text for a ping or pong.
    ended : callable, optional
        Called with the reason when a socket cannot be opened or ends, and with what `heard` raised.
    """
    kind = getattr(import_module(f"ccxt.pro.{name}"), name)
    tapped = type(name, (_Tapped, kind), {"clock": clock, "heard": heard, "ended": ended})
    client = tapped({"enableRateLimit": False, "session": session, **(config or {})})
    client.ssl_context = True  # unused: the session has its own
    client.timeout_on_exit = 0
    if sandbox:
        client.set_sandbox_mode(True)
    client.urls["api"] = redirected(client.urls["api"], url, socket_url)
    return client


def redirected(addresses: Any, url: str | None, socket_url: str | None) -> Any:
    """Return addresses, nested or not, with another scheme and host; paths stay."""
    if isinstance(addresses, Mapping):
        return {key: redirected(value, url, socket_url) for key, value in addresses.items()}
    if not isinstance(addresses, str) or "://" not in addresses:
        return addresses
    old = urlsplit(addresses)
    base = socket_url if old.scheme in ("ws", "wss") else url
    if base is None:
        return addresses
    new = urlsplit(base)
    scheme = new.scheme
    if old.scheme in ("ws", "wss"):
        scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
    return urlunsplit((scheme, new.netloc, new.path.rstrip("/") + old.path, old.query, ""))


class _Tapped:
    """What is changed of every ccxt client."""

    clock: Clock
    heard: Callable[[str], None] | None
    ended: Callable[[BaseException], None] | None
    clients: dict[str, Client]

    def milliseconds(self) -> int:
        """Return the clock's time."""
        return self.clock.now_ns() // 1_000_000

    def microseconds(self) -> int:
        """Return the clock's time."""
        return self.clock.now_ns() // 1_000

    def seconds(self) -> int:
        """Return the clock's time."""
        return self.clock.now_ns() // 1_000_000_000

    def on_json_response(self, text: str) -> Any:
        """Read JSON; not-a-number is none."""
        return json.loads(text, parse_constant=_refuse_constant)

    def handle_errors(
        self, status: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any
    ) -> Any:
        """Raise what an answer is instead of an answer."""
        # ccxt looks into the answer before it looks at the status, and calls some refusals errors.
        is_json = bool(rest) and isinstance(rest[0], dict | list)
        said = one_line(body)
        plain = method and (status in (408, 418, 429, 451) or status >= 500)
        if plain:
            raise HttpFault(status, said if is_json else "", is_json, self._retry_after(headers))
        answer = super().handle_errors(  # type: ignore[misc]
            status, reason, url, method, headers, body, *rest
        )
        if method and status >= 400:
            raise HttpFault(status, said if is_json else "", is_json)
        return answer

    def _retry_after(self, headers: Any) -> float | None:
        """Return the seconds that an answer asks to wait."""
        for name, value in (headers or {}).items():
            if value.strip().isdigit():
                if name.lower() == "retry-after":
                    return float(value)
                if name.lower() == "bitvavo-ratelimit-resetat":
                    return max(0.0, (int(value) - self.milliseconds()) / 1e3)
        return None

    def client(self, url: str) -> Client:
        """Return the socket of an address, which hands its frames to `heard`."""
        self.open()  # type: ignore[attr-defined]
        if url not in self.clients:
            options = {
                **self.streaming,  # type: ignore[attr-defined]
                "ping": getattr(self, "ping", None),
                "asyncio_loop": asyncio.get_running_loop(),
                **self.options.get("ws", {}),  # type: ignore[attr-defined]
            }
            self.clients[url] = _Socket(self, url, options)
        return self.clients[url]

    def end(self, reason: BaseException) -> None:
        """Say that a socket ended."""
        if self.ended is not None:
            self.ended(reason)


class _Socket(Client):  # type: ignore[misc]
    """One socket: read by one task, every frame handed on as it came."""

    def __init__(self, owner: _Tapped, url: str, options: dict[str, Any]) -> None:
        super().__init__(url, _unused, self._failed, self._shut, _unused, options)
        self._owner = owner
        self._opening: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._pongs: set[asyncio.Task[None]] = set()

    def connect(self, session: aiohttp.ClientSession, backoff_delay: float = 0) -> Any:
        if self._opening is None:
            self._opening = asyncio.create_task(self.open(session))
        return self.connected

    def create_connection(self, session: aiohttp.ClientSession) -> Any:
        return session.ws_connect(
            self.url,
            autoping=False,  # a ping is a sign of life, and would not be seen
            autoclose=False,
            compress=15,
            max_msg_size=1 << 24,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING_S),
        ).__aenter__()

    def receive_loop(self) -> None:
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while await self._read_one():
                pass
        except Exception as fault:
            self._owner.end(fault)

    async def _read_one(self) -> bool:
        message = await self.connection.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            self._hear(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            self._hear(_decoded(message.data))
        elif message.type is aiohttp.WSMsgType.PING:
            pong = asyncio.create_task(self.connection.pong(message.data))
            self._pongs.add(pong)
            pong.add_done_callback(self._ponged)
            self._hear("")
        elif message.type is aiohttp.WSMsgType.PONG:
            self._hear("")
        elif message.type in _ENDS:
            code = message.data if isinstance(message.data, int) else self.connection.close_code
            raise SocketEnded(f"the exchange closed the connection, code {code}")
        else:
            raise SocketEnded(one_line(message.data))
        return True

    def _hear(self, text: str) -> None:
        if self._owner.heard is not None:
            self._owner.heard(text)

    def _ponged(self, pong: asyncio.Task[None]) -> None:
        self._pongs.discard(pong)
        if not pong.cancelled() and (fault := pong.exception()) is not None:
            self._owner.end(fault)

    async def ping_loop(self) -> None:
        while self.keepAlive and not self.closed():
            await self._owner.clock.sleep(self.keepAlive / 1_000)
            try:
                if self.ping:
                    await self.send(self.ping(self))
                else:
                    await self.connection.ping()
            except (OSError, aiohttp.ClientError) as fault:
                self._owner.end(fault)
                return

    async def aiohttp_close(self) -> None:
        work = (self._opening, self.ping_looper, self._reading, *self._pongs)
        tasks = [task for task in work if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.connection is not None and not self.connection.closed:
            await self.connection.close()

    def _failed(self, _: Client, reason: BaseException) -> None:
        self._owner.end(reason)

    def _shut(self, _: Client, code: int) -> None:
        self._owner.end(SocketEnded(f"the exchange closed the connection, code {code}"))


def _unused(*_: Any) -> None:
    """Stand where ccxt's client wants a callback that is never called, or need not be."""


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise Unreadable(f"frame that is no text: {fault.reason}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def read_frame(text: str) -> Any:
    """Return a frame's JSON; not-a-number is none.

    Raises
    ------
    Unreadable
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unreadable(f"frame {text[:60]!r}") from None
