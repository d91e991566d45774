"""What channels share: a level, patience, and a thread that delivers."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import ClassVar

from pydantic import PositiveFloat

from framework.config.component import component
from framework.errors import UserError
from framework.notify.courier import Answer, Courier, Say
from framework.notify.delivery import ThreadDelivery
from framework.notify.levels import Level

Post = Callable[[str], Awaitable[None]]
"""Sends one text; raises Undelivered where it did not arrive."""


@component
class Channel(Courier):
    """One way to a person, such as a chat or an address."""

    longest: ClassVar[int] = 4_000
    """Characters of one message."""

    pause_s: ClassVar[float] = 1.0
    """Between two messages; what comes meanwhile is joined."""

    name: str
    """In the log."""

    level: Level = "trade"
    """Least of what is told: debug, trade, warning, error or daily."""

    patience_seconds: PositiveFloat = 10.0
    """How long the end of a run waits for what is not delivered yet."""

    def open(self, say: Say, answer: Answer | None = None) -> ThreadDelivery:
        """Begin to deliver, in a thread of its own."""
        return ThreadDelivery(self, say, answer)

    @abstractmethod
    def connect(
        self, say: Say, answer: Answer | None, reply: Callable[[str], None]
    ) -> AbstractAsyncContextManager[Post]:
        """Return a context that yields what sends a text.

        Parameters
        ----------
        say : callable
            Takes a line for the log.
        answer : callable, optional
            Takes a command and returns what to say to it; None: nobody answers.
        reply : callable
            Takes that.
        """


def require(package: str, path: str) -> None:
    """Raise UserError when a channel's package is not installed, without importing it."""
    if find_spec(package) is None:
        raise UserError(f"{path}: {package} is not installed; pip install -e '.[notices]'.")


def quiet(*names: str) -> None:
    """Keep what packages log to themselves: it may hold secrets, and the delivery says what counts.

    Parameters
    ----------
    *names : str
        Of their loggers.
    """
    for name in names:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers = [logging.NullHandler()]
