"""A Bot API server of Telegram on this machine, as far as a notifier uses it, in its own thread.

Facts: https://core.telegram.org/bots/api (getUpdates, sendMessage, "Making requests").
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

TOKEN = "123456:loopback-token"  # noqa: S105 - of this server alone
CHAT = 4711


@dataclass(frozen=True)
class Sent:
    """One message that arrived."""

    at: float
    chat: int
    text: str


class BotApi:
    """Keeps what is sent, hands out updates, and fails as told."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.asked: list[tuple[float, str]] = []
        self.faults: deque[Any] = deque()
        """What answers the next messages in place of the truth: a status, text, or callable."""
        self.poll_faults: deque[Any] = deque()
        self.on_message: Callable[[str], None] = lambda text: None
        self._updates: list[dict[str, Any]] = []
        self._number = 100
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Condition()
        self._ready = threading.Event()
        self._arrived = threading.Condition()
        self._thread = threading.Thread(target=self._serve)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BotApi:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def write(self, text: str, chat: int = CHAT) -> None:
        """Let a person write into a chat with the bot."""
        asyncio.run_coroutine_threadsafe(self._write(text, chat), self._loop).result()

    def write_soon(self, text: str, chat: int = CHAT) -> None:
        """Let a person write, once whoever calls in the server's own thread has returned."""
        asyncio.run_coroutine_threadsafe(self._write(text, chat), self._loop)

    def wait_for(self, enough: Callable[[list[Sent]], bool]) -> list[str]:
        """Return the texts so far, as soon as they are enough."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: enough(self.sent), 60), self.sent
            return [message.text for message in self.sent]

    def wait_until(self, enough: Callable[[], bool]) -> None:
        """Return once something that was asked has made it so."""
        with self._arrived:
            assert self._arrived.wait_for(enough, 60), self.asked

    def times(self, method: str) -> list[float]:
        """Return when a method was asked for."""
        return [at for at, asked in self.asked if asked == method]

    async def _write(self, text: str, chat: int) -> None:
        self._number += 1
        message = {
            "message_id": self._number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "text": text,
        }
        async with self._news:
            self._updates.append({"update_id": self._number, "message": message})
            self._news.notify_all()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        left = asyncio.all_tasks(self._loop)  # answers to questions of clients that are gone
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _run(self) -> None:
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method, given = request.match_info["method"], await request.post()
        with self._arrived:
            self.asked.append((time.monotonic(), method))
            self._arrived.notify_all()
        if request.match_info["token"] != TOKEN:
            return _told(401, description="Unauthorized")
        faults = self.faults if method == "sendMessage" else self.poll_faults
        if faults:
            return faults.popleft()()
        if method == "sendMessage":
            return self._take(int(str(given["chat_id"])), str(given["text"]))
        return await self._hand_out(int(str(given["offset"])), float(str(given.get("timeout", 0))))

    def _take(self, chat: int, text: str) -> web.Response:
        with self._arrived:
            self.sent.append(Sent(time.monotonic(), chat, text))
            self._arrived.notify_all()
        self._number += 1
        self.on_message(text)
        result = {
            "message_id": self._number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "text": text,
        }
        return _told(200, result=result)

    async def _hand_out(self, offset: int, timeout: float) -> web.Response:
        async with self._news:
            if offset < 0:
                self._updates = self._updates[offset:]
            else:
                self._updates = [one for one in self._updates if one["update_id"] >= offset]
            try:
                async with asyncio.timeout(timeout):
                    await self._news.wait_for(lambda: bool(self._updates))
            except TimeoutError:
                return _told(200, result=[])
            return _told(200, result=self._updates)


def _told(status: int, **values: Any) -> web.Response:
    return web.json_response({"ok": status == 200, "error_code": status, **values}, status=status)


def too_many(retry_after: int) -> Callable[[], web.Response]:
    """Ask to wait so many seconds."""
    return lambda: _told(
        429, description="Too Many Requests", parameters={"retry_after": retry_after}
    )


def failing(status: int = 500) -> web.Response:
    """Fail as a server behind a proxy does."""
    return web.Response(status=status, text="<html>bad gateway</html>")


def garbage() -> web.Response:
    """Answer with half of something."""
    return web.Response(text=json.dumps({"ok": True})[:5], content_type="application/json")
