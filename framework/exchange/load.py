"""Candles for a run: read from exchange or store, cleaned, laid on one grid and certified."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from framework.errors import UserError
from framework.exchange.candle_source import CandleSource, candle_source, day
from framework.exchange.contract import Exchange
from framework.market.books import Books
from framework.market.candles import COLUMNS, Candles
from framework.market.certificate import Certificate, certify
from framework.market.quality import Quality, clean
from framework.market.ranges import Range
from framework.market.recorded import BOOKS, TRADES, Recorded
from framework.market.regularise import regularise
from framework.market.resample import resample
from framework.market.rows import CandleRows
from framework.records import Part
from framework.types import Interval, format_time

T = TypeVar("T")

_FRESH = Interval.parse("1m")


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the range asked for is loaded, besides the warm-up.

    Parameters
    ----------
    start_ns, end_ns : int
        Open times traded, the end exclusive.
    sealed : tuple of int, optional
        Open times [start, end) of the tail that was set aside.
    parts : tuple of Part
        Those of the bars traded that are judged apart.
    """

    start_ns: int
    end_ns: int
    sealed: Range | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """What a run trades on.

    Parameters
    ----------
    candles : Candles
        (T, N), from the warm-up on; those that orders fill on, whole ones of the strategy's.
    first : int
        Index of the first bar to trade; bars before it only warm up.
    qualities : tuple of Quality
        What was found in each pair's rows, in the order of the pairs.
    certificate : Certificate
        Of `candles`.
    scope : Scope
        What of the range asked for they are.
    books : Books, optional
        Recorded order books, those that are the newest at an open traded.
    """

    candles: Candles
    first: int
    qualities: tuple[Quality, ...]
    certificate: Certificate
    scope: Scope
    books: Books | None = None


def load_candles(
    exchange: Exchange,
    pairs: Sequence[str] | None,
    interval: Interval,
    start_ns: int | None,
    end_ns: int | None,
    warmup_bars: int,
    store_url: str | None,
    progress: Callable[[int, int], None] | None = None,
    store_options: Mapping[str, str] | None = None,
    fill_interval: Interval | None = None,
    choose: Callable[[int, int], Scope] = Scope,
    book_max_age: Interval | None = None,
    seen: Collection[str] = (),
    seen_max_age: Interval = _FRESH,
) -> Loaded:
    """Return the candles of `pairs` with open times in [start, end) and the warm-up before them.

    Where the source has less than the warm-up before start, what it has is loaded: the first bar
    to trade stays. An end beyond the source's is cut to the source's.

    Parameters
    ----------
    exchange : Exchange
    pairs : sequence of str, optional
        ``BASE-QUOTE`` each; None: those that the exchange offers.
    interval : Interval
        Of the strategy: of whole candles of it the range and the warm-up are made.
    start_ns, end_ns : int, optional
        UTC; None: the exchange's default range, over all pairs.
    warmup_bars : int
        Bars wanted before start.
    store_url : str, optional
        Where ``mode=download`` keeps candles; asked when ``exchange.from_store``.
    progress : callable, optional
        Called with the number of pairs read and of all pairs, after each.
    store_options : mapping, optional
        Passed to the object store.
    fill_interval : Interval, optional
        Of the candles wanted, to which finer ones of the source are resampled; it divides
        `interval`. None: `interval`.
    choose : callable
        Given the open times [start, end) asked for, returns what of them is loaded.
    book_max_age : Interval, optional
        How old at an open an order book may be that fills walk; None: they walk none.
    seen : collection of str
        What expressions read that was recorded beside candles: books, trades.
    seen_max_age : Interval
        How old at a close an order book may be that they read.

    Raises
    ------
    UserError
        Unknown pair or interval, empty or reversed range, refused faults; all pairs' at once.
    OutsideFault
        The source does not answer.
    """
    require_order(start_ns, end_ns)
    wanted = fill_interval or interval
    source = candle_source(exchange, store_url, store_options)
    chosen = tuple(pairs) if pairs is not None else exchange.offered_pairs()
    _check_pairs(chosen)
    natives = tuple(_each(chosen, lambda pair: source.base_interval(pair, wanted, interval)))
    native_of = dict(zip(chosen, natives, strict=True))
    spans = _each(chosen, lambda pair: source.span(pair, native_of[pair], interval))
    limits = _each(chosen, lambda pair: source.limits(pair, native_of[pair], interval))
    start = interval.ceil(min(s for s, _ in spans) if start_ns is None else start_ns)
    end = interval.ceil(max(e for _, e in spans) if end_ns is None else end_ns)
    source.check(chosen, natives, interval, start, end, limits)
    end = min(end, max(e for _, e in limits))
    if start >= end:
        raise UserError(f"start: must be before end (start was {day(start)}, end {day(end)}).")

    scope = choose(start, end)
    start, end = scope.start_ns, scope.end_ns
    earliest = min(interval.floor(s) for s, _ in limits)
    from_ns = min(start, max(start - warmup_bars * interval.ns, earliest))
    candles, qualities = _read_all(source, chosen, natives, wanted, from_ns, end, progress)
    revisions = {
        pair: source.revisions(pair, native, from_ns, end) for pair, native in native_of.items()
    }
    first = (start - from_ns) // wanted.ns
    books = None if book_max_age is None else _books(source, candles[first:], book_max_age)
    if seen:
        candles = replace(candles, recorded=_recorded(source, candles, seen, seen_max_age))
    certificate = certify(
        candles,
        source.name,
        qualities,
        source.version(natives),
        revisions,
        first,
        scope.sealed,
        books,
    )
    return Loaded(candles, first, qualities, certificate, scope, books)


