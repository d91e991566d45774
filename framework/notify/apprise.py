"""Tell by anything that Apprise knows: Slack, e-mail, Matrix, Discord, ntfy and many others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import PositiveFloat, SecretStr

from framework.config.component import component
from framework.errors import UserError
from framework.notify.channel import Channel, Post, quiet, require
from framework.notify.courier import Answer, Say
from framework.notify.delivery import Undelivered


@component
class Apprise(Channel):
    """An address as Apprise writes it; https://appriseit.com lists them."""

    name: str = "apprise"
    """Of this notifier, in the log."""

    url: SecretStr = SecretStr("")
    """Of one service, with all that it needs: ``mailtos://USER:PASSWORD@HOST?to=ADDRESS``."""

    title: str = "framework"
    """Heading of a message, and subject of an e-mail."""

    timeout: PositiveFloat = 20.0
    """Seconds that one try may take."""

    def prepare(self, path: str = "notify") -> None:
        """Refuse to begin without the package, or without an address that it knows."""
        if not self.url.get_secret_value():
            raise UserError(
                f"{path}.url: is empty; set it in the environment or in .env, docs/notices.md "
                "tells how."
            )
        require("apprise", path)
        count = len(self._service())
        if count != 1:
            raise UserError(
                f"{path}.url: must be one address as Apprise writes it, such as json://HOST/PATH "
                f"(it is {count})."
            )

    @asynccontextmanager
    async def connect(
        self, say: Say, answer: Answer | None, reply: Callable[[str], None]
    ) -> AsyncIterator[Post]:
        """Yield what sends a text; there is no connection to keep, and there are no commands."""
        service = self._service()

        async def post(text: str) -> None:
            # The thread is this channel's own: it may wait.
            result = service.notify(
                text, title=self.title, body_format="text", timeout=self.timeout
            )
            if not result:
                raise Undelivered(_reason(result))

        yield post

    def _service(self) -> Any:
        import apprise

        quiet("apprise")
        service = apprise.Apprise()
        service.add(self.url.get_secret_value())
        return service


def _reason(result: Any) -> str:
    """Return the last line that Apprise wrote about a failure."""
    lines = [entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")]
    return str(lines[-1]) if lines else "it was refused"
