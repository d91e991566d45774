"""Candles kept in Delta Lake tables, in a folder or an object store, beside what was asked for.

Layout: ``URL/EXCHANGE/candles_INTERVAL`` and ``URL/EXCHANGE/coverage_INTERVAL``, each partitioned
by pair. The log of a table is append-only: a revised candle is a new row with a higher
``revision``, and readers take the highest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from framework.errors import OutsideFault, UserError, did_you_mean
from framework.market.candles import COLUMNS
from framework.market.pair_table import Overtaken, PairTable
from framework.market.ranges import Range, difference, runs
from framework.market.rows import CandleRows
from framework.market.stored_rows import Upserted, changes, covered_ranges, latest, merged
from framework.market.table_files import Columns
from framework.types import Interval, format_time

T = TypeVar("T")

_CANDLES = {"time": np.int64, **dict.fromkeys(COLUMNS, np.float64), "revision": np.int32}
_COVERAGE = {"start": np.int64, "end": np.int64}
_ATTEMPTS = 200
_MANY_FILES = 32


class CandleStore:
    """Candles of any exchange, pair and interval, for many readers and several writers at once.

    Handles of tables are kept, so that reading again costs a look for newer versions only. Threads
    may share one store.

    Parameters
    ----------
    url : str
        Folder, or URL of an object store such as ``s3://bucket/market``.
    storage_options : mapping of str to str, optional
        Handed to the object store: keys, region, endpoint.
    """

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self._options = dict(storage_options or {})
        self._tables: dict[str, PairTable] = {}

    def upsert(self, exchange: str, interval: Interval, rows: CandleRows) -> Upserted:
        """Store clean rows of one pair, revising candles whose values changed.

        Of several rows for one time the last counts. Storing the same rows again changes nothing
        and makes no new version.

        Raises
        ------
        OutsideFault
            The store cannot be written.
        """
        pair = _name("pair", rows.pair)
        table = self._candles(exchange, interval)
        new = {"time": rows.time, **{name: getattr(rows, name) for name in COLUMNS}}
        new = latest({**new, "revision": np.arange(len(rows), dtype=np.int32)})
        if not len(rows):
            return Upserted(0, 0, 0)

        def attempt() -> Upserted:
            changed, result = changes(table, pair, new)
            if len(changed["time"]):
                table.append(pair, changed)
            return result

        result = self._commit(table, attempt)
        self._fold(table, pair, latest)
        return result

    def read(
        self,
        exchange: str,
        pair: str,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        version: int | None = None,
        strict: bool = False,
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns), by time.

        Parameters
        ----------
        version : int, optional
            Of the table, as `version` returned it; the newest when left out.
        strict : bool
            Refuse a range that was not downloaded as a whole.

        Raises
        ------
        UserError
            There is no such version; or `strict`, and part of the range was never stored.
        OutsideFault
            The store cannot be read.
        """
        columns = latest(self._raw(exchange, pair, interval, start_ns, end_ns, version))
        rows = CandleRows(pair, columns["time"], *(columns[name] for name in COLUMNS))
        if strict:
            self._require(exchange, rows, interval, start_ns, end_ns)
        return rows

    def revisions(
        self, exchange: str, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> int:
        """Return how often stored candles with open times in [start_ns, end_ns) were revised."""
        columns = latest(self._raw(exchange, pair, interval, start_ns, end_ns, None))
        return int(columns["revision"].sum())

    def pairs(self, exchange: str, interval: Interval) -> tuple[str, ...]:
        """Return the pairs that have candles, sorted."""
        table = self._candles(exchange, interval)
        table.refresh()
        return table.pairs()

    def bounds(self, exchange: str, pair: str, interval: Interval) -> Range | None:
        """Return the range from the first open time to the last candle's close, None if empty."""
        table = self._candles(exchange, interval)
        table.refresh()
        found = table.bounds(pair)
        return None if found is None else (found[0], found[1] + interval.ns)

    def version(self, exchange: str, interval: Interval) -> int | None:
        """Return the newest version of the candles of all pairs, None before the first."""
        table = self._candles(exchange, interval)
        table.refresh()
        return table.version

    def covered(self, exchange: str, pair: str, interval: Interval) -> list[Range]:
        """Return the ranges fetched so far, those without candles included."""
        table = self._coverage(exchange, interval)
        table.refresh()
        return covered_ranges(table.read(pair))

    def mark_covered(
        self, exchange: str, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> None:
        """Record that [start_ns, end_ns) was fetched; call it after its candles are stored."""
        table = self._coverage(exchange, interval)
        columns = {"start": np.array([start_ns]), "end": np.array([end_ns])}
        if end_ns > start_ns:
            name = _name("pair", pair)
            self._commit(table, lambda: table.append(name, columns))
            self._fold(table, name, merged)

    def compact(
        self,
        exchange: str,
        interval: Interval,
        above_files: int = 1,
        keep_hours: int | None = None,
    ) -> None:
        """Rewrite each pair's candles as one sorted file, and its coverage as few rows.

        Parameters
        ----------
        above_files : int
            Leave pairs alone that have no more files than this.
        keep_hours : int, optional
            Delete files that no version of the last so many hours needs: older versions cannot be
            read any more, nor by readers under way. All are kept when left out.
        """
        candles = self._candles(exchange, interval)
        coverage = self._coverage(exchange, interval)
        for table, tidy in ((candles, latest), (coverage, merged)):
            table.refresh()
            for pair in table.pairs():
                self._commit(table, _rewriting(table, pair, tidy, above_files))
            if keep_hours is not None:
                table.vacuum(keep_hours)

    def _require(
        self, exchange: str, rows: CandleRows, interval: Interval, start_ns: int, end_ns: int
    ) -> None:
        """Raise UserError unless all of [start_ns, end_ns) was stored."""
        pair = rows.pair
        first, last = interval.ceil(start_ns), interval.ceil(end_ns)
        known = self.covered(exchange, pair, interval)
        missing = difference(first, last, [*known, *runs(rows.time, interval)])
        if not missing:
            return
        bounds = self.bounds(exchange, pair, interval)
        market = f"market {pair} {interval}"
        remedy = (
            f"run mode=download exchange={exchange} pairs={pair.replace('-', '_').lower()} "
            f"start={_short(missing[0][0])} end={_short(missing[-1][1])}"
        )
        asked = f"asked from {_short(start_ns)} to {_short(end_ns)}"
        if bounds is None:
            stored = "none is stored"
            near = did_you_mean(pair, self.pairs(exchange, interval))
            raise UserError(f"{market}: {asked}, {stored}; {remedy}.{near}")
        if missing == [(first, missing[0][1])]:
            asked, stored = f"asked from {_short(start_ns)}", f"stored from {_short(missing[0][1])}"
        elif missing == [(missing[0][0], last)]:
            asked, stored = f"asked to {_short(end_ns)}", f"stored to {_short(missing[0][0])}"
        else:
            stored = f"not stored from {_short(missing[0][0])} to {_short(missing[0][1])}"
        raise UserError(f"{market}: {asked}, {stored}; {remedy}.")

    def _raw(
        self,
        exchange: str,
        pair: str,
        interval: Interval,
        start_ns: int,
        end_ns: int,
        version: int | None,
    ) -> Columns:
        table = self._candles(exchange, interval)
        table.refresh()
        if version is None or version == table.version:
            return table.read(pair, start_ns, end_ns)
        old = table.at(version)
        if old is None:
            raise UserError(
                f"market {pair} {interval}: the store has no version {version} "
                f"(newest: {table.version}), or it was vacuumed."
            )
        return old.read(pair, start_ns, end_ns)

    def _candles(self, exchange: str, interval: Interval) -> PairTable:
        return self._table(exchange, f"candles_{interval}", _CANDLES)

    def _coverage(self, exchange: str, interval: Interval) -> PairTable:
        return self._table(exchange, f"coverage_{interval}", _COVERAGE)

    def _table(self, exchange: str, name: str, types: Mapping[str, type]) -> PairTable:
        uri = f"{self.url}/{_name('exchange', exchange)}/{name}"
        if uri not in self._tables:
            self._tables[uri] = PairTable(uri, types, self._options)
        return self._tables[uri]

    def _fold(self, table: PairTable, pair: str, tidy: Callable[[Columns], Columns]) -> None:
        """Join the files of `pair` when they have become many."""

        def attempt() -> None:
            if table.files(pair) > _MANY_FILES:
                table.fold(pair, tidy)

        self._commit(table, attempt)

    def _commit(self, table: PairTable, attempt: Callable[[], T]) -> T:
        """Return what `attempt` does on a snapshot that no one overtook."""
        if table.version is None:
            table.refresh()
        for _ in range(_ATTEMPTS):
            try:
                with table.lock:
                    return attempt()
            except Overtaken:
                table.refresh()
        raise OutsideFault(f"store {table.uri}: other writers came first {_ATTEMPTS} times.")


def _rewriting(
    table: PairTable, pair: str, tidy: Callable[[Columns], Columns], above_files: int
) -> Callable[[], None]:
    def attempt() -> None:
        if table.files(pair) > above_files:
            table.replace(pair, tidy(table.read(pair)))

    return attempt


def _short(time_ns: int) -> str:
    """Return a date, or a time where it is not midnight."""
    return format_time(time_ns).removesuffix("T00:00:00Z").removesuffix("Z")


def _name(what: str, name: str) -> str:
    """Return `name` if it can be part of a path."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UserError(f"{what}: letters, digits and . _ - only can be stored (was '{name}').")
    return name
