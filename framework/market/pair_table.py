"""One Delta Lake table, partitioned by pair, with commits that rest on the snapshot they read.

A commit is one file appearing in the table's log: a process killed at any instant leaves the old
state or the new one, and readers see whole commits only. One that returned is on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.disk import on_disk
from framework.errors import FrameworkError, OutsideFault
from framework.market.table_files import Columns, TableFile, TableFiles, writer_properties

if TYPE_CHECKING:
    from deltalake import DeltaTable

_CONFIGURATION = {
    "delta.logRetentionDuration": "interval 90 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}
_SMALL_BYTES = 8 << 20
_ALL = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)


class Overtaken(Exception):
    """Another writer committed first; nothing was written."""


class PairTable:
    """A table whose rows belong to pairs and are found by an int64 key.

    Parameters
    ----------
    uri : str
        Folder, or URL of an object store.
    types : mapping of str to numpy dtype, or str
        Columns beside ``pair``; the first is the key.
    storage_options : mapping of str to str, optional
        Handed to the object store.
    """

    def __init__(
        self, uri: str, types: Mapping[str, Any], storage_options: Mapping[str, str] | None = None
    ) -> None:
        self.uri = uri
        self.types = dict(types)
        self._key = next(iter(types))
        self._options = dict(storage_options or {})
        self._disk = TableFiles(uri, self.types, self._options)
        self._table: DeltaTable | None = None
        self._files: tuple[int, dict[str, list[TableFile]]] = (-1, {})
        self.lock = RLock()
        """Held by a thread that relies on the snapshot staying the same."""

    @property
    def version(self) -> int | None:
        """Version of the snapshot held, None while the table does not exist."""
        return None if self._table is None else int(self._table.version())

    def refresh(self) -> None:
        """Take the newest snapshot."""
        with self.lock, self._outside():
            if self._table is not None:
                self._table.update_incremental()
            else:
                self._table = self._open(None)

    def at(self, version: int) -> PairTable | None:
        """Return the table as it was at `version`, None if there is no such version."""
        from deltalake.exceptions import DeltaError

        old = PairTable(self.uri, self.types, self._options)
        try:
            old._table = self._open(version)
        except DeltaError:
            return None
        return old if old._table is not None else None

    def pairs(self) -> tuple[str, ...]:
        """Return the pairs that have rows, sorted."""
        return tuple(sorted(self._files_by_pair()))

    def files(self, pair: str) -> int:
        """Return how many files hold the rows of `pair`."""
        return len(self._files_by_pair().get(pair, ()))

    def bounds(self, pair: str) -> tuple[int, int] | None:
        """Return first and last key of `pair`, None without rows."""
        files = self._files_by_pair().get(pair)
        if not files:
            return None
        return min(file.first for file in files), max(file.last for file in files)

    def read(
        self,
        pair: str,
        start: int = _ALL[0],
        end: int = _ALL[1],
        names: Sequence[str] | None = None,
    ) -> Columns:
        """Return columns of the rows of `pair` with a key in [start, end), in no order.

        Parameters
        ----------
        names : sequence of str, optional
            Of the columns, the key among them; None: all.
        """
        wanted = [
            file
            for file in self._files_by_pair().get(pair, ())
            if file.first < end and file.last >= start
        ]
        wanted.sort(key=lambda file: file.first)  # rows nearly in order are sorted quickly
        with self._outside():
            return self._disk.read(wanted, start, end, names or tuple(self.types))

    def append(self, pair: str, columns: Columns) -> None:
        """Add rows; raise Overtaken if the snapshot held is no longer the newest."""
        self._write(pair, columns, mode="append")

    def replace(self, pair: str, columns: Columns) -> None:
        """Put rows in the place of all of `pair`; raise Overtaken as `append` does."""
        self._write(pair, columns, mode="overwrite", predicate=f"pair = '{pair}'")

    def fold(self, pair: str, tidy: Callable[[Columns], Columns]) -> None:
        """Join the small files of `pair` into one, its rows as `tidy` returns them.

        Every commit and every read costs time for each file of the table. Raises Overtaken as
        `append` does. (The table's own ``optimize`` does not: deltalake 1.6.6 lets two of them
        at once commit the same rows twice.)
        """
        from deltalake import CommitProperties
        from deltalake.exceptions import CommitFailedError
        from deltalake.transaction import RemoveAction

        small = [file for file in self._files_by_pair().get(pair, ()) if file.size < _SMALL_BYTES]
        if self._table is None or len(small) < 2:
            return
        now = max(file.modified for file in small)
        columns = tidy(self._disk.read(small, *_ALL, tuple(self.types)))
        with self.lock, self._outside():
            removed = [
                RemoveAction(file.path, False, now, file.size, {"pair": pair}) for file in small
            ]
            try:
                self._table.create_write_transaction(
                    [*removed, self._disk.write(pair, columns, now)],
                    "append",
                    self._table.schema(),
                    partition_by=["pair"],
                    commit_properties=CommitProperties(max_commit_retries=0),
                )
            except CommitFailedError as error:
                raise Overtaken from error
            self._table.update_incremental()
            self._settle()

    def vacuum(self, keep_hours: int) -> None:
        """Delete files that no version of the last `keep_hours` needs."""
        if self._table is not None:
            with self.lock, self._outside():
                self._table.vacuum(
                    keep_hours, dry_run=False, enforce_retention_duration=False, full=True
                )

    def _write(self, pair: str, columns: Columns, **how: Any) -> None:
        import pyarrow as pa
        from deltalake import CommitProperties, write_deltalake
        from deltalake.exceptions import CommitFailedError

        rows = len(columns[self._key])
        data = pa.table(
            {
                "pair": pa.repeat(pair, rows),
                **{name: np.asarray(columns[name], dtype) for name, dtype in self.types.items()},
            }
        )
        with self.lock, self._outside():
            table = self._table or self._create(data.schema)
            try:
                write_deltalake(
                    table,
                    data,
                    writer_properties=writer_properties(),
                    commit_properties=CommitProperties(max_commit_retries=0),
                    **how,
                )
            except CommitFailedError as error:
                raise Overtaken from error
            self._settle()

    def _settle(self) -> None:
        """Wait until the newest commit is on the disk, its files first; object stores do so."""
        if "://" in self.uri:
            return
        commit = Path(self.uri, "_delta_log", f"{self.version:020}.json")
        actions = map(json.loads, commit.read_text().splitlines())
        added = [Path(self.uri, action["add"]["path"]) for action in actions if "add" in action]
        for path in (*added, *{file.parent for file in added}, commit, commit.parent):
            on_disk(path)

    def _create(self, schema: Any) -> DeltaTable:
        """Make and hold the empty table; raise Overtaken if another writer has made it."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            self._table = DeltaTable.create(
                self.uri,
                schema=schema,
                mode="error",
                partition_by=["pair"],
                configuration=_CONFIGURATION,
                storage_options=self._options or None,
            )
        except DeltaError as error:
            self._table = self._open(None)
            if self._table is None:
                raise
            raise Overtaken from error
        return self._table

    def _open(self, version: int | None) -> DeltaTable | None:
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(self.uri, version=version, storage_options=self._options or None)
        except TableNotFoundError:
            return None

    def _files_by_pair(self) -> dict[str, list[TableFile]]:
        """Return the files of the snapshot held, with the range of keys in each."""
        with self.lock:
            return self._list_files()

    def _list_files(self) -> dict[str, list[TableFile]]:
        if self._table is None:
            return {}
        version = int(self._table.version())
        if self._files[0] != version:
            import pyarrow as pa

            with self._outside():
                actions = pa.table(self._table.get_add_actions(flatten=True))
            found: dict[str, list[TableFile]] = {}
            names = (
                "partition.pair",
                "path",
                f"min.{self._key}",
                f"max.{self._key}",
                "size_bytes",
                "modification_time",
            )
            for pair, path, first, last, size, modified in zip(
                *(actions[name].to_pylist() for name in names), strict=True
            ):
                low = _ALL[0] if first is None else first
                high = _ALL[1] if last is None else last
                found.setdefault(pair, []).append(TableFile(path, low, high, size, modified))
            self._files = (version, found)
        return self._files[1]

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """Turn faults of disk, network and table into one line."""
        from deltalake.exceptions import DeltaError
        from pyarrow import ArrowException

        try:
            yield
        except FrameworkError:
            raise
        except (DeltaError, ArrowException, OSError) as error:
            text = " ".join(str(error).split())
            raise OutsideFault(f"store {self.uri}: {text}") from error
