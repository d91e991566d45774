"""One pair's order book, kept level by level."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np

from framework.market.live import BookState

_MOST = 1e15


class LiveBook:
    """Bids and asks by price, sorted; valid or not, as who fills it says.

    Prices and units are kept both as numbers and as the exchange wrote them, for checksums.

    Parameters
    ----------
    pair : str
    """

    __slots__ = ("_asks", "_bids", "pair", "time", "valid", "written")

    def __init__(self, pair: str) -> None:
        self.pair = pair
        self.time = 0
        """Of the last change, UTC ns."""
        self.valid = False
        self._bids: list[float] = []  # negative prices, ascending: the best is the first
        self._asks: list[float] = []
        self.written: dict[float, tuple[str, str, float]] = {}
        """Signed price (bids below zero) to price and units as written, and units."""

    def clear(self) -> None:
        """Forget all levels; the book is not valid."""
        self.valid = False
        self._bids.clear()
        self._asks.clear()
        self.written.clear()

    def put(self, bid: bool, price: str, units: str) -> None:
        """Set one level; units of 0 delete it.

        Raises
        ------
        ValueError
            No level can have this price or these units.
        """
        value, key = float(units), float(price)
        if not (0.0 < key < _MOST and 0.0 <= value < _MOST):
            raise ValueError(f"no level: price {price[:40]}, units {units[:40]}")
        if bid:
            key = -key
        side = self._bids if bid else self._asks
        if value == 0.0:
            if self.written.pop(key, None) is not None:
                del side[bisect_left(side, key)]
            return
        if key not in self.written:
            side.insert(bisect_left(side, key), key)
        self.written[key] = (price, units, value)

    def put_all(self, bid: bool, levels: Iterable[tuple[str, str]]) -> None:
        """Set several levels of one side."""
        for price, units in levels:
            self.put(bid, price, units)

    def trim(self, depth: int) -> None:
        """Keep the best `depth` levels of each side."""
        for side in (self._bids, self._asks):
            for key in side[depth:]:
                del self.written[key]
            del side[depth:]

    def best(self, bid: bool, depth: int) -> list[tuple[str, str]]:
        """Return price and units of the best levels, as written."""
        side = self._bids if bid else self._asks
        return [self.written[key][:2] for key in side[:depth]]

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""
        return bool(self._bids and self._asks and -self._bids[0] >= self._asks[0])

    def state(self, depth: int) -> BookState:
        """Return the best `depth` levels of each side as numbers."""
        levels = np.full((2, depth, 2), np.nan)
        for index, side in enumerate((self._bids, self._asks)):
            for level, key in enumerate(side[:depth]):
                levels[index, level] = abs(key), self.written[key][2]
        return BookState(self.pair, self.time, levels)
