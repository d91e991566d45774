"""The data certificate: what candles and order books a run used, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from framework.market.books import Books
from framework.market.candles import Candles, Standing
from framework.market.quality import Quality
from framework.market.ranges import Range
from framework.types import format_time


@dataclass(frozen=True, slots=True)
class PairCertificate:
    """The state of one pair's candles.

    Parameters
    ----------
    gaps, missing, flat : int
        Holes in the source's rows; candles missing and candles without trades on the grid.
    repaired : int
        Rows that a repair dropped, moved or changed.
    faults : mapping of str to str
        Kind of fault to count and what was done.
    revisions : int
        How often stored candles in the range changed after they were first stored.
    """

    gaps: int
    missing: int
    flat: int
    repaired: int
    faults: Mapping[str, str]
    revisions: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """What pins the data of a run: equal `sha256`, equal candles traded on.

    The warm-up before them is pinned apart, because its length depends on the strategy: what is
    traded on is the same data whatever the rules need before it.

    Parameters
    ----------
    source : str
        Exchange, file or store.
    pairs : tuple of str
        ``BASE-QUOTE`` each.
    interval, start, end : str
        Length, first open time and exclusive end, ISO 8601 UTC.
    bars : int
        Candles of each pair.
    sha256 : str
        Of pairs, interval and every value.
    warm_up_bars : int
        Candles of each pair before `start`, which features need.
    warm_up_sha256 : str or None
        Of those.
    store_version : int or None
        Version of the store's table, if the candles came from there.
    sealed_from, sealed_until : str or None
        First open time and exclusive end of the tail that was set aside.
    books : int
        Recorded order books used, of all pairs.
    books_sha256 : str or None
        Of their times and levels.
    seen_books, seen_trades : int
        Recorded order books and trades that expressions read, of all pairs.
    seen_sha256 : str or None
        Of both.
    quality : mapping of str to PairCertificate
        Of each pair.
    """

    source: str
    pairs: tuple[str, ...]
    interval: str
    start: str
    end: str
    bars: int
    sha256: str
    warm_up_bars: int
    warm_up_sha256: str | None
    store_version: int | None
    sealed_from: str | None
    sealed_until: str | None
    books: int
    books_sha256: str | None
    seen_books: int
    seen_trades: int
    seen_sha256: str | None
    quality: Mapping[str, PairCertificate]

    def as_dict(self) -> dict[str, object]:
        """Return plain values that JSON can hold."""
        return {**asdict(self), "pairs": list(self.pairs)}


def certify(
    candles: Candles,
    source: str,
    qualities: Sequence[Quality],
    store_version: int | None = None,
    revisions: Mapping[str, int] | None = None,
    first: int = 0,
    sealed: Range | None = None,
    books: Books | None = None,
) -> Certificate:
    """Return the certificate of `candles`.

    Parameters
    ----------
    candles : Candles
        (T, N), as the run uses them, warm-up and what was recorded beside them included.
    source : str
        Exchange, file or store.
    qualities : sequence of Quality
        Of the rows that the candles were made from; a pair may be left out.
    store_version : int, optional
        Of the store's table.
    revisions : mapping of str to int, optional
        Pair to number of revisions in the store.
    first : int
        Index of the first bar traded, less than T; those before it warm up.
    sealed : tuple of int, optional
        Open times [start, end) of the tail that was set aside.
    books : Books, optional
        Recorded order books that the run uses.
    """
    traded, seen = candles[first:], candles.recorded
    by_pair = {quality.pair: quality for quality in qualities}
    return Certificate(
        source,
        candles.pairs,
        str(candles.interval),
        format_time(int(traded.time[0])),
        format_time(int(traded.time[-1]) + candles.interval.ns),
        len(traded),
        traded.digest,
        first,
        candles[:first].digest if first else None,
        store_version,
        format_time(sealed[0]) if sealed else None,
        format_time(sealed[1]) if sealed else None,
        0 if books is None else len(books),
        None if books is None else books.digest,
        0 if seen is None or seen.books is None else len(seen.books),
        0 if seen is None or seen.trades is None else len(seen.trades),
        None if seen is None else seen.digest,
        {
            pair: _certify_pair(
                traded.standing[:, index], by_pair.get(pair), (revisions or {}).get(pair, 0)
            )
            for index, pair in enumerate(candles.pairs)
        },
    )


def _certify_pair(standing: np.ndarray, quality: Quality | None, revisions: int) -> PairCertificate:
    faults = quality.faults if quality else ()
    return PairCertificate(
        quality.gaps if quality else 0,
        int(np.count_nonzero(standing == Standing.MISSING)),
        int(np.count_nonzero(standing == Standing.FLAT)),
        quality.repaired if quality else 0,
        {fault.kind: f"{fault.count} {fault.done}" for fault in faults},
        revisions,
    )
