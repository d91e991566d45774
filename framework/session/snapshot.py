"""A session's state at a bar, so that a restart need not go through the whole journal.

A snapshot is nothing but a shortcut: without one, or with a damaged one, the journal is gone
through from its beginning and leads to the same state.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framework.disk import disk_fault, whole_file
from framework.market.candles import Candles
from framework.market.live import BookState
from framework.session.candle_arrays import arrays_of, candles_of
from framework.types import FloatArray, RecordArray

_KEPT = 2
_DIGEST = 32


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a session knows after a bar.

    Parameters
    ----------
    seq, size : int
        Of the journal up to there: entries and bytes.
    first : int
        Bars of warm-up.
    candles : Candles
        (T, N), warm-up and live.
    account : (1,) record
        After the last bar.
    predicted : mapping of str to (K, N) float64
        What the models gave.
    books : mapping of str to BookState
        Of each pair the last one that was there at an open.
    paused : bool
        Whether nothing is to be opened.
    swaps : sequence of mapping
        The models that took over so far, as their entries say it.
    """

    seq: int
    size: int
    first: int
    candles: Candles
    account: RecordArray
    predicted: Mapping[str, FloatArray]
    books: Mapping[str, BookState]
    paused: bool
    swaps: Sequence[Mapping[str, Any]]

    def save(self, folder: Path) -> None:
        """Write it, and delete all but the newest two, and what was begun and never ended.

        Raises
        ------
        OutsideFault
            It cannot be written.
        """
        arrays: dict[str, Any] = {
            "numbers": np.array([self.seq, self.size, self.first, self.paused]),
            "swaps": np.array([json.dumps(list(self.swaps))], np.str_),
            "account": np.frombuffer(self.account.tobytes(), np.uint8),
            **arrays_of(self.candles),
            **{f"predicted/{name}": values for name, values in self.predicted.items()},
            **{f"book/{pair}": state.levels for pair, state in self.books.items()},
            **{f"book_time/{pair}": np.array([s.time]) for pair, s in self.books.items()},
        }
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        data = buffer.getvalue()
        with whole_file(folder / f"{self.seq:012d}.snapshot", durable=True) as beside:
            beside.write_bytes(hashlib.sha256(data).digest() + data)
        with disk_fault(str(folder)):
            for old in (*_files(folder)[_KEPT:], *folder.glob(".*.snapshot.part")):
                old.unlink()


def load_snapshot(folder: Path, account: np.dtype[np.void], most: int) -> Snapshot | None:
    """Return the newest whole snapshot, None where there is none.

    Parameters
    ----------
    folder : Path
        Of the session.
    account : dtype
        Of its account.
    most : int
        Bytes that the journal has; a snapshot of a longer one is of no use.
    """
    for file in _files(folder):
        with disk_fault(str(file), "read"):
            data = file.read_bytes()
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            continue
        with np.load(io.BytesIO(data[_DIGEST:]), allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        seq, size, first, paused = arrays["numbers"].tolist()
        if size > most or arrays["account"].nbytes != account.itemsize:
            continue
        try:
            candles = candles_of(arrays)
        except KeyError:  # written by another version of the program
            continue
        return Snapshot(
            seq,
            size,
            first,
            candles,
            np.frombuffer(arrays["account"].tobytes(), account).copy(),
            _named(arrays, "predicted/"),
            {
                pair: BookState(pair, int(arrays[f"book_time/{pair}"][0]), levels)
                for pair, levels in _named(arrays, "book/").items()
            },
            bool(paused),
            json.loads(str(arrays["swaps"][0])),
        )
    return None


def _files(folder: Path) -> list[Path]:
    """Return the snapshots, the newest first."""
    return sorted(folder.glob("*.snapshot"), reverse=True)


def _named(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
