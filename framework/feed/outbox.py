"""What waits for the consumer: bounded by whoever fills it, never blocking."""

from __future__ import annotations

import asyncio
from collections import deque

from framework.feed.events import BookSeen, FeedEvent

_CROWDED = 20_000
_ROOMY = 1_000


class Outbox:
    """Events in order; of a pair's books only the newest waits, where the oldest unread one was.

    Nothing is dropped: who fills it stops asking for more while it is `crowded`.
    """

    def __init__(self) -> None:
        self._events: deque[FeedEvent | str] = deque()  # a pair: the newest of its books
        self._books: dict[str, BookSeen] = {}
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False
        self._fault: BaseException | None = None

    @property
    def crowded(self) -> bool:
        """Whether so much waits that no more should be fetched."""
        return not self._room.is_set()

    def put(self, event: FeedEvent) -> None:
        """Add an event; of a book only the newest state waits."""
        if isinstance(event, BookSeen):
            if event.state.pair not in self._books:
                self._events.append(event.state.pair)
            self._books[event.state.pair] = event
        else:
            self._events.append(event)
            if len(self._events) >= _CROWDED:
                self._room.clear()
        self._something.set()

    def end(self, fault: BaseException | None = None) -> None:
        """Nothing follows; after what waits, `fault` is raised if there is one."""
        if not self._ended:
            self._ended, self._fault = True, fault
        self._something.set()

    async def room(self) -> None:
        """Wait until it is not crowded."""
        await self._room.wait()

    async def get(self) -> FeedEvent | None:
        """Return the next event, waiting for it; None: it ended."""
        while True:
            if self._events:
                event = self._events.popleft()
                if len(self._events) <= _ROOMY:
                    self._room.set()
                return self._books.pop(event) if isinstance(event, str) else event
            if self._ended:
                if self._fault is not None:
                    raise self._fault
                return None
            self._something.clear()
            await self._something.wait()
