"""Asking for order books anew: soon after one broke, and less and less often while it stays so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from framework.exchange.live_book import LiveBook
from framework.interfaces import Clock

_ROUND_S = 0.5
_FIRST_ROUNDS = 10  # the first snapshot comes by itself
_MOST_ROUNDS = 60
_CALM_ROUNDS = 20


class BookRepair:
    """Looks after books in rounds of half a second.

    A book that breaks is asked for in the next round; then after 1, 2, 4 … rounds, until it has
    been valid for ten seconds.

    Parameters
    ----------
    books : iterable of LiveBook
        Not valid yet; a first snapshot is on its way.
    """

    def __init__(self, books: Iterable[LiveBook]) -> None:
        self._books = list(books)
        self._pause = [1] * len(self._books)
        self._left = [_FIRST_ROUNDS] * len(self._books)
        self._calm = [0] * len(self._books)

    def due(self) -> list[str]:
        """Return the pairs to be asked for in this round."""
        asked = []
        for index, book in enumerate(self._books):
            self._left[index] = max(0, self._left[index] - 1)
            self._calm[index] = self._calm[index] + 1 if book.valid else 0
            if self._calm[index] >= _CALM_ROUNDS:
                self._pause[index] = 1
            if not book.valid and not self._left[index]:
                asked.append(book.pair)
                self._left[index] = self._pause[index] + 1
                self._pause[index] = min(2 * self._pause[index], _MOST_ROUNDS)
        return asked

    async def work(self, clock: Clock, ask: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """Go from round to round until cancelled.

        Parameters
        ----------
        clock : Clock
        ask : callable
            Asks for new snapshots of some pairs.
        """
        while self._books:
            await clock.sleep(_ROUND_S)
            if asked := self.due():
                await ask(asked)
