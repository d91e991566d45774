"""Walking back over pages by a cursor, without knowing which way the cursor counts.

BTC Markets documents neither whether ``before`` means older nor in which order a page comes, and
its clients contradict each other. So each way is tried until one brings older entries, which is
told by their keys alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from framework.exchange.btcmarkets_values import id_of
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
    cursors : sequence of (str, str)
        Parameters that may lead to older entries; of one kind of page always as many, in one
        order of meaning.
    """

    entries: Mapping[int, T]
    cursors: Sequence[Cursor]


class Pager:
    """Walks back; what it learnt of the cursor's direction holds for all pages of one kind."""

    def __init__(self) -> None:
        self._way: int | None = None

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
                return seen, self._way is not None or len(page.entries) < PAGE
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
        ways = range(len(page.cursors)) if self._way is None else (self._way,)
        for way in ways:
            try:
                found = await ask((page.cursors[way],))
            except Refused:
                if self._way is not None:
                    raise
                continue
            if found.entries and min(found.entries) < oldest:
                self._way = way
                return found
        return None


def cursors_of_ids(entries: Mapping[int, object]) -> list[Cursor]:
    """Return the cursors where entries go by numbers that grow with time."""
    if not entries:
        return []
    oldest = str(min(entries))
    return [("after", oldest), ("before", oldest)]


def cursors_of_headers(answer: Answer) -> list[Cursor]:
    """Return the cursors where they come beside the page, with a meaning that is not certain."""
    values = [answer.headers.get("BM-AFTER"), answer.headers.get("BM-BEFORE")]
    if not all(values):
        return []
    after, before = (id_of(value) for value in values)
    return [("after", after), ("before", after), ("before", before), ("after", before)]
