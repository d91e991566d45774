"""What a person may say to a session from afar, and what it says back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from framework.session.session import Command

QUESTIONS = ("/status", "/profit", "/trades")
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
    told : callable
        Returns the answer to each of `QUESTIONS`, in any thread; nothing before there is a session.
    """

    def __init__(self, told: Callable[[], Mapping[str, str]]) -> None:
        self._told = told
        self._pass_on: Callable[[Command], Any] | None = None
        self._passing = Lock()

    def __call__(self, word: str) -> str:
        """Return what to say to a command."""
        if word in QUESTIONS:
            return self._told().get(word, "begins just now")
        if word not in _DOES:
            return "commands: " + " ".join((*QUESTIONS, *_DOES))
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
