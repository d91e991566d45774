"""The public roles, as protocols: what may stand in for what."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Notifier(Protocol):
    """Tells a person what happened."""

    def send(self, message: str) -> None:
        """Deliver `message`."""


@runtime_checkable
class Mode(Protocol):
    """What a run does with its configuration."""

    name: str

    @property
    def recorded(self) -> bool:
        """Whether the run gets a directory and a row in the database."""

    def prepare(self, context: Any) -> None:
        """Check all that can be checked before data is read; raise UserError with every fault."""

    def run(self, context: Any) -> None:
        """Do the work."""
