"""Trades kept in the store, each once, beside the spans in which all of them were recorded.

Layout: ``URL/EXCHANGE/trades`` and ``URL/EXCHANGE/coverage_trades``, each partitioned by pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from framework.market.live import Trade
from framework.market.pair_table import PairTable
from framework.market.ranges import Range
from framework.market.table_files import Columns
from framework.market.tables import Coverage, Tables, checked_name, commit, compact, fold
from framework.market.trades import Trades, spans_within, trades_side_by_side
from framework.types import SECOND_NS

_TYPES = {
    "time": np.int64,
    "place": np.int64,
    "id": np.str_,
    "price": np.float64,
    "units": np.float64,
    "side": np.int64,
}
_NUMBERS = ("time", "place", "price", "units", "side")
_STAMPS_DIFFER_NS = 60 * SECOND_NS
"""How far apart an exchange may stamp one trade, told by its socket and in an answer."""


class TradeStore:
    """Public trades of any exchange and pair, for many readers and several writers at once.

    Parameters
    ----------
    url : str
        Folder, or URL of an object store.
    storage_options : mapping of str to str, optional
        Handed to the object store.
    """

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self._tables = Tables(url, storage_options)

    def add(self, exchange: str, pair: str, trades: Sequence[Trade]) -> int:
        """Store trades of one pair, in any order; return how many were new, by their ids.

        Raises
        ------
        OutsideFault
            The store cannot be written.
        """
        if not trades:
            return 0
        name = checked_name("pair", pair)
        table = self._trades(exchange)
        new = _once(
            {
                "time": np.array([trade.time for trade in trades], np.int64),
                "place": np.array([place_of(trade.id) for trade in trades], np.int64),
                "id": np.array([trade.id for trade in trades], np.str_),
                "price": np.array([trade.price for trade in trades]),
                "units": np.array([trade.units for trade in trades]),
                "side": np.array([trade.side for trade in trades], np.int64),
            }
        )

        def attempt() -> int:
            fresh = _unknown(table, name, new)
            if len(fresh["time"]):
                table.append(name, fresh)
            return len(fresh["time"])

        added = commit(table, attempt)
        fold(table, name, _once)
        return added

    def read(self, exchange: str, pairs: Sequence[str], start_ns: int, end_ns: int) -> Trades:
        """Return the trades of `pairs` with times in [start_ns, end_ns), and the spans known."""
        table = self._trades(exchange)
        table.refresh()
        parts = []
        for pair in pairs:
            columns = _sorted(table.read(pair, start_ns, end_ns, _NUMBERS))
            time, _, price, units, side = (columns[name] for name in _NUMBERS)
            spans = spans_within(self.covered(exchange, pair), start_ns, end_ns)
            first = np.array([0, len(time)])
            parts.append(Trades((pair,), first, time, price, units, side, (tuple(spans),)))
        return trades_side_by_side(parts)

    def ids(self, exchange: str, pair: str) -> list[str]:
        """Return the ids of all trades of `pair`, by time."""
        table = self._trades(exchange)
        table.refresh()
        columns = _sorted(table.read(pair, names=("time", "place", "id")))
        return [str(name) for name in columns["id"]]

    def bounds(self, exchange: str, pair: str) -> Range | None:
        """Return the range from the first trade to the last, it included, None without any."""
        table = self._trades(exchange)
        table.refresh()
        found = table.bounds(pair)
        return None if found is None else (found[0], found[1] + 1)

    def covered(self, exchange: str, pair: str) -> list[Range]:
        """Return the ranges in which every trade was recorded, those without trades included."""
        return self._coverage(exchange).ranges(pair)

    def mark_covered(self, exchange: str, pair: str, ranges: Iterable[Range]) -> None:
        """Note that all trades in `ranges` are stored; call it after they are."""
        self._coverage(exchange).mark(pair, ranges)

    def compact(self, exchange: str, above_files: int = 1) -> None:
        """Rewrite each pair's trades as one sorted file, and its spans as few rows.

        Pairs are left alone that have no more files than `above_files`.
        """
        compact(self._trades(exchange), _once, above_files)
        self._coverage(exchange).compact(above_files)

    def vacuum(self, exchange: str, keep_hours: int) -> None:
        """Delete files that no version of the last so many hours needs."""
        self._trades(exchange).vacuum(keep_hours)
        self._coverage(exchange).vacuum(keep_hours)

    def _trades(self, exchange: str) -> PairTable:
        return self._tables.table(exchange, "trades", _TYPES)

    def _coverage(self, exchange: str) -> Coverage:
        return self._tables.coverage(exchange, "trades")


def place_of(name: str) -> int:
    """Return a number by which trades of one moment are told in one order, whoever stored them."""
    if name.isdecimal() and len(name) < 19:
        return int(name)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def _sorted(columns: Columns) -> Columns:
    """Return rows by time and place."""
    time, place = columns["time"], columns["place"]
    step = np.diff(time)
    if np.all((step > 0) | ((step == 0) & (np.diff(place) >= 0))):
        return columns
    order = np.lexsort((place, time))
    return {name: column[order] for name, column in columns.items()}


def _once(columns: Columns) -> Columns:
    """Return rows by time and place, of each id the earliest."""
    columns = _sorted(columns)
    _, earliest = np.unique(columns["id"], return_index=True)
    kept = np.sort(earliest)
    return {name: column[kept] for name, column in columns.items()}


def _unknown(table: PairTable, pair: str, new: Columns) -> Columns:
    """Return the rows of `new` whose ids the snapshot held lacks."""
    first, last = int(new["time"][0]), int(new["time"][-1])
    near = table.read(pair, first - _STAMPS_DIFFER_NS, last + _STAMPS_DIFFER_NS + 1, ("time", "id"))
    fresh = ~np.isin(new["id"], near["id"])
    return {name: column[fresh] for name, column in new.items()}
