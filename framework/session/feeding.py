"""Which feed a session lives on, and by which clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.exchange.connection import Channel
from framework.exchange.contract import Exchange
from framework.feed.feed import Feed
from framework.interfaces import Clock
from framework.session.clock import WallClock
from framework.types import Interval


def feed_of(
    exchange: Exchange,
    pairs: Sequence[str],
    interval: Interval,
    start_ns: int,
    end_ns: int | None,
    *,
    speed: float,
    book: bool,
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
    book : bool
        Whether order books are listened to, too.
    seed : int
        For the waits between tries.
    """
    clock = WallClock()
    if exchange.is_live:
        from framework.feed.live_feed import LiveFeed

        channels = {Channel.TRADES, Channel.CANDLES} | ({Channel.BOOKS} if book else set())
        feed: Feed = LiveFeed(
            exchange.connect(clock),
            clock,
            pairs,
            interval,
            dict.fromkeys(pairs, start_ns),
            frozenset(channels),
            np.random.default_rng(seed),
        )
        return clock, feed
    from framework.feed.played_feed import PlayedFeed

    return clock, PlayedFeed(exchange, clock, pairs, interval, start_ns, end_ns, speed)
