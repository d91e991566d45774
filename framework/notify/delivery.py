"""A queue and a thread that empties it: messages are taken at once and delivered soon.

At least once: where a server takes a message and fails to say so, it is sent again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from threading import Lock, Thread
from time import monotonic
from typing import ClassVar, Protocol

from framework.notify.courier import Answer, Say
from framework.notify.levels import Level, reaches

_MOST = 1_000
"""Messages that wait, at most."""

_TRIES = 3
_BACKOFF_S = 1.0
_LEAVING_S = 2.0
"""How long a connection may take to close, once patience is over."""

_LONGEST_REASON = 200


class Undelivered(Exception):
    """A message did not arrive.

    Parameters
    ----------
    reason : str
        Why, in one line.
    retry_s : float
        Seconds before which the other side does not want to be asked again.
    """

    def __init__(self, reason: str, retry_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_s = retry_s


class Way(Protocol):
    """The channel, as far as its delivery looks at it."""

    longest: ClassVar[int]
    pause_s: ClassVar[float]

    @property
    def name(self) -> str:
        """Of the channel, in the log."""

    @property
    def level(self) -> Level:
        """Least of what is told."""

    @property
    def patience_seconds(self) -> float:
        """How long the end of a run waits."""

    def connect(
        self, say: Say, answer: Answer | None, reply: Callable[[str], None]
    ) -> AbstractAsyncContextManager[Callable[[str], Awaitable[None]]]:
        """Return a context that yields what sends a text."""


class ThreadDelivery:
    """Delivers one channel's messages in their order, tries three times, then drops and says so.

    Parameters
    ----------
    way : Way
        The channel.
    say : callable
        Takes a line for the log.
    answer : callable, optional
        Answers commands.
    """

    def __init__(self, way: Way, say: Say, answer: Answer | None = None) -> None:
        self._way = way
        self._answer = answer
        self._tell = say
        self._waiting: deque[str] = deque()
        self._lock = Lock()
        self._full = False
        self._over = False
        self._until_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._thread = Thread(target=self._work, name=f"notify {way.name}", daemon=True)
        self._thread.start()

    def send(self, message: str, level: Level = "daily") -> None:
        """Take `message` unless the channel asks for less."""
        if reaches(level, self._way.level):
            self._put(message)

    def finish(self) -> None:
        """Let the thread end once all is delivered."""
        self._over = True
        self._until_s = monotonic() + self._way.patience_seconds
        self._wake()

    def wait(self) -> None:
        """Wait for the thread as long as patience lasts; say what was left."""
        self._thread.join(max(self._until_s - monotonic(), 0.0))
        if self._thread.is_alive():
            self._call(self._cancel)
            self._thread.join(_LEAVING_S)
        if left := len(self._waiting):
            self._say(f"{left} messages were not delivered in time")

    def _put(self, message: str) -> None:
        with self._lock:
            begins = len(self._waiting) >= _MOST and not self._full
            self._full = len(self._waiting) >= _MOST
            if not self._full:
                self._waiting.append(message)
        if begins:
            self._say(f"{_MOST} messages wait; further ones are dropped until there is room")
        self._wake()

    def _wake(self) -> None:
        self._call(self._news.set)

    def _call(self, act: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(act)

    def _say(self, line: str) -> None:
        self._tell(f"notify: {self._way.name}: {line}")

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _work(self) -> None:
        try:
            self._main = self._loop.create_task(self._deliver())
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            return
        except Exception as fault:
            self._say(f"stopped: {fault!r}")
        finally:
            self._loop.close()

    async def _deliver(self) -> None:
        async with self._way.connect(self._say, self._answer, self._put) as post:
            free_s = self._loop.time()
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await asyncio.sleep(max(free_s - self._loop.time(), 0.0))
                    await self._deliver_next(post)
                    free_s = self._loop.time() + self._way.pause_s
                if self._over:
                    return

    async def _deliver_next(self, post: Callable[[str], Awaitable[None]]) -> None:
        """Post what waits, as much as one message holds; it waits until it has arrived."""
        text, whole, rest = self._joined()
        reason = ""
        for number in range(_TRIES):
            try:
                await post(text)
                break
            except Undelivered as fault:
                reason = " ".join(str(fault).split())[:_LONGEST_REASON]
                if number < _TRIES - 1:
                    await asyncio.sleep(max(_BACKOFF_S * 2**number, fault.retry_s))
        else:
            self._say(f"dropped after {_TRIES} tries: {reason}: " + text.partition("\n")[0])
        with self._lock:
            for _ in range(whole):
                self._waiting.popleft()
            if rest:
                self._waiting[0] = rest

    def _joined(self) -> tuple[str, int, str]:
        """Return a text, how many messages are whole in it, and what is left of a cut one."""
        longest = self._way.longest
        with self._lock:
            if len(self._waiting[0]) > longest:
                return self._waiting[0][:longest], 0, self._waiting[0][longest:]
            taken: list[str] = []
            size = 0
            for message in self._waiting:
                size += len(message) + 1
                if size > longest + 1:
                    break
                taken.append(message)
        return "\n".join(taken), len(taken), ""
