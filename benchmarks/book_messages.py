"""Order-book messages of BTC Markets a second, each read, applied and held against its checksum.

``python benchmarks/book_messages.py [MESSAGES] [--pairs N] [--profile]`` makes the frames of some
seeded books, feeds them to the reader of the socket on one core, and prints one JSON line.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import time
from bisect import bisect_left, insort
from zlib import crc32

import numpy as np

from framework.exchange.btcmarkets_socket import FrameReader
from framework.exchange.connection import Heard, HeardBook
from framework.exchange.live_book import LiveBook

_LEVELS = 1_000  # a side, as of BTC-AUD
_MOMENT = "2026-09-23T04:41:{:02d}.{:03d}Z"
BUDGET = 20_000


class MadeBook:
    """One market's book in ticks and lots, and the frames that tell of its changes.

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
        self._id = 1_790_138_497_492_000
        for bid in (0, 1):
            away = np.unique(rng.integers(1, 40 * _LEVELS, 2 * _LEVELS))[:_LEVELS]
            for ticks in away.tolist():
                self._put(bid, self._mid - ticks if bid else self._mid + ticks, self._lots())

    def snapshot(self) -> str:
        """Return the frame of the whole book."""
        bids, asks = (
            [[_text(abs(key), 2), _text(self._sides[bid][abs(key)], 8), 1] for key in order]
            for bid, order in ((1, self._order[1]), (0, self._order[0]))
        )
        return self._frame({"snapshot": True, "bids": bids, "asks": asks})

    def change(self) -> str:
        """Change one level, near the best ones more often than not, and return the frame."""
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
        level = [_text(ticks, 2), _text(lots, 8), int(lots > 0)]
        self._id += 8_000
        told = {"bids": [level] if bid else [], "asks": [] if bid else [level]}
        return self._frame(told | {"checksum": str(self._checksum())})

    def _put(self, bid: int, ticks: int, lots: int) -> None:
        key, order = -ticks if bid else ticks, self._order[bid]
        if not lots:
            del self._sides[bid][ticks], order[bisect_left(order, key)]
            return
        if ticks not in self._sides[bid]:
            insort(order, key)
        self._sides[bid][ticks] = lots

    def _checksum(self) -> int:
        """Return the sum over whole numbers: what is left of a decimal without point and zeros."""
        digits = []
        for bid in (1, 0):
            for key in self._order[bid][:10]:
                lots = _text(self._sides[bid][abs(key)], 8)
                digits += [_text(abs(key), 2).replace(".", ""), str(int(lots.replace(".", "")))]
        return crc32("".join(digits).encode())

    def _lots(self) -> int:
        return int(self._rng.exponential(5e6)) + 1

    def _frame(self, told: dict[str, object]) -> str:
        moment = _MOMENT.format(self._id // 1_000_000 % 60, self._id // 1_000 % 1_000)
        frame = {"marketId": self.pair, "timestamp": moment, "snapshotId": self._id}
        return json.dumps(frame | told | {"messageType": "orderbookUpdate"}, separators=(",", ":"))


def _text(value: int, decimals: int) -> str:
    """Return a decimal without trailing zeros, as the exchange writes it."""
    whole, rest = divmod(value, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".") if rest else str(whole)


def frames_of(messages: int, pairs: int, seed: int = 7) -> tuple[list[str], list[str]]:
    """Return the names of some markets, and their snapshots followed by changes in turn."""
    rng = np.random.default_rng(seed)
    books = [MadeBook(f"M{number}-AUD", rng) for number in range(pairs)]
    frames = [book.snapshot() for book in books]
    frames += [books[number % pairs].change() for number in range(messages)]
    return [book.pair for book in books], frames


def read_all(pairs: list[str], frames: list[str]) -> tuple[int, float]:
    """Read the frames; return how many left a book valid, and the processor's seconds it took."""
    books = {pair: LiveBook(pair) for pair in pairs}
    valid = 0

    def hear(heard: Heard) -> None:
        nonlocal valid
        if type(heard) is HeardBook and books[heard.pair].valid:
            valid += 1

    reader = FrameReader("btcmarkets", books, hear)
    began = time.process_time()
    for frame in frames:
        reader.read(frame)
    return valid, time.process_time() - began


def main(words: list[str]) -> None:
    """Measure three times and print the best, and the profile where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=int, nargs="?", default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    given = parser.parse_args(words)
    pairs, frames = frames_of(given.messages, given.pairs)
    rounds = [read_all(pairs, frames) for _ in range(3)]
    if any(valid != len(frames) for valid, _ in rounds):
        raise SystemExit("not every message left its book valid")
    rate = len(frames) / min(seconds for _, seconds in rounds)
    line = {"test": "book_messages", "messages": len(frames), "pairs": given.pairs}
    print(json.dumps(line | {"per_second": round(rate), "budget": BUDGET}))
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(read_all, pairs, frames)
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main(sys.argv[1:])
