"""A text file that stays small: when it is full it is packed beside, and the oldest is dropped."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from threading import Lock, Thread

LIMIT = 20_000_000
"""Bytes after which a file is full."""

KEPT = 5
"""Packed files that stay."""


class RollingFile:
    """Appends to ``run.log``; what it held before is in ``run.1.log.gz``, ``run.2.log.gz``...

    Parameters
    ----------
    path : Path
        Gone on with where it exists.
    limit : int
        Bytes after which it is full.
    kept : int
        Packed files that stay, 1 at least; number 1 is the newest.
    """

    def __init__(self, path: Path, limit: int, kept: int) -> None:
        self._path, self._limit, self._kept = path, limit, kept
        self._lock = Lock()
        self._full = path.with_suffix(f".full{path.suffix}")
        self._fault: OSError | None = None
        self._packing: Thread | None = None
        if self._full.exists():  # what packed it was killed
            self._pack()
        self._open()

    def write(self, text: str) -> int:
        """Append `text`, in another file where this one is full."""
        with self._lock:
            if self._fault is not None:
                raise self._fault
            size = len(text.encode("utf-8", "backslashreplace"))
            if self._size and self._size + size > self._limit:
                self._roll()
            self._size += size
            return self._file.write(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        with self._lock:
            self._file.flush()

    def fileno(self) -> int:
        """Return the descriptor of the file at hand."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Close it, and wait for what is being packed."""
        self._file.close()
        if self._packing is not None:
            self._packing.join()

    def _open(self) -> None:
        self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace")
        self._size = self._path.stat().st_size

    def _roll(self) -> None:
        """Set the full file aside and begin another; packing it keeps nobody waiting."""
        if self._packing is not None:
            self._packing.join()
        self._path.replace(self._full)
        full = self._file
        self._open()
        full.close()
        self._packing = Thread(target=self._pack, name="packing")
        self._packing.start()

    def _pack(self) -> None:
        try:
            for number in range(self._kept - 1, 0, -1):
                if self._packed(number).exists():
                    self._packed(number).replace(self._packed(number + 1))
            beside = self._packed(1).with_suffix(".part")
            with self._full.open("rb") as plain, gzip.open(beside, "wb", compresslevel=1) as packed:
                shutil.copyfileobj(plain, packed)
            beside.replace(self._packed(1))
            self._full.unlink()
        except OSError as fault:
            self._fault = fault

    def _packed(self, number: int) -> Path:
        return self._path.with_suffix(f".{number}{self._path.suffix}.gz")
