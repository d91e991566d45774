"""What waits comes out in order; of a book only the newest state."""

import asyncio

import numpy as np
import pytest

from framework.errors import OutsideFault
from framework.feed.events import BookSeen, State, StateChanged
from framework.feed.outbox import Outbox
from framework.market.live import BookState


def book(pair: str, time: int) -> BookSeen:
    return BookSeen(BookState(pair, time, np.empty((2, 0, 2))), 0)


def taken(outbox: Outbox, count: int):
    async def take():
        return [await outbox.get() for _ in range(count)]

    return asyncio.run(take())


def test_a_book_comes_before_what_was_put_after_it():
    outbox = Outbox()
    first, second = StateChanged(State.LIVE, "1"), StateChanged(State.LOST, "2")
    a, b, newer = book("A", 1), book("B", 2), book("A", 3)
    for event in (first, a, b, second, newer):
        outbox.put(event)
    assert taken(outbox, 4) == [first, newer, b, second]
    outbox.put(a)
    assert taken(outbox, 1) == [a]


def test_after_what_waits_comes_the_end_or_the_fault():
    outbox = Outbox()
    outbox.put(book("A", 1))
    outbox.end()
    assert taken(outbox, 3)[1:] == [None, None]
    outbox = Outbox()
    outbox.end(OutsideFault("over"))
    with pytest.raises(OutsideFault, match="over"):
        taken(outbox, 1)
