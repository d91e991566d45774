"""Notifiers that deliver in their own time: opened for as long as there may be news."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from framework.notify.levels import Level

Say = Callable[[str], None]
"""Takes a line for the log."""

Answer = Callable[[str], str]
"""Takes a command that a person sent and returns what to say to it, without waiting."""


class Delivery(Protocol):
    """Takes messages without waiting, in any thread."""

    def send(self, message: str, level: Level = "daily") -> None:
        """Take `message`, to be delivered soon."""

    def finish(self) -> None:
        """Deliver what was taken, and then no more; returns at once."""

    def wait(self) -> None:
        """Wait until all is delivered, in bounded time; to be called after `finish`."""


class Courier(ABC):
    """A notifier that can be kept open; what goes wrong with it is a line in the log."""

    @abstractmethod
    def prepare(self, path: str = "notify") -> None:
        """Check what can be checked without sending; raise UserError.

        Parameters
        ----------
        path : str
            Where it stands in the configuration.
        """

    @abstractmethod
    def open(self, say: Say, answer: Answer | None = None) -> Delivery:
        """Begin to deliver.

        Parameters
        ----------
        say : callable
            Is told what could not be delivered; called in any thread.
        answer : callable, optional
            Answers commands, where a channel takes them; called in any thread.
        """

    def send(self, message: str) -> None:
        """Deliver one message, and wait for that in bounded time."""
        from loguru import logger

        delivery = self.open(logger.warning)
        delivery.send(message)
        delivery.finish()
        delivery.wait()
