"""Made changes of books as exchanges behind ccxt write them, and what reads them there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from framework.exchange.binance_connection import BinanceConnection
from framework.exchange.bitvavo_connection import BitvavoConnection
from framework.exchange.ccxt_connection import CcxtConnection
from framework.exchange.connection import Channel, Heard, HeardBook
from framework.exchange.live_book import LiveBook
from framework.exchange.rate_budget import RateBudget
from framework.session.clock import WallClock
from framework.types import Interval

Write = Callable[[str, int, Any], dict[str, Any]]
_MS = 1_795_212_170_291


def _binance(pair: str, number: int, made: Any) -> dict[str, Any]:
    sides = {"b": made["bids"], "a": made["asks"]}
    numbers = {"U": number, "u": number}
    return {"e": "depthUpdate", "E": _MS, "s": pair.replace("-", "")} | numbers | sides


def _bitvavo(pair: str, number: int, made: Any) -> dict[str, Any]:
    told = {"bids": made["bids"], "asks": made["asks"], "timestamp": _MS}
    return {"event": "book", "market": pair, "nonce": number} | told


DIALECTS: dict[str, tuple[type[CcxtConnection], Write]] = {
    "binance": (BinanceConnection, _binance),
    "bitvavo": (BitvavoConnection, _bitvavo),
}


def read_all(
    exchange: str, pairs: Sequence[str], snapshots: Sequence[str], changes: Sequence[str]
) -> Callable[[], tuple[int, float]]:
    """Write frames as `exchange` does, and return what reads them from the wire's text on.

    Parameters
    ----------
    exchange : str
    pairs : sequence of str
    snapshots, changes : sequence of str
        Frames of BTC Markets, those of the pairs in turn.
    """
    kind, write = DIALECTS[exchange]
    begun, frames = [_levels(text) for text in snapshots], []
    for index, text in enumerate(changes):
        number, place = divmod(index, len(pairs))
        frames.append(json.dumps(write(pairs[place], number + 1, _levels(text))))

    async def listened() -> tuple[int, float]:
        connection = kind(
            exchange, WallClock(), RateBudget(exchange, 1, 1), np.random.default_rng(0)
        )
        connection.books = {pair: LiveBook(pair) for pair in pairs}
        valid = 0

        def hear(heard: Heard) -> None:
            nonlocal valid
            if type(heard) is HeardBook and connection.books[heard.pair].valid:
                valid += 1

        listener: Any = connection.listener(
            pairs, Interval.parse("1m"), frozenset({Channel.BOOKS}), hear
        )
        for pair, made in zip(pairs, begun, strict=True):
            listener.chains[pair].begin(0, made["bids"], made["asks"])
        began = time.process_time()
        for frame in frames:
            listener.heard(frame)
        return valid, time.process_time() - began

    return lambda: asyncio.run(listened())


def _levels(text: str) -> dict[str, Any]:
    made = json.loads(text)
    return {side: [level[:2] for level in made[side]] for side in ("bids", "asks")}
