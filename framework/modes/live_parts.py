"""The parts in which candles are fetched from a live exchange, several pairs at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from framework.exchange.candle_history import oldest_served, past_candles
from framework.exchange.connection import Connection
from framework.exchange.contract import Exchange
from framework.exchange.faults import TooOften, Unreachable
from framework.interfaces import Clock
from framework.market.quality import Quality, clean
from framework.market.ranges import difference
from framework.market.rows import CandleRows
from framework.market.store import CandleStore
from framework.modes.markets import Span
from framework.types import DAY_NS

_PAIRS = 4
_PAGES = 4
_WAITS_S = (5.0, 10.0, 20.0, 40.0)
_LONGEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Part:
    """What is fetched and stored at a time.

    Parameters
    ----------
    span : Span
    known : bool
        Whether it is stored already, and looked at again for revisions.
    """

    span: Span
    known: bool = False


@dataclass
class Fetched:
    """What a download did, as far as it came.

    Parameters
    ----------
    qualities : list of Quality
        Of each part stored.
    bars : int
        Candles that were missing and are covered now.
    revised : int
        Stored candles that the exchange has changed since.
    """

    qualities: list[Quality] = field(default_factory=list)
    bars: int = 0
    revised: int = 0


def parts_of(
    connection: Connection,
    exchange: Exchange,
    store: CandleStore,
    market: Span,
    now_ns: int,
    chunk_bars: int,
) -> list[Part]:
    """Return what `store` lacks of `market` in parts of some pages, oldest first.

    Before them comes the newest day stored, to be looked at again. What has to be made of trades
    is fetched by the day.
    """
    interval = market.interval
    covered = store.covered(exchange.name, market.pair, interval)
    served_ns = oldest_served(connection.offers, interval, now_ns)
    parts = []
    inside = [
        (max(start, market.start_ns, served_ns), min(end, market.end_ns)) for start, end in covered
    ]
    known = [(start, end) for start, end in inside if start < end]
    if known:
        start, end = known[-1]
        newest = max(start, end - max(DAY_NS, interval.ns))
        parts.append(Part(replace(market, start_ns=newest, end_ns=end), known=True))
    day = max(DAY_NS, interval.ns)
    pages = min(chunk_bars, _PAGES * connection.offers.candle_page) * interval.ns
    for start, end in difference(market.start_ns, market.end_ns, covered):
        first = start
        while first < end:
            if first < served_ns:
                last = min(first + day, end, served_ns)
            else:
                last = min(first + pages, end)
            parts.append(Part(replace(market, start_ns=first, end_ns=last)))
            first = last
    return parts


async def fetch_parts(
    connection: Connection,
    clock: Clock,
    exchange: Exchange,
    store: CandleStore,
    parts: Sequence[Sequence[Part]],
    fetched: Fetched,
    progress: Callable[[int], object],
) -> None:
    """Fetch, clean and store the parts of several markets, and record what is covered.

    Parameters
    ----------
    clock : Clock
        The exchange's time; also for waiting.
    parts : sequence of sequences of Part
        Of each market, in order.
    fetched : Fetched
        Told of every part once it is stored.
    progress : callable
        Called with the candles that a part covers that was missing.

    Raises
    ------
    ExchangeFault
        Of the first market that failed, after bounded retries; what is stored stays.
    UserError
        The exchange has no such pair, or a fault in the candles is refused.
    """
    turns = asyncio.Semaphore(_PAIRS)

    async def fetch(market: Sequence[Part]) -> None:
        async with turns:
            for part in market:
                span = part.span
                raw = await _patiently(connection, clock, exchange, span)
                rows, quality = clean(raw, span.interval, exchange.faults)
                if part.known:
                    rows = _grown(exchange, store, rows, span)
                stored = store.upsert(exchange.name, span.interval, rows)
                fetched.revised += stored.revised
                fetched.qualities.append(quality)
                if not part.known:
                    key = (exchange.name, span.pair, span.interval)
                    store.mark_covered(*key, span.start_ns, span.end_ns)
                    fetched.bars += span.bars
                    progress(span.bars)

    try:
        async with asyncio.TaskGroup() as group:
            for market in parts:
                group.create_task(fetch(market))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None


async def _patiently(
    connection: Connection, clock: Clock, exchange: Exchange, span: Span
) -> CandleRows:
    """Return the candles of `span`, asking again for a while where the exchange is unreachable."""
    for wait in (*_WAITS_S, None):
        try:
            return await past_candles(
                connection,
                clock,
                span.pair,
                span.interval,
                span.start_ns,
                span.end_ns,
                exchange.faults,
            )
        except Unreachable as fault:
            if wait is None:
                raise
            asked = fault.retry_after_s if isinstance(fault, TooOften) else None
            await clock.sleep(min(max(wait, asked or 0.0), _LONGEST_S))
    raise AssertionError("the last try returns or raises")


def _grown(exchange: Exchange, store: CandleStore, rows: CandleRows, span: Span) -> CandleRows:
    """Return the rows that are not stored, or stored with less volume.

    A revision adds trades; a row with fewer comes from a cache that is behind.
    """
    stored = store.read(exchange.name, span.pair, span.interval, span.start_ns, span.end_ns)
    volume = dict(zip(stored.time.tolist(), stored.volume.tolist(), strict=True))
    grown = [
        index
        for index, (time, units) in enumerate(zip(rows.time.tolist(), rows.volume, strict=True))
        if units > volume.get(time, -1.0)
    ]
    return rows.take(np.array(grown, np.int64))
