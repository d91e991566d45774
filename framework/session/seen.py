"""The features and predictions that a session decided on: the newest, for a replay to compare."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framework.backtest.pipeline import Traded
from framework.disk import disk_fault, whole_file
from framework.session.trader import Acted
from framework.types import format_time

_KEPT = 10_000
_FILE, _NAMES = "seen.bin", "seen.json"


class Seen:
    """A file with room for the newest decisions, each in a place that its time tells.

    Parameters
    ----------
    folder : Path
        Of the session; it exists.
    pairs : sequence of str
        N pairs.
    names : sequence of str
        F features and predictions.
    interval_ns : int
        Between two decisions.
    """

    def __init__(
        self, folder: Path, pairs: Sequence[str], names: Sequence[str], interval_ns: int
    ) -> None:
        self._names = tuple(names)
        self._kind = _kind(len(names), len(pairs))
        self._interval_ns = interval_ns
        self._path = folder / _FILE
        described = {"pairs": list(pairs), "names": list(names), "interval_ns": interval_ns}
        with whole_file(folder / _NAMES) as beside:
            beside.write_text(json.dumps(described) + "\n", encoding="utf-8")
        with disk_fault(str(folder)):
            self._path.touch()
            self._file = self._path.open("r+b", buffering=0)

    def add(self, acted: Acted) -> None:
        """Keep what a bar was decided on; one without a decision leaves nothing."""
        if not acted.decided:
            return
        row = np.zeros(1, self._kind)
        row["time"] = acted.time
        both = {**acted.features, **acted.predicted}
        for f, name in enumerate(self._names):
            row["values"][0, f] = both[name]
        with disk_fault(str(self._path)):
            self._file.seek(acted.time // self._interval_ns % _KEPT * self._kind.itemsize)
            self._file.write(row.tobytes())

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        with disk_fault(str(self._path)):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def unlike(folder: Path, traded: Traded) -> str | None:
    """Return a line about the first value that a replay sees otherwise, None where there is none.

    Parameters
    ----------
    folder : Path
        Of the session.
    traded : Traded
        Of the replay.
    """
    with disk_fault(str(folder), "read"):
        described = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        data = (folder / _FILE).read_bytes()
    pairs, names = described["pairs"], described["names"]
    kind = _kind(len(names), len(pairs))
    rows = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    rows = np.sort(rows[rows["time"] > 0], order="time")
    closes = rows["time"] + traded.simulation.interval.ns
    decided = traded.decided.time + traded.decided.interval.ns
    strays = rows["time"][~np.isin(closes, decided)]
    if len(strays):
        return f"replay differs at {format_time(int(strays[0]))}: it does not decide there."
    at = np.searchsorted(decided, closes)
    replayed: Mapping[str, Any] = {**traded.evaluated.features, **traded.predicted}
    now = np.empty(rows["values"].shape)
    for f, name in enumerate(names):
        now[:, f] = replayed[name][at]
    then = rows["values"]
    for row, f, n in np.argwhere((then != now) & ~(np.isnan(then) & np.isnan(now))).tolist():
        return (
            f"replay differs at {format_time(int(rows['time'][row]))}: {names[f]} of {pairs[n]} "
            f"was {float(then[row, f, n])!r} in the session, is {float(now[row, f, n])!r} in the "
            "replay."
        )
    return None


def _kind(names: int, pairs: int) -> np.dtype[np.void]:
    return np.dtype([("time", np.int64), ("values", np.float64, (names, pairs))])
