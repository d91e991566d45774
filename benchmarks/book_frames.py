"""Order books made up from a seed, and how exchanges write their changes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Iterable
from zlib import crc32

import numpy as np

_LEVELS = 1_000  # a side, as of BTC-AUD
_MOMENT = "2026-09-23T04:41:{:02d}.{:03d}Z"

Levels = list[tuple[int, int]]
"""Ticks and lots; no lots: the level is gone."""


class MadeBook:
    """One market's book in ticks of 0.01 and lots of 1e-8, and its changes.

    Parameters
    ----------
    pair : str
    rng : Generator
    """

    def __init__(self, pair: str, rng: np.random.Generator) -> None:
        self.pair = pair
        self._rng = rng
        self._mid = 12_000_000  # ticks of a cent
        self._sides: tuple[dict[int, int], dict[int, int]] = ({}, {})  # asks, bids; ticks: lots
        self._order: tuple[list[int], list[int]] = ([], [])  # ticks, the best first; bids below 0
        for bid in (0, 1):
            away = np.unique(rng.integers(1, 40 * _LEVELS, 2 * _LEVELS))[:_LEVELS]
            for ticks in away.tolist():
                self._put(bid, self._mid - ticks if bid else self._mid + ticks, self._lots())

    def best(self, bid: int, count: int = _LEVELS) -> Levels:
        """Return the best levels of a side, the best first."""
        return [(abs(key), self._sides[bid][abs(key)]) for key in self._order[bid][:count]]

    def change(self) -> tuple[Levels, Levels]:
        """Change one level, near the best ones more often than not; return bids and asks."""
        rng, bid = self._rng, int(self._rng.integers(2))
        order, side = self._order[bid], self._sides[bid]
        place = min(int(rng.exponential(8.0)), len(order) - 1)
        ticks = abs(order[place])
        if rng.random() < 0.4 and len(order) > _LEVELS:
            lots = 0
        elif rng.random() < 0.5:
            lots = self._lots()
        else:
            ticks += int(rng.integers(1, 9)) * (-1 if bid else 1)
            lots = side.get(ticks, 0) + self._lots()
        self._put(bid, ticks, lots)
        level = [(ticks, lots)]
        return (level, []) if bid else ([], level)

    def _put(self, bid: int, ticks: int, lots: int) -> None:
        key, order = -ticks if bid else ticks, self._order[bid]
        if not lots:
            del self._sides[bid][ticks], order[bisect_left(order, key)]
            return
        if ticks not in self._sides[bid]:
            insort(order, key)
        self._sides[bid][ticks] = lots

    def _lots(self) -> int:
        return int(self._rng.exponential(5e6)) + 1


class Writer(ABC):
    """Writes books as one exchange does, its frames counted over all books."""

    def __init__(self) -> None:
        self.count = 0

    def frame(self, book: MadeBook, change: tuple[Levels, Levels] | None) -> str:
        """Return the frame of a change, or of the whole book."""
        bids, asks = change or (book.best(1), book.best(0))
        told = self.told(book, bids, asks, change is None)
        self.count += 1
        return json.dumps(told, separators=(",", ":"))

    @abstractmethod
    def told(self, book: MadeBook, bids: Levels, asks: Levels, whole: bool) -> dict[str, object]:
        """Return a frame's content."""

    @property
    def moment(self) -> str:
        """When the frame is sent."""
        return _MOMENT.format(self.count // 125 % 60, self.count % 125 * 8)


class BtcMarketsWriter(Writer):
    """Absolute levels, and a checksum of the best ten, bids first."""

    def told(self, book: MadeBook, bids: Levels, asks: Levels, whole: bool) -> dict[str, object]:
        """Return an ``orderbookUpdate``."""
        told = {
            "marketId": book.pair,
            "timestamp": self.moment,
            "snapshotId": 1_790_138_497_492_000 + 8_000 * self.count,
            "bids": [[text(ticks, 2), text(lots, 8), int(lots > 0)] for ticks, lots in bids],
            "asks": [[text(ticks, 2), text(lots, 8), int(lots > 0)] for ticks, lots in asks],
            "messageType": "orderbookUpdate",
        }
        if whole:
            return told | {"snapshot": True}
        digits = (
            text(ticks, 2).replace(".", "") + str(int(text(lots, 8).replace(".", "")))
            for ticks, lots in (*book.best(1, 10), *book.best(0, 10))
        )
        return told | {"checksum": str(crc32("".join(digits).encode()))}


class KrakenWriter(Writer):
    """Absolute levels as numbers, and a checksum of the best ten, asks first."""

    def told(self, book: MadeBook, bids: Levels, asks: Levels, whole: bool) -> dict[str, object]:
        """Return a ``book``."""
        best = (*book.best(0, 10), *book.best(1, 10))
        told = {
            "symbol": book.pair.replace("-", "/"),
            "bids": self._levels(bids),
            "asks": self._levels(asks),
            "checksum": crc32("".join(f"{ticks}{lots}" for ticks, lots in best).encode()),
            "timestamp": self.moment,
        }
        return {"channel": "book", "type": "snapshot" if whole else "update", "data": [told]}

    def _levels(self, levels: Levels) -> list[dict[str, float]]:
        return [{"price": ticks / 100, "qty": lots / 10**8} for ticks, lots in levels]


class CoinbaseWriter(Writer):
    """Absolute levels, and one number for all frames of a connection."""

    def told(self, book: MadeBook, bids: Levels, asks: Levels, whole: bool) -> dict[str, object]:
        """Return an ``l2_data``."""
        event = {
            "type": "snapshot" if whole else "update",
            "product_id": book.pair,
            "updates": [*self._levels("bid", bids), *self._levels("offer", asks)],
        }
        head = {"channel": "l2_data", "client_id": "", "timestamp": self.moment}
        return {**head, "sequence_num": self.count, "events": [event]}

    def _levels(self, side: str, levels: Levels) -> Iterable[dict[str, str]]:
        for ticks, lots in levels:
            level = {"price_level": text(ticks, 2), "new_quantity": text(lots, 8)}
            yield {"side": side, "event_time": self.moment, **level}


WRITERS = {"btcmarkets": BtcMarketsWriter, "kraken": KrakenWriter, "coinbase": CoinbaseWriter}


def text(value: int, decimals: int) -> str:
    """Return a decimal without trailing zeros."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".") if rest else str(whole)
