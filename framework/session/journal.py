"""What a session acts on, written down before it acts: one JSON line for each input.

A line is ``{"seq": 1, "kind": "bar", ..., "crc": "5f1d8a02"}``: numbered from 1 without a hole,
with the CRC-32 of all that stands before ``, "crc"``. A line that was not written to its end is
cut off when the journal is opened again; damage before the last line is refused.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.disk import disk_fault, on_disk
from framework.errors import OutsideFault

FILE = "journal.jsonl"
"""Name of the journal in a run's directory."""

_MARK = b', "crc": "'


@dataclass(frozen=True, slots=True)
class Entry:
    """One input.

    Parameters
    ----------
    seq : int
        From 1.
    kind : str
        What it is.
    values : mapping
        What it says, plain values.
    """

    seq: int
    kind: str
    values: Mapping[str, Any]


class Journal:
    """The end of a journal, to which entries are added.

    Parameters
    ----------
    path : Path
        Made if it is missing; what was begun and not ended at its end is cut off.
    start : int
        Byte at which a whole line begins, before which nothing is looked at.
    seq : int
        Of the line before that byte.

    Raises
    ------
    OutsideFault
        It is damaged before its end, or cannot be read or written.
    """

    def __init__(self, path: Path, start: int = 0, seq: int = 0) -> None:
        self.path = path
        with disk_fault(str(path), "opened"):
            self._file = path.open("ab", buffering=0)
            on_disk(path.parent)  # each time: a process that was killed may have made it only
        self.size = start
        self.seq = seq
        self._read = _Reader(path, start, seq)
        self.torn = 0
        """Bytes that were cut off when it was opened."""

    def entries(self) -> Iterator[Entry]:
        """Yield every whole entry from where it was opened, once; then cut off what is torn.

        Nothing can be added before all were taken.
        """
        yield from self._read
        self.seq, self.size = self._read.seq, self._read.size
        with disk_fault(str(self.path)):
            self.torn = os.fstat(self._file.fileno()).st_size - self.size
            if self.torn:
                self._file.truncate(self.size)
                os.fsync(self._file.fileno())

    def add(self, kind: str, values: Mapping[str, Any]) -> Entry:
        """Write an entry and wait until it is on the disk.

        Raises
        ------
        OutsideFault
            It could not be written; the journal is as before, or ends in a torn line.
        """
        entry = Entry(self.seq + 1, kind, values)
        line = line_of(entry)
        with disk_fault(str(self.path)):
            try:
                written = 0
                while written < len(line):
                    written += self._file.write(line[written:]) or 0
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(self.size)  # so that a later entry does not follow half of one
                raise
        self.seq, self.size = entry.seq, self.size + len(line)
        return entry

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def read_journal(path: Path) -> list[Entry]:
    """Return all whole entries of a journal; what is torn at its end is passed over.

    Raises
    ------
    OutsideFault
        It is damaged before its end, or cannot be read.
    """
    return list(_Reader(path, 0, 0))


def line_of(entry: Entry) -> bytes:
    """Return the line that says an entry."""
    body = json.dumps({"seq": entry.seq, "kind": entry.kind, **entry.values})
    said = body[:-1].encode()
    return said + _MARK + f'{zlib.crc32(said):08x}"}}\n'.encode()


class _Reader:
    """Reads whole lines, and stops before one that was not written to its end."""

    def __init__(self, path: Path, start: int, seq: int) -> None:
        self._path = path
        self.size = start
        self.seq = seq

    def __iter__(self) -> Iterator[Entry]:
        with disk_fault(str(self._path), "read"), self._path.open("rb") as file:
            file.seek(self.size)
            for line in file:
                entry = _entry(line)
                if entry is None and not file.read(1):
                    return  # the last one: torn
                if entry is None or entry.seq != self.seq + 1:
                    raise OutsideFault(
                        f"{self._path}: damaged after entry {self.seq} (byte {self.size:,})."
                    )
                self.seq, self.size = entry.seq, self.size + len(line)
                yield entry


def _entry(line: bytes) -> Entry | None:
    """Return what a line says, None where it is not whole."""
    said, mark, checksum = line.rpartition(_MARK)
    if not mark or checksum != f'{zlib.crc32(said):08x}"}}\n'.encode():
        return None
    values = json.loads(said + b"}")
    return Entry(values.pop("seq"), values.pop("kind"), values)
