"""Tell by Telegram, and take commands from the same chat."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal

from pydantic import BeforeValidator, PositiveFloat, SecretStr

from framework.config.component import component
from framework.errors import UserError
from framework.notify.channel import Channel, Post, require
from framework.notify.courier import Answer, Say


def _text(value: object) -> object:
    """Let a number that is given on the command line be text, as it is in the environment."""
    return str(value) if isinstance(value, int) else value


@component
class Telegram(Channel):
    """A chat with a bot; https://core.telegram.org/bots/api tells its limits."""

    name: Literal["telegram"] = "telegram"
    """Of this notifier."""

    token: SecretStr = SecretStr("")
    """Of the bot, as BotFather gave it."""

    chat_id: Annotated[str, BeforeValidator(_text)] = ""
    """Of the one chat that is told, and whose commands are obeyed; a group's is below 0."""

    commands: bool = True
    """Whether a session takes commands from the chat."""

    url: str | None = None
    """Of the Bot API server; null: https://api.telegram.org."""

    timeout: PositiveFloat = 5.0
    """Seconds that a request may take."""

    def prepare(self, path: str = "notify") -> None:
        """Refuse to begin without package, token or chat."""
        faults = []
        if not self.token.get_secret_value():
            faults.append(
                f"{path}.token: is empty; set TELEGRAM_TOKEN in the environment or in .env, "
                "docs/notices.md tells how to get one."
            )
        if not self.chat_id:
            faults.append(
                f"{path}.chat_id: is empty; set TELEGRAM_CHAT_ID in the environment or in .env, "
                "docs/notices.md tells how to find it."
            )
        elif not re.fullmatch(r"-?\d{1,19}", self.chat_id):
            faults.append(f"{path}.chat_id: must be a whole number (was '{self.chat_id}').")
        if faults:
            raise UserError(*faults)
        require("telegram", path)

    def connect(
        self, say: Say, answer: Answer | None, reply: Callable[[str], None]
    ) -> AbstractAsyncContextManager[Post]:
        """Open connections to the Bot API."""
        from framework.notify.telegram_bot import TelegramBot, connected

        bot = TelegramBot(
            self.token.get_secret_value(), int(self.chat_id), self.url, self.timeout, say
        )
        return connected(bot, answer if self.commands else None, reply)
