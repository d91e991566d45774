"""What a session did, bar by bar, beside its journal: events, equity, and what it saw.

The journal alone decides what happened; this is what a replay is compared with. A process that is
killed leaves the record some bars behind the journal, or with half an item at its end: opening it
cuts it to whole bars.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framework.disk import disk_fault
from framework.errors import CheckFailed
from framework.records import EVENT, Kind
from framework.session.seen import Seen
from framework.session.trader import Acted
from framework.types import FloatArray, IntArray, RecordArray, format_time

BARS = np.dtype([("time", np.int64), ("equity", np.float64), ("events", np.int64)])
"""One bar: its open time, the equity at its close, and the ledger's length after it."""


class Record:
    """Appends what was done to files in a folder.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    pairs : sequence of str
        N pairs.
    names : sequence of str
        Of the features and predictions that decisions rest on.
    interval_ns : int
        Between two decisions.
    """

    def __init__(
        self, folder: Path, pairs: Sequence[str], names: Sequence[str], interval_ns: int
    ) -> None:
        self.folder = folder
        self._pairs = tuple(pairs)
        with disk_fault(str(folder)):
            folder.mkdir(exist_ok=True)
            self._bars = (folder / "bars.bin").open("ab")
            self._events = (folder / "ledger.bin").open("ab")
        self._cut()
        self._seen = Seen(folder, pairs, names, interval_ns)

    def read(self) -> tuple[RecordArray, RecordArray]:
        """Return bars (B,) and events (E,) EVENT recorded so far."""
        return read_record(self.folder)

    def confirm(self, first: int, acts: Sequence[Acted]) -> None:
        """Compare what was recorded with what the journal leads to, and add what is not there yet.

        Parameters
        ----------
        first : int
            Number of bars before those of `acts`.
        acts : sequence of Acted
            What the journal leads to, up to its end.

        Raises
        ------
        CheckFailed
            The session did something else.
        """
        bars, events = self.read()
        begin = int(bars["events"][first - 1]) if first else 0
        for number, acted in enumerate(acts, start=first):
            end = begin + len(acted.events)
            if number >= len(bars):
                self.add(acted)
            else:
                mine = np.array([(acted.time, acted.equity, end)], BARS)
                bar, own = bars[number : number + 1], events[begin : int(bars["events"][number])]
                if line := difference(self._pairs, bar, own, mine, acted.events):
                    raise CheckFailed(line)
            begin = end

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        with disk_fault(str(self.folder)):
            for file in (self._events, self._bars):
                os.fsync(file.fileno())

    def add(self, acted: Acted) -> None:
        """Append one bar."""
        with disk_fault(str(self.folder)):
            self._events.write(acted.events.tobytes())
            self._events.flush()
            self._count += len(acted.events)
            row = np.array([(acted.time, acted.equity, self._count)], BARS)
            self._bars.write(row.tobytes())
            self._bars.flush()
        self._seen.add(acted)

    def close(self) -> None:
        """Give the files back."""
        self._bars.close()
        self._events.close()
        self._seen.close()

    def _cut(self) -> None:
        """Cut to whole bars."""
        bars, events = self.read()
        with disk_fault(str(self.folder)):
            self._bars.truncate(len(bars) * BARS.itemsize)
            self._events.truncate(len(events) * EVENT.itemsize)
        self._count = len(events)


class Tail:
    """Reads a record that grows, whole bars each time.

    Parameters
    ----------
    folder : Path
        Of the record.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bars = 0
        self._events = 0

    def read(self) -> tuple[RecordArray, RecordArray]:
        """Return the bars (B,) BARS that are new since the last time, and their events (E,)."""
        with disk_fault(str(self._folder), "read"):
            bars = _items(self._folder / "bars.bin", BARS, self._bars)
            events = _items(self._folder / "ledger.bin", EVENT, self._events)
        whole = int(np.searchsorted(bars["events"], self._events + len(events), side="right"))
        bars = bars[:whole]
        events = events[: int(bars["events"][-1]) - self._events if whole else 0]
        self._bars += len(bars)
        self._events += len(events)
        return bars, events


def read_record(folder: Path) -> tuple[RecordArray, RecordArray]:
    """Return the whole bars (B,) BARS of a record, and their events (E,) EVENT."""
    return Tail(folder).read()


def bars_of(time: IntArray, equity: FloatArray, events: RecordArray) -> RecordArray:
    """Return the bars (B,) BARS of a simulation."""
    bars = np.empty(len(time), BARS)
    bars["time"], bars["equity"] = time, equity
    bars["events"] = np.searchsorted(events["time"], time, side="right")
    return bars


def difference(
    pairs: Sequence[str],
    bars: RecordArray,
    events: RecordArray,
    other_bars: RecordArray,
    other_events: RecordArray,
) -> str | None:
    """Return a line about the first bar in which two records differ, None where they do not.

    Parameters
    ----------
    pairs
        Their names.
    bars, events
        Of the session.
    other_bars, other_events
        Of the replay.
    """
    both = min(len(bars), len(other_bars))
    unlike = bars[:both] != other_bars[:both]
    first = int(np.argmax(unlike)) if unlike.any() else both
    shared = min(len(events), len(other_events))
    odd = np.flatnonzero(events[:shared] != other_events[:shared])
    if len(odd):
        at = int(odd[0])
        if first == both or events["time"][at] <= bars["time"][first]:
            return (
                f"replay differs at {format_time(int(events['time'][at]))}, event {at + 1}: "
                f"{_shown(events[at], pairs)} in the session, "
                f"{_shown(other_events[at], pairs)} in the replay."
            )
    if first < both:
        return (
            f"replay differs at {format_time(int(bars['time'][first]))}: equity "
            f"{bars['equity'][first]!r} after {bars['events'][first]} events in the session, "
            f"{other_bars['equity'][first]!r} after {other_bars['events'][first]} in the replay."
        )
    if len(bars) != len(other_bars):
        return f"replay has {len(other_bars):,} bars, the session {len(bars):,}."
    return None


def _shown(event: RecordArray, pairs: Sequence[str]) -> str:
    """Return an event in words, every digit of its values among them."""
    n = int(event["pair"])
    pair = pairs[n] if 0 <= n < len(pairs) else f"pair {n}"
    side = "buy" if event["side"] > 0 else "sell"
    kind = {member.value: member.name.lower() for member in Kind}.get(int(event["kind"]))
    names = ("units", "quote", "price", "fee", "reason", "order")
    values = (f"{name} {event[name].item()!r}" for name in names)
    return " ".join((pair, str(kind), side, *values))


def _items(file: Path, kind: np.dtype[np.void], first: int) -> RecordArray:
    """Return the whole items of a file from number `first` on."""
    if not file.exists():
        return np.empty(0, kind)
    with file.open("rb") as opened:
        opened.seek(first * kind.itemsize)
        data = opened.read()
    return np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
