"""A bot of Telegram: texts into one chat, commands out of it by long polling."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

from framework.notify.channel import quiet
from framework.notify.courier import Answer, Say
from framework.notify.delivery import Undelivered

_URL = "https://api.telegram.org"
_POLL_S = 25
"""How long the server holds a question for commands that has no answer yet."""

_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 60.0
_FAILURES = 3
"""Questions that fail in a row before it is said: the first ones may follow a restart."""

_STRANGERS = 100
"""Chats that are remembered to have been told of."""


class TelegramBot:
    """Requests to the Bot API, by python-telegram-bot.

    Parameters
    ----------
    token : str
        Of the bot.
    chat_id : int
        The one chat.
    url : str, optional
        Of the server.
    timeout_s : float
        Of a request.
    say : callable
        Takes a line for the log.
    """

    def __init__(
        self, token: str, chat_id: int, url: str | None, timeout_s: float, say: Say
    ) -> None:
        os.environ.setdefault("PTB_TIMEDELTA", "true")  # else reading a delay is a warning
        from telegram import Bot
        from telegram.request import HTTPXRequest

        quiet("telegram", "httpx", "httpcore")
        self._requests = [
            HTTPXRequest(1, timeout_s, timeout_s, timeout_s, timeout_s) for _ in range(2)
        ]
        base = f"{(url or _URL).rstrip('/')}/bot"
        self._bot = Bot(
            token, base_url=base, request=self._requests[0], get_updates_request=self._requests[1]
        )
        self._token, self._chat_id, self._say = token, chat_id, say
        self._strangers: set[int] = set()

    async def post(self, text: str) -> None:
        """Send `text` into the chat; raise Undelivered."""
        from telegram.error import RetryAfter

        try:
            await self._bot.send_message(self._chat_id, text, disable_web_page_preview=True)
        except RetryAfter as fault:
            delay: Any = fault.retry_after
            wait = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
            raise Undelivered(self._clean(fault), wait) from None
        except Exception as fault:  # whatever a server says, or a library makes of it
            raise Undelivered(self._clean(fault)) from None

    async def obey(self, answer: Answer, reply: Callable[[str], None]) -> None:
        """Answer commands for ever; those from before are passed over."""
        seen = await self._until_heard(partial(self._updates, -1, 0))
        offset = seen[-1].update_id + 1 if seen else 0
        while True:
            for update in await self._until_heard(partial(self._updates, offset, _POLL_S)):
                offset = update.update_id + 1
                message = update.message
                if message is None or not message.text:
                    continue
                if message.chat.id != self._chat_id:
                    self._refuse(message.chat.id)
                elif message.text.startswith("/"):
                    word = message.text.split()[0]
                    reply(answer(word.partition("@")[0]))

    async def close(self) -> None:
        """Close the connections."""
        for request in self._requests:
            await request.shutdown()

    async def _updates(self, offset: int, timeout_s: int) -> Any:
        return await self._bot.get_updates(
            offset=offset, timeout=timeout_s, allowed_updates=["message"]
        )

    async def _until_heard(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Return what the server says, however long it takes it."""
        failures = 0
        while True:
            try:
                heard = await ask()
            except Exception as fault:  # whatever a server says, or a library makes of it
                failures += 1
                if failures == _FAILURES:
                    self._say(f"commands are not heard: {self._clean(fault)}")
                await asyncio.sleep(
                    min(_BACKOFF_S * 2.0 ** min(failures - 1, 10), _LONGEST_BACKOFF_S)
                )
                continue
            if failures >= _FAILURES:
                self._say("commands are heard again")
            return heard

    def _refuse(self, chat_id: int) -> None:
        if chat_id not in self._strangers and len(self._strangers) < _STRANGERS:
            self._strangers.add(chat_id)
            self._say(f"chat {chat_id} is not the one allowed and gets no answer")

    def _clean(self, fault: Exception) -> str:
        return (str(fault) or type(fault).__name__).replace(self._token, "**********")


@asynccontextmanager
async def connected(
    bot: TelegramBot, answer: Answer | None, reply: Callable[[str], None]
) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Yield what sends a text; answer commands meanwhile."""
    obeying = None if answer is None else asyncio.create_task(bot.obey(answer, reply))
    try:
        yield bot.post
    finally:
        if obeying is not None:
            obeying.cancel()
            with suppress(asyncio.CancelledError):
                await obeying
        await bot.close()
