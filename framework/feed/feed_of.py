"""The feed that an exchange has: of what happens now, or of what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framework.exchange.connection import Channel
from framework.exchange.contract import Exchange
from framework.feed.feed import Feed
from framework.feed.live_feed import LiveFeed
from framework.feed.played_feed import PlayedFeed
from framework.interfaces import Clock
from framework.types import Interval

_FRESH = Interval.parse("1m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a consumer wants to be told.

    Parameters
    ----------
    pairs : tuple of str
    interval : Interval
        Of the candles.
    channels : frozenset of Channel
    watermark : mapping
        By pair, the open time of the first candle to tell, UTC ns; one that is not there begins
        with the candle that closes next.
    book_every_s : float
        Seconds between two states of one pair's book, at least.
    book_depth : int
        Levels a side.
    book_max_age : Interval
        How old a played book may be.
    end_ns : int, optional
        Of open times, exclusive, where candles are played.
    paced : bool
        Played candles wait for their close.
    store_url : str, optional
        Where ``mode=download`` keeps candles.
    """

    pairs: Sequence[str]
    interval: Interval
    channels: frozenset[Channel]
    watermark: Mapping[str, int]
    book_every_s: float = 1.0
    book_depth: int = 10
    book_max_age: Interval = _FRESH
    end_ns: int | None = None
    paced: bool = True
    store_url: str | None = None


def feed_of(exchange: Exchange, clock: Clock, wanted: Wanted, rng: np.random.Generator) -> Feed:
    """Return the feed of `exchange`, to be used in the event loop that runs now.

    Parameters
    ----------
    exchange : Exchange
    clock : Clock
    wanted : Wanted
    rng : numpy.random.Generator
        For the waits between tries.
    """
    if exchange.is_live and not exchange.from_store:
        return LiveFeed(
            exchange.connect(clock),
            clock,
            wanted.pairs,
            wanted.interval,
            wanted.watermark,
            wanted.channels,
            rng,
            wanted.book_every_s,
            wanted.book_depth,
        )
    next_ns = wanted.interval.floor(clock.now_ns())
    watermark = {pair: wanted.watermark.get(pair, next_ns) for pair in wanted.pairs}
    return PlayedFeed(
        exchange,
        clock,
        wanted.pairs,
        wanted.interval,
        watermark,
        wanted.end_ns,
        wanted.paced,
        wanted.store_url,
        [channel.value for channel in wanted.channels if channel is not Channel.CANDLES],
        wanted.book_max_age,
    )
