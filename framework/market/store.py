"""Candles kept in Delta Lake tables, in a folder or an object store, beside what was asked for.

Layout: ``URL/EXCHANGE/candles_INTERVAL`` and ``URL/EXCHANGE/coverage_INTERVAL``, each partitioned
by pair. The log of a table is append-only: a revised candle is a new row with a higher
``revision``, and readers take the highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from framework.errors import UserError, did_you_mean
from framework.market.candles import COLUMNS
from framework.market.pair_table import PairTable
from framework.market.ranges import Range, difference, runs
from framework.market.rows import CandleRows
from framework.market.stored_rows import Upserted, changes, latest
from framework.market.table_files import Columns
from framework.market.tables import Coverage, Tables, checked_name, commit, compact, fold
from framework.types import Interval, format_time

_CANDLES = {"time": np.int64, **dict.fromkeys(COLUMNS, np.float64), "revision": np.int32}


class CandleStore:
    """Candles of any exchange, pair and interval, for many readers and several writers at once.

    Threads may share one store.

    Parameters
    ----------
    url : str
        Folder, or URL of an object store such as ``s3://bucket/market``.
    storage_options : mapping of str to str, optional
        Handed to the object store: keys, region, endpoint.
    """

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self._tables = Tables(url, storage_options)
        self.url = self._tables.url

    def upsert(self, exchange: str, interval: Interval, rows: CandleRows) -> Upserted:
        """Store clean rows of one pair, revising candles whose values changed.

        Of several rows for one time the last counts. Storing the same rows again changes nothing
        and makes no new version.

        Raises
        ------
        OutsideFault
            The store cannot be written.
        """
        pair = checked_name("pair", rows.pair)
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

        result = commit(table, attempt)
        fold(table, pair, latest)
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
        return self._coverage(exchange, interval).ranges(pair)

    def mark_covered(
        self, exchange: str, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> None:
        """Record that [start_ns, end_ns) was fetched; call it after its candles are stored."""
        self.mark_ranges(exchange, pair, interval, [(start_ns, end_ns)])

    def mark_ranges(
        self, exchange: str, pair: str, interval: Interval, ranges: Iterable[Range]
    ) -> None:
        """Record that several ranges were fetched, as `mark_covered` does, in one commit."""
        self._coverage(exchange, interval).mark(pair, ranges)

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
        compact(self._candles(exchange, interval), latest, above_files)
        self._coverage(exchange, interval).compact(above_files)
        if keep_hours is not None:
            self.vacuum(exchange, interval, keep_hours)

    def vacuum(self, exchange: str, interval: Interval, keep_hours: int) -> None:
        """Delete files as `compact` does, and rewrite none."""
        self._candles(exchange, interval).vacuum(keep_hours)
        self._coverage(exchange, interval).vacuum(keep_hours)

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
        return self._tables.table(exchange, f"candles_{interval}", _CANDLES)

    def _coverage(self, exchange: str, interval: Interval) -> Coverage:
        return self._tables.coverage(exchange, str(interval))


def _short(time_ns: int) -> str:
    """Return a date, or a time where it is not midnight."""
    return format_time(time_ns).removesuffix("T00:00:00Z").removesuffix("Z")
