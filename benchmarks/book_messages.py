"""Order-book messages a second, each read, applied and held against what vouches for it.

``python benchmarks/book_messages.py [MESSAGES] [--exchange NAME] [--pairs N] [--profile]`` makes
the frames of some seeded books, feeds them to the reader of the exchange's socket on one core, and
prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
from book_frames import WRITERS, MadeBook

from framework.exchange.btcmarkets_socket import FrameReader
from framework.exchange.ccxt_connection import CcxtConnection
from framework.exchange.coinbase_connection import CoinbaseConnection
from framework.exchange.connection import Channel, Heard, HeardBook, MarketInfo
from framework.exchange.kraken_connection import KrakenConnection
from framework.exchange.kraken_rows import KrakenMarket
from framework.exchange.live_book import LiveBook
from framework.exchange.rate_budget import RateBudget
from framework.market.rules import MarketRules
from framework.session.clock import WallClock
from framework.types import Interval

BUDGET = 20_000


def frames_of(
    messages: int, pairs: int, exchange: str = "btcmarkets", seed: int = 7
) -> tuple[list[str], list[str]]:
    """Return the names of some markets, and their snapshots followed by changes in turn."""
    rng = np.random.default_rng(seed)
    books = [MadeBook(f"M{number}-AUD", rng) for number in range(pairs)]
    writer = WRITERS[exchange]()
    frames = [writer.frame(book, None) for book in books]
    for number in range(messages):
        book = books[number % pairs]
        frames.append(writer.frame(book, book.change()))
    return [book.pair for book in books], frames


def read_all(
    pairs: list[str], frames: list[str], exchange: str = "btcmarkets"
) -> tuple[int, float]:
    """Read the frames; return how many left a book valid, and the processor's seconds it took."""
    valid = 0
    books: Mapping[str, LiveBook] = {}

    def hear(heard: Heard) -> None:
        nonlocal valid
        if type(heard) is HeardBook and books[heard.pair].valid:
            valid += 1

    async def run() -> float:
        nonlocal books
        books, read = reader_of(exchange, pairs, hear)
        began = time.process_time()
        for frame in frames:
            read(frame)
        return time.process_time() - began

    seconds = asyncio.run(run())
    return valid, seconds


def reader_of(
    exchange: str, pairs: list[str], hear: Callable[[Heard], None]
) -> tuple[Mapping[str, LiveBook], Callable[[str], object]]:
    """Return the books of an exchange, and what reads a frame of its socket into them."""
    if exchange == "btcmarkets":
        own = {pair: LiveBook(pair) for pair in pairs}
        return own, FrameReader(exchange, own, hear).read
    kind = {"kraken": KrakenConnection, "coinbase": CoinbaseConnection}[exchange]
    rng = np.random.default_rng(1)
    connection: CcxtConnection = kind(exchange, WallClock(), RateBudget(exchange, 1, 1), rng)
    connection.books.update((pair, LiveBook(pair)) for pair in pairs)
    if isinstance(connection, KrakenConnection):
        connection.book_levels = 1_000
        connection.known_markets = {
            pair: KrakenMarket(pair, 2, 8, MarketInfo(pair, True, MarketRules())) for pair in pairs
        }
    minute = Interval.parse("1m")
    listener = connection.listener(pairs, minute, frozenset({Channel.BOOKS}), hear)
    return connection.books, lambda frame: listener.take(listener.read(frame))


def main(words: list[str]) -> None:
    """Measure three times and print the best, and the profile where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=int, nargs="?", default=100_000)
    parser.add_argument("--exchange", choices=sorted(WRITERS), default="btcmarkets")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    given = parser.parse_args(words)
    pairs, frames = frames_of(given.messages, given.pairs, given.exchange)
    rounds = [read_all(pairs, frames, given.exchange) for _ in range(3)]
    if any(valid != len(frames) for valid, _ in rounds):
        raise SystemExit("not every message left its book valid")
    rate = len(frames) / min(seconds for _, seconds in rounds)
    line: dict[str, object] = {"test": "book_messages", "exchange": given.exchange}
    line |= {"messages": len(frames), "pairs": given.pairs}
    print(json.dumps(line | {"per_second": round(rate), "budget": BUDGET}))
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(read_all, pairs, frames, given.exchange)
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main(sys.argv[1:])