def require_order(start_ns: int | None, end_ns: int | None) -> None:
    """Raise UserError where a range that is named ends before it starts."""
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise UserError(
            f"start: must be before end (start was {format_time(start_ns)}, "
            f"end {format_time(end_ns)})."
        )


def _recorded(
    source: CandleSource, candles: Candles, seen: Collection[str], max_age: Interval
) -> Recorded:
    """Return what was recorded beside the candles, up to the close of the last."""
    start, end = int(candles.time[0]), int(candles.time[-1]) + candles.interval.ns
    return Recorded(
        source.books(candles.pairs, start - max_age.ns, end + 1) if BOOKS in seen else None,
        source.trades(candles.pairs, start, end) if TRADES in seen else None,
        max_age.ns,
    )


def _books(source: CandleSource, candles: Candles, max_age: Interval) -> Books:
    """Return the order books that are the newest at one of the opens; refuse a pair without any."""
    first, last = int(candles.time[0]), int(candles.time[-1])
    recorded = source.books(candles.pairs, first - max_age.ns, last + 1)
    books = recorded.used_at(candles.time, max_age.ns)
    faults = [
        f"exchange.books: no order book of {pair} is at most {max_age} old at the open of a candle "
        f"of {candles.interval} from {day(first)} to {day(last)}."
        for pair, count in zip(books.pairs, np.diff(books.first), strict=True)
        if not count
    ]
    if faults:
        raise UserError(*faults)
    return books


def _check_pairs(pairs: Sequence[str]) -> None:
    if not pairs:
        raise UserError("pairs: names none, and the exchange offers none.")
    twice = next((pair for pair in pairs if pairs.count(pair) > 1), None)
    if twice:
        raise UserError(f"pairs: names {twice} twice.")


def _each(pairs: Sequence[str], ask: Callable[[str], T]) -> list[T]:
    """Return the answer for every pair; raise the faults of all at once."""
    answers: list[T] = []
    faults: list[str] = []
    for pair in pairs:
        try:
            answers.append(ask(pair))
        except UserError as fault:
            faults += fault.faults
    if faults:
        raise UserError(*dict.fromkeys(faults))
    return answers


def _read_all(
    source: CandleSource,
    pairs: Sequence[str],
    natives: Sequence[Interval],
    interval: Interval,
    start_ns: int,
    end_ns: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Candles, tuple[Quality, ...]]:
    """Read and clean all pairs, several at a time, and lay them on one grid of `interval`."""
    from concurrent.futures import ThreadPoolExecutor

    def read(pair: str, native: Interval) -> tuple[CandleRows, Quality]:
        rows = source.rows(pair, native, start_ns, end_ns)
        if not len(rows):
            raise UserError(
                f"market {pair} {interval}: no candles from {day(start_ns)} to {day(end_ns)}."
            )
        return clean(rows, native, source.exchange.faults)

    with ThreadPoolExecutor(max_workers=min(4, len(pairs))) as pool:
        futures = [pool.submit(read, *pair) for pair in zip(pairs, natives, strict=True)]
        waiting = iter(futures)

        def next_result(pair: str) -> tuple[CandleRows, Quality]:
            result = next(waiting).result()
            if progress is not None:
                progress(1 + pairs.index(pair), len(pairs))
            return result

        cleaned = _each(pairs, next_result)
    max_gap_ns = source.exchange.max_gap.ns
    parts = []
    for native in dict.fromkeys(natives):
        rows = [kept for (kept, _), own in zip(cleaned, natives, strict=True) if own == native]
        parts.append(resample(regularise(rows, native, start_ns, end_ns, max_gap_ns), interval))
    candles = _side_by_side(parts)
    if candles.pairs != tuple(pairs):
        candles = candles.select(pairs)
    return candles, tuple(quality for _, quality in cleaned)


def _side_by_side(parts: Sequence[Candles]) -> Candles:
    """Return candles of different pairs over the same bars as one."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name).T for part in parts]).T
        for name in (*COLUMNS, "standing")
    }
    pairs = tuple(pair for part in parts for pair in part.pairs)
    return replace(parts[0], pairs=pairs, **columns)
