"""What every feed is: events, one after the other, until it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from framework.feed.events import FeedEvent


class Feed(ABC):
    """An asynchronous context in which events are iterated over.

    It ends by itself with the last event there is, or by raising the fault that ended it.
    """

    @property
    @abstractmethod
    def now_ns(self) -> int:
        """The time by which the feed decides, UTC ns: the exchange's."""

    @abstractmethod
    async def start(self) -> None:
        """Begin; called once."""

    @abstractmethod
    async def stop(self) -> None:
        """End, giving back all that is held; what was told and not taken yet can still be."""

    @abstractmethod
    async def next(self) -> FeedEvent | None:
        """Return the next event, waiting for it; None: there is none any more."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedEvent:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event
