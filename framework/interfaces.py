"""The public roles, as protocols: what may stand in for what."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from framework.records import Begun, Ended, Watched


@runtime_checkable
class Notifier(Protocol):
    """Tells a person what happened."""

    def send(self, message: str) -> None:
        """Deliver `message`."""


class Clock(Protocol):
    """Time as a session lives it: the wall's, a faster one, or one that a test moves."""

    def now_ns(self) -> int:
        """Return the time, UTC ns; it may jump where the wall's does."""

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Return a context that raises TimeoutError after so many seconds of this clock."""


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


@runtime_checkable
class Continuing(Protocol):
    """A mode whose runs can be gone on with in their own directory."""

    def goes_on(self, context: Any) -> Any:
        """Return the row of the run to go on with, None where a new one begins."""


class Tracking(Protocol):
    """What a tracker keeps of one run."""

    def end(self, run: Ended) -> None:
        """Note how the run ended, in bounded time; raise OutsideFault where that fails."""


@runtime_checkable
class Tracker(Protocol):
    """Shows runs in another program; what fails there is no fault of the run."""

    name: str

    def prepare(self) -> None:
        """Check what can be checked before a run begins; raise UserError."""

    def begin(self, run: Begun) -> Tracking | None:
        """Note that a run begins, without waiting; None: nothing is kept."""


@runtime_checkable
class Monitor(Protocol):
    """Lets another program watch a session while it runs."""

    name: str

    def prepare(self) -> None:
        """Check what can be checked before a run begins; raise UserError."""

    def open(self, session: Watched) -> Any:
        """Begin to show a session, until it is closed; None: nobody looks."""
