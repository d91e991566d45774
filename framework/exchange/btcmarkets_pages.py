"""Walking back over pages by a cursor, without knowing which way the cursor counts.

BTC Markets documents neither whether ``before`` means older nor in which order a page comes, and
its clients contradict each other. So each way is tried until one brings older entries, which is
told by their keys alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from framework.exchange.btcmarkets_values import text_of_time
from framework.exchange.faults import Refused
from framework.exchange.http import Answer

T = TypeVar("T")

PAGE = 200
"""Entries asked for at once; the most that clients are known to get."""

Cursor = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries by key, in no order; the smaller the key, the older the entry.

    Parameters
    ----------
    entries : mapping of int to object
    cursors : mapping of str to (str, str)
        Parameters that may lead to older entries, by a name of what they are.
    """

    entries: Mapping[int, T]
    cursors: Mapping[str, Cursor]


class Pager:
    """Walks back; what it learnt of the cursor's direction holds for all pages of one kind."""

    def __init__(self) -> None:
        self.way: str | None = None
        """What leads to older entries; None: not known yet."""

    async def back(
        self,
        ask: Callable[[tuple[Cursor, ...]], Awaitable[Page[T]]],
        enough: Callable[[T], bool],
        most_pages: int,
    ) -> tuple[dict[int, T], bool]:
        """Return the newest entries back to where it is `enough`, and whether that was reached.

        Parameters
        ----------
        ask : callable
            Returns the page for a cursor, or the newest one for none.
        enough : callable
            Whether an entry lies before all that is wanted.
        most_pages : int
            After so many it is given up.

        Returns
        -------
        entries : dict of int to object
            By key; more than was wanted, perhaps.
        reached : bool
            All that is wanted is there: an entry before it was seen, or there is no older one.
        """
        page = await ask(())
        seen: dict[int, T] = dict(page.entries)
        for _ in range(most_pages):
            if not seen or enough(seen[min(seen)]):
                return seen, True
            older = await self._older(ask, page, min(seen))
            if older is None:
                return seen, self.way is not None or len(page.entries) < PAGE
            page = older
            seen.update(page.entries)
        return seen, False

    async def _older(
        self,
        ask: Callable[[tuple[Cursor, ...]], Awaitable[Page[T]]],
        page: Page[T],
        oldest: int,
    ) -> Page[T] | None:
        """Return a page with entries before `oldest`, or None."""
        known = self.way in page.cursors
        for way, cursor in page.cursors.items():
            if known and way != self.way:
                continue
            try:
                found = await ask((cursor,))
            except Refused:
                if known:
                    raise
                continue
            if found.entries and min(found.entries) < oldest:
                self.way = way
                return found
        return None


def cursors_of_ids(entries: Mapping[int, object]) -> dict[str, Cursor]:
    """Return the cursors where entries go by numbers that grow with time."""
    return _both_ways("id", str(min(entries))) if entries else {}


def cursors_of_times(entries: Mapping[int, object], answer: Answer) -> dict[str, Cursor]:
    """Return the cursors where entries go by times: what comes beside the page, or the oldest."""
    if not entries:
        return {}
    cursors: dict[str, Cursor] = {}
    for name in ("BM-AFTER", "BM-BEFORE"):
        if value := answer.headers.get(name):
            cursors |= _both_ways(name, value)
    return cursors | _both_ways("time", text_of_time(min(entries)))


def _both_ways(name: str, value: str) -> dict[str, Cursor]:
    return {f"after {name}": ("after", value), f"before {name}": ("before", value)}
