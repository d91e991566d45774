"""Snapshots of order books kept in the store, one for each pair and moment.

Layout: ``URL/EXCHANGE/books``, partitioned by pair, a row for each level of each snapshot; a side
without that level is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from framework.market.books import ASKS, BIDS, PRICE, UNITS, Books, side_by_side
from framework.market.live import BookState
from framework.market.pair_table import PairTable
from framework.market.ranges import Range, union
from framework.market.table_files import Columns
from framework.market.tables import Tables, checked_name, commit, compact, fold

_SIDES = {
    "bid": (BIDS, PRICE),
    "bid_units": (BIDS, UNITS),
    "ask": (ASKS, PRICE),
    "ask_units": (ASKS, UNITS),
}
_TYPES = {"time": np.int64, "level": np.int64, **dict.fromkeys(_SIDES, np.float64)}


class BookStore:
    """Order books of any exchange and pair, for many readers and several writers at once.

    Parameters
    ----------
    url : str
        Folder, or URL of an object store.
    storage_options : mapping of str to str, optional
        Handed to the object store.
    """

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self._tables = Tables(url, storage_options)

    def add(self, exchange: str, pair: str, states: Sequence[BookState]) -> int:
        """Store snapshots of one pair, each valid at its `time`; return how many were new.

        Of several of one time the first counts, whether stored or given.

        Raises
        ------
        OutsideFault
            The store cannot be written.
        """
        if not states:
            return 0
        name = checked_name("pair", pair)
        table = self._books(exchange)
        by_time = {state.time: state for state in reversed(states)}
        new = _rows([by_time[time] for time in sorted(by_time)])

        def attempt() -> int:
            known = table.read(name, int(new["time"][0]), int(new["time"][-1]) + 1, ("time",))
            fresh = ~np.isin(new["time"], known["time"])
            if fresh.any():
                table.append(name, {key: column[fresh] for key, column in new.items()})
            return len(np.unique(new["time"][fresh]))

        added = commit(table, attempt)
        fold(table, name, _sorted)
        return added

    def read(self, exchange: str, pairs: Sequence[str], start_ns: int, end_ns: int) -> Books:
        """Return the snapshots of `pairs` with times in [start_ns, end_ns)."""
        table = self._books(exchange)
        table.refresh()
        return side_by_side(
            [_books(pair, _sorted(table.read(pair, start_ns, end_ns))) for pair in pairs]
        )

    def covered(self, exchange: str, pair: str, max_gap_ns: int) -> list[Range]:
        """Return from when to when books were recorded, holes longer than `max_gap_ns` left out.

        The end is that of the last snapshot, included.
        """
        table = self._books(exchange)
        table.refresh()
        time = np.unique(table.read(pair, names=("time",))["time"])
        if not len(time):
            return []
        breaks = np.flatnonzero(np.diff(time) > max_gap_ns)
        starts, ends = time[np.append(0, breaks + 1)], time[np.append(breaks, len(time) - 1)] + 1
        return union(zip(starts.tolist(), ends.tolist(), strict=True))

    def compact(self, exchange: str, above_files: int = 1) -> None:
        """Rewrite each pair's snapshots as one sorted file, where there are more than so many."""
        compact(self._books(exchange), _sorted, above_files)

    def vacuum(self, exchange: str, keep_hours: int) -> None:
        """Delete files that no version of the last so many hours needs."""
        self._books(exchange).vacuum(keep_hours)

    def _books(self, exchange: str) -> PairTable:
        return self._tables.table(exchange, "books", _TYPES)


def _rows(states: Sequence[BookState]) -> Columns:
    """Return a row for each level of each snapshot that either side has, and for level 0."""
    counts = [
        max(int(np.count_nonzero(np.isfinite(state.levels[:, :, PRICE]).any(axis=0))), 1)
        for state in states
    ]
    columns: Columns = {
        "time": np.repeat(np.array([state.time for state in states], np.int64), counts),
        "level": np.concatenate([np.arange(count) for count in counts]),
    }
    for name, (side, number) in _SIDES.items():
        columns[name] = np.concatenate(
            [
                _padded(state.levels[side, :count, number], count)
                for state, count in zip(states, counts, strict=True)
            ]
        )
    return columns


def _padded(values: np.ndarray, count: int) -> np.ndarray:
    return np.append(values, np.full(count - len(values), np.nan))


def _sorted(columns: Columns) -> Columns:
    """Return rows by time and level."""
    time, level = columns["time"], columns["level"]
    step = np.diff(time)
    if np.all((step > 0) | ((step == 0) & (np.diff(level) > 0))):
        return columns
    order = np.lexsort((level, time))
    return {name: column[order] for name, column in columns.items()}


def _books(pair: str, columns: Columns) -> Books:
    """Return the snapshots of rows by time and level."""
    level = columns["level"]
    begins = np.flatnonzero(level == 0)
    snapshot = np.cumsum(level == 0) - 1
    levels = np.full((len(begins), 2, int(level.max(initial=-1)) + 1, 2), np.nan)
    for name, (side, number) in _SIDES.items():
        levels[snapshot, side, level, number] = columns[name]
    return Books((pair,), np.array([0, len(begins)]), columns["time"][begins], levels)
