"""Which clock a session lives by, and which feed it lives on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from framework.exchange.connection import Channel
from framework.exchange.contract import Exchange
from framework.feed.feed import Feed
from framework.feed.feed_of import Wanted, feed_of
from framework.interfaces import Clock
from framework.session.clock import PlayedClock, WallClock
from framework.types import Interval


def live_on(
    exchange: Exchange,
    pairs: Sequence[str],
    interval: Interval,
    start_ns: int,
    *,
    end_ns: int | None,
    speed: float,
    told: Collection[str],
    book_every_s: float,
    book_depth: int,
    book_max_age: Interval,
    store_url: str,
    seed: int,
) -> tuple[Clock, Feed]:
    """Return a clock and a feed of `pairs` from the candle that opens at `start_ns` on.

    Parameters
    ----------
    exchange : Exchange
        Live, or one whose candles are played as if they came now.
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    interval : Interval
        Of the candles.
    start_ns : int
        Open time of the first candle to tell, UTC.
    end_ns : int, optional
        Open time at which played candles end; None: where the exchange's do.
    speed : float
        Of played candles against real time; 0: as fast as possible.
    told : collection of str
        What is listened to beside candles: books, trades.
    book_every_s, book_depth
        Seconds between two states of one pair's book, and levels a side, where the exchange is
        live.
    book_max_age : Interval
        How old a played book may be.
    store_url : str
        Where ``mode=download`` keeps candles.
    seed : int
        For the waits between tries.
    """
    played = is_played(exchange)
    clock: Clock = PlayedClock(start_ns, speed) if played else exchange.clock_of(WallClock())
    channels = {Channel.CANDLES} | {Channel(what) for what in told}
    wanted = Wanted(
        pairs=tuple(pairs),
        interval=interval,
        channels=frozenset(channels),
        watermark=dict.fromkeys(pairs, start_ns),
        book_every_s=book_every_s,
        book_depth=book_depth,
        book_max_age=book_max_age,
        end_ns=end_ns,
        store_url=store_url,
    )
    return clock, feed_of(exchange, clock, wanted, np.random.default_rng(seed))


def is_played(exchange: Exchange) -> bool:
    """Tell whether an exchange's candles are played as if they came now, at any speed."""
    return not exchange.is_live or exchange.from_store
