"""The true order book of one market: a first state, then changes at moments, always the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from framework.loopback.truth import Truth
from framework.types import MS_NS, SECOND_NS

_FEW, _ENOUGH, _MANY = 30, 40, 60  # levels a side: filled up below, first, cut above


class Level(NamedTuple):
    """One level set to what rests there now: `price` in ticks, `units` in lots, 0 for none."""

    bid: bool
    price: int
    units: int


class Delta(NamedTuple):
    """What changed at one moment.

    `number` is 1 for the first delta of a book and one more for each that follows; its levels are
    numbered too, without a gap, from `first` to `last`.
    """

    number: int
    first: int
    last: int
    time: int
    levels: tuple[Level, ...]


class BookView(NamedTuple):
    """The best levels at a moment: price in ticks and units in lots, best first."""

    number: int
    last: int
    time: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class TrueBook:
    """One market's book, moved on through time.

    Two of the same truth, pair, start and pace go through the same states. Of the past only the
    newest deltas are kept: to see a past state, move another book of the same there.

    Parameters
    ----------
    truth : Truth
    pair : str
    start_ns : int
        Moment of the first state, UTC ns, in whole milliseconds.
    per_second : float
        Deltas a second, on average.
    """

    def __init__(self, truth: Truth, pair: str, start_ns: int, per_second: float = 2.0) -> None:
        self.pair = pair
        self.recent: list[Delta] = []
        """The newest deltas, oldest first."""
        self._truth = truth
        self._rng = np.random.default_rng([int(truth.key(f"book {pair}")), start_ns // MS_NS])
        self._gap_s = 1.0 / per_second
        self._market = truth.markets[pair]
        self._lots = 300.0 / self._market.level * 10**self._market.unit_decimals
        self._sides: tuple[dict[int, int], dict[int, int]] = ({}, {})  # asks, bids
        self._number = self._last = 0
        self._time = start_ns
        mid = truth.mid(pair, start_ns)
        for bid in (True, False):
            self._fill(bid, mid, _ENOUGH)
        self.next_ns = self._moment_after(start_ns)
        """When the next delta is due, UTC ns."""

    def move(self, now_ns: int) -> list[Delta]:
        """Return the deltas due up to `now_ns`, which the book has gone through then."""
        deltas = []
        while self.next_ns <= now_ns:
            deltas.append(self._change(self.next_ns))
            self.next_ns = self._moment_after(self.next_ns)
        self.recent = (self.recent + deltas)[-20:]
        return deltas

    def view(self, depth: int | None = None) -> BookView:
        """Return the best `depth` levels of each side, or all."""
        asks, bids = self._sides
        return BookView(
            self._number,
            self._last,
            self._time,
            sorted(bids.items(), reverse=True)[:depth],
            sorted(asks.items())[:depth],
        )

    def _change(self, time_ns: int) -> Delta:
        """Move the book to around the price of now, and touch a level or two."""
        mid = self._truth.mid(self.pair, time_ns)
        levels: list[Level] = []
        for bid in (True, False):
            side = self._sides[bid]
            for price in [price for price in side if (price >= mid if bid else price <= mid)]:
                self._put(bid, price, 0, levels)
            for _ in range(self._rng.integers(0, 3)):
                best_first = sorted(side, reverse=bid)
                price = best_first[int(self._rng.exponential(4.0)) % len(side)] if side else mid
                if self._rng.random() < 0.3:
                    self._put(bid, price, 0, levels)
                else:
                    self._put(bid, self._near(bid, mid), self._some_lots(), levels)
            if len(side) < _FEW:
                self._fill(bid, mid, _ENOUGH, levels)
            for price in sorted(side, reverse=bid)[_MANY:]:
                self._put(bid, price, 0, levels)
        if not levels:
            self._put(True, self._near(True, mid), self._some_lots(), levels)
        first, self._last = self._last + 1, self._last + len(levels)
        self._number, self._time = self._number + 1, time_ns
        return Delta(self._number, first, self._last, time_ns, tuple(levels))

    def _fill(self, bid: bool, mid: int, count: int, levels: list[Level] | None = None) -> None:
        for _ in range(3 * count):
            if len(self._sides[bid]) >= count:
                return
            self._put(bid, self._near(bid, mid), self._some_lots(), levels)

    def _put(self, bid: bool, price: int, units: int, levels: list[Level] | None) -> None:
        side = self._sides[bid]
        if units:
            side[price] = units
        elif side.pop(price, 0) == 0:
            return
        if levels is not None:
            # A level is told once, as it is in the end.
            levels[:] = [level for level in levels if level[:2] != (bid, price)]
            levels.append(Level(bid, price, units))

    def _near(self, bid: bool, mid: int) -> int:
        """Return a price on one side of `mid`, mostly close to it."""
        away = 1 + int(self._rng.exponential(max(8.0, mid * 1e-3)))
        return max(1, mid - away) if bid else mid + away

    def _some_lots(self) -> int:
        return 1 + int(self._rng.exponential(self._lots))

    def _moment_after(self, time_ns: int) -> int:
        """Return a later moment in whole milliseconds, no two the same."""
        gap_ms = 1 + int(self._rng.exponential(self._gap_s * SECOND_NS / MS_NS))
        return time_ns // MS_NS * MS_NS + gap_ms * MS_NS
