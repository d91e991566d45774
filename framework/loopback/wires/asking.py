"""What the protocols share in reading requests and finding what fills a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from framework.loopback.true_rows import TrueCandle, TrueTrades
from framework.loopback.venue import Venue
from framework.loopback.wire import Answer, Handler
from framework.types import DAY_NS, Interval

if TYPE_CHECKING:
    from aiohttp.web import Request


Asked = Mapping[str, str]
"""A request's parameters, those of its path among them."""


class Declined(Exception):
    """A request that is answered with a no.

    Parameters
    ----------
    answer : Answer
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def answering(answer_of: Callable[[Asked], object]) -> Handler:
    """Return a handler that answers with what `answer_of` returns of the parameters."""

    async def answer(request: Request) -> Answer:
        try:
            return Answer(answer_of({**request.query, **request.match_info}))
        except Declined as declined:
            return declined.answer

    return answer


def whole(asked: Asked, name: str, usual: int, wrong: Answer) -> int:
    """Return a parameter as a whole number, `usual` where it is not given."""
    text = asked.get(name)
    if text is None:
        return usual
    try:
        return int(text)
    except ValueError:
        raise Declined(wrong) from None


def first_candles(
    venue: Venue, pair: str, interval: Interval, start_ns: int, end_ns: int, count: int
) -> list[TrueCandle]:
    """Return the first `count` candles with open times in [start_ns, end_ns), ascending."""
    start = interval.ceil(max(start_ns, venue.truth.first_ns))
    end = min(end_ns, venue.now_ns())
    span = count * interval.ns
    found: list[TrueCandle] = []
    while start < end and len(found) < count:
        found += venue.candles(pair, interval, start, min(end, start + span))
        start += span
        span *= 2
    return found[:count]


def last_candles(
    venue: Venue, pair: str, interval: Interval, start_ns: int, end_ns: int, count: int
) -> list[TrueCandle]:
    """Return the last `count` candles with open times in [start_ns, end_ns), ascending."""
    if end_ns - start_ns <= 2 * count * interval.ns:
        return venue.candles(pair, interval, start_ns, end_ns)[-count:]
    newest = venue.newest_candles(pair, interval, count, end_ns)
    return [candle for candle in newest if candle.time >= start_ns]


def first_trades(
    venue: Venue, pair: str, start_ns: int, end_ns: int, count: int, whole_moments: bool = False
) -> TrueTrades:
    """Return the first `count` trades in [start_ns, end_ns), ascending.

    Parameters
    ----------
    whole_moments : bool
        Rather some more than `count` than a part of those of one moment.
    """
    start = max(start_ns, venue.truth.first_ns)
    end = min(end_ns, venue.now_ns())
    span = max(venue.truth.bucket.ns, 1) * (count + 1)
    found = venue.trades(pair, start, min(end, start + span))
    while len(found) < count and start + span < end:
        span = min(4 * span, span + 400 * DAY_NS)
        found = venue.trades(pair, start, min(end, start + span))
    if whole_moments and len(found) > count:
        return found.where(found.time <= found.time[count - 1])
    return found.where(slice(count))


def last_trades(venue: Venue, pair: str, start_ns: int, end_ns: int, count: int) -> TrueTrades:
    """Return the last `count` trades in [start_ns, end_ns), ascending."""
    newest = venue.newest_trades(pair, count, end_ns)
    return newest.where(newest.time >= start_ns)


def iso(time_ns: int) -> str:
    """Return ISO 8601 UTC to the microsecond.

    Examples
    --------
    >>> iso(1_500_000_000)
    '1970-01-01T00:00:01.500000Z'
    """
    return f"{np.datetime_as_string(np.datetime64(time_ns, 'ns'), unit='us')}Z"
