"""Asking for snapshots of books, one after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import numpy as np

from framework.interfaces import Clock
from framework.types import SECOND_NS

_AGAIN_S = 1.0


class BookAsker:
    """Begins books in the order in which that is wanted; one pair not twice within a second or so.

    One at a time, so that the budget's turns between them remain for other requests.

    Parameters
    ----------
    begin : callable
        Asks for the snapshot of a pair; returns whether the book has begun.
    clock : Clock
    rng : Generator
        Spreads the waits.
    """

    def __init__(
        self, begin: Callable[[str], Awaitable[bool]], clock: Clock, rng: np.random.Generator
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._rng = rng
        self._wanted: deque[str] = deque()
        self._some = asyncio.Event()
        self._asked_ns: dict[str, int] = {}

    def want(self, pair: str) -> None:
        """Have the book of `pair` begun, unless that is wanted already."""
        if pair not in self._wanted:
            self._wanted.append(pair)
            self._some.set()

    async def run(self) -> None:
        """Ask for what is wanted; never returns."""
        while True:
            await self._some.wait()
            pair = self._wanted[0]
            since_s = (self._clock.now_ns() - self._asked_ns.get(pair, 0)) / SECOND_NS
            if abs(since_s) < _AGAIN_S:  # whichever way the clock was set
                await self._clock.sleep(_AGAIN_S * self._rng.uniform(0.5, 1.5))
            self._asked_ns[pair] = self._clock.now_ns()
            begun = await self._begin(pair)
            self._wanted.popleft()
            if not begun:
                self._wanted.append(pair)
            elif not self._wanted:
                self._some.clear()
