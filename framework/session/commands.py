"""What a person may say to a session from afar, and what it says back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from framework.session.session import Command
from framework.session.standing import Standing

_SAYS: dict[str, Callable[[Standing], str]] = {
    "/status": Standing.status,
    "/profit": Standing.profit,
    "/trades": Standing.newest,
}
_DOES = {"/pause": Command.PAUSE, "/resume": Command.GO_ON, "/stop": Command.STOP}
_TAKEN = {
    Command.PAUSE: "will pause",
    Command.GO_ON: "will go on",
    Command.STOP: "will stop for good, with its report",
}


class Answers:
    """Answers commands in any thread, and hands them on to the session's own.

    Parameters
    ----------
    standing : callable
        Returns how the session stands, None before it does.
    """

    def __init__(self, standing: Callable[[], Standing | None]) -> None:
        self._standing = standing
        self._pass_on: Callable[[Command], Any] | None = None
        self._passing = Lock()

    def __call__(self, word: str) -> str:
        """Return what to say to a command."""
        if word in _SAYS:
            standing = self._standing()
            return "begins just now" if standing is None else _SAYS[word](standing)
        if word not in _DOES:
            return "commands: " + " ".join((*_SAYS, *_DOES))
        with self._passing:
            if self._pass_on is None:
                return f"{word}: the session is not running; nothing was done"
            self._pass_on(_DOES[word])
        return _TAKEN[_DOES[word]]

    @contextmanager
    def passed_on(self, pass_on: Callable[[Command], Any]) -> Iterator[None]:
        """Hand commands on meanwhile; before and after they are declined.

        Parameters
        ----------
        pass_on : callable
            Takes a command in any thread, without waiting or raising.
        """
        self._pass_on = pass_on
        try:
            yield
        finally:
            with self._passing:
                self._pass_on = None
