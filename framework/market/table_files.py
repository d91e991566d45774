"""The Parquet files of one Delta Lake table, written to be decoded quickly."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from framework.market.arrow_columns import column_values

if TYPE_CHECKING:
    from deltalake import WriterProperties

Columns = dict[str, np.ndarray]

_ROW_GROUP = 262_144


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file: its path in the table, range of keys, bytes, and when it was written (ms)."""

    path: str
    first: int
    last: int
    size: int
    modified: int


class TableFiles:
    """Reads and writes files of a table partitioned by pair.

    Parameters
    ----------
    uri : str
        Folder, or URL of an object store.
    types : mapping of str to numpy dtype, or str
        Columns beside ``pair``; the first is the key.
    storage_options : mapping of str to str
        Handed to the object store.
    """

    def __init__(
        self, uri: str, types: Mapping[str, Any], storage_options: Mapping[str, str]
    ) -> None:
        self._uri = uri
        self._types = dict(types)
        self._key = next(iter(types))
        self._options = dict(storage_options) or None

    def read(
        self, files: Sequence[TableFile], start: int, end: int, names: Sequence[str]
    ) -> Columns:
        """Return columns of the rows of `files` with a key in [start, end), file after file."""
        parts = [self._read_file(file, start, end, names) for file in files]
        if len(parts) == 1:
            return parts[0]
        return {
            name: np.concatenate([np.empty(0, self._types[name]), *(part[name] for part in parts)])
            for name in names
        }

    def write(self, pair: str, columns: Columns, modified: int) -> Any:
        """Write rows as a new file of `pair` and return the action that adds it to the table."""
        import pyarrow as pa
        import pyarrow.parquet as pq
        from deltalake.transaction import AddAction

        stream = pa.BufferOutputStream()
        pq.write_table(
            pa.table(columns),
            stream,
            compression="lz4",
            use_dictionary=False,
            row_group_size=_ROW_GROUP,
        )
        data = stream.getvalue().to_pybytes()
        path = f"pair={pair}/folded-{uuid4()}.parquet"
        self._write_file(path, data)
        key = columns[self._key]
        stats = {
            "numRecords": len(key),
            "minValues": {self._key: int(key.min())},
            "maxValues": {self._key: int(key.max())},
            "nullCount": {self._key: 0},
        }
        return AddAction(path, len(data), {"pair": pair}, modified, False, json.dumps(stats))

    def _read_file(self, file: TableFile, start: int, end: int, names: Sequence[str]) -> Columns:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._source(file.path)) as parquet:
            groups = list(range(parquet.num_row_groups))
            if len(groups) > 1 and (file.first < start or file.last >= end):
                groups = [g for g in groups if _meets(parquet.metadata, g, self._key, start, end)]
            table = parquet.read_row_groups(groups, columns=list(names))
        columns = {name: column_values(table[name]) for name in names}
        if file.first >= start and file.last < end:
            return columns
        key = columns[self._key]
        inside = (key >= start) & (key < end)
        return {name: column[inside] for name, column in columns.items()}

    def _source(self, path: str) -> Any:
        if "://" not in self._uri:
            return f"{self._uri}/{path}"
        from deltalake.fs import DeltaStorageHandler
        from pyarrow.fs import PyFileSystem

        files = PyFileSystem(DeltaStorageHandler(self._uri, self._options))
        return files.open_input_file(path)

    def _write_file(self, path: str, data: bytes) -> None:
        if "://" not in self._uri:
            Path(self._uri, path).write_bytes(data)
            return
        # Not through pyarrow as `_source` does: its streams hand on buffers, not the bytes that
        # the object store's own stream takes.
        from deltalake._internal import DeltaFileSystemHandler

        stream: Any = DeltaFileSystemHandler(self._uri, self._options).open_output_stream(path)
        stream.write(data)
        stream.close()


def writer_properties() -> WriterProperties:
    """Return how the table's own writer packs: quick to decode, as reads far outnumber writes."""
    from deltalake import ColumnProperties, WriterProperties

    return WriterProperties(
        compression="LZ4_RAW",
        max_row_group_size=_ROW_GROUP,
        default_column_properties=ColumnProperties(dictionary_enabled=False),
    )


def _meets(metadata: Any, group: int, key: str, start: int, end: int) -> bool:
    """Tell whether a row group can hold keys in [start, end)."""
    chunks = metadata.row_group(group)
    for index in range(chunks.num_columns):
        column = chunks.column(index)
        if column.path_in_schema == key and column.statistics is not None:
            return bool(column.statistics.min < end and column.statistics.max >= start)
    return True
