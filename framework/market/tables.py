"""The tables of one store: opened once, written by attempts that no other writer overtook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from framework.errors import OutsideFault, UserError
from framework.market.pair_table import Overtaken, PairTable
from framework.market.ranges import Range, union
from framework.market.table_files import Columns

T = TypeVar("T")

Tidy = Callable[[Columns], Columns]

_ATTEMPTS = 200
_MANY_FILES = 32
_COVERAGE = {"start": np.int64, "end": np.int64}


class Tables:
    """Tables of any exchange, for many readers and several writers at once.

    Handles are kept, so that reading again costs a look for newer versions only. Threads may share
    them.

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

    def table(self, exchange: str, name: str, types: Mapping[str, Any]) -> PairTable:
        """Return the table ``EXCHANGE/NAME``, which need not exist yet."""
        uri = f"{self.url}/{checked_name('exchange', exchange)}/{name}"
        if uri not in self._tables:
            self._tables[uri] = PairTable(uri, types, self._options)
        return self._tables[uri]

    def coverage(self, exchange: str, of: str) -> Coverage:
        """Return what ranges the rows of another table stand for."""
        return Coverage(self.table(exchange, f"coverage_{of}", _COVERAGE))


class Coverage:
    """The ranges of time that were fetched or recorded, those in which nothing happened included.

    Parameters
    ----------
    table : PairTable
        Of starts and ends.
    """

    def __init__(self, table: PairTable) -> None:
        self._table = table

    def ranges(self, pair: str) -> list[Range]:
        """Return the ranges of `pair`, merged."""
        self._table.refresh()
        return _ranges(self._table.read(pair))

    def mark(self, pair: str, ranges: Iterable[Range]) -> None:
        """Add ranges [start, end); call it after what happened in them is stored."""
        name = checked_name("pair", pair)
        marked = np.array(union(ranges), np.int64).reshape(-1, 2)
        if len(marked):
            columns = {"start": marked[:, 0], "end": marked[:, 1]}
            commit(self._table, lambda: self._table.append(name, columns))
            fold(self._table, name, _merged)

    def compact(self, above_files: int) -> None:
        """Rewrite the ranges of each pair as few rows."""
        compact(self._table, _merged, above_files)

    def vacuum(self, keep_hours: int) -> None:
        """Delete files that no version of the last so many hours needs."""
        self._table.vacuum(keep_hours)


def commit(table: PairTable, attempt: Callable[[], T]) -> T:
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


def fold(table: PairTable, pair: str, tidy: Tidy) -> None:
    """Join the files of `pair` when they have become many."""

    def attempt() -> None:
        if table.files(pair) > _MANY_FILES:
            table.fold(pair, tidy)

    commit(table, attempt)


def compact(table: PairTable, tidy: Tidy, above_files: int) -> None:
    """Rewrite the rows of each pair as one file, where there are more files than `above_files`."""
    table.refresh()
    for pair in table.pairs():
        commit(table, _rewriting(table, pair, tidy, above_files))


def checked_name(what: str, name: str) -> str:
    """Return `name` if it can be part of a path."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UserError(f"{what}: letters, digits and . _ - only can be stored (was '{name}').")
    return name


def _rewriting(table: PairTable, pair: str, tidy: Tidy, above_files: int) -> Callable[[], None]:
    def attempt() -> None:
        if table.files(pair) > above_files:
            table.replace(pair, tidy(table.read(pair)))

    return attempt


def _ranges(columns: Columns) -> list[Range]:
    """Return the ranges covered, merged."""
    return union(zip(columns["start"].tolist(), columns["end"].tolist(), strict=True))


def _merged(columns: Columns) -> Columns:
    """Return coverage as few rows."""
    merged = np.array(_ranges(columns), np.int64).reshape(-1, 2)
    return {"start": merged[:, 0], "end": merged[:, 1]}
