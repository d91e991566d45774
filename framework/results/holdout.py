"""What was sealed and what of it was opened: every run that trades sealed bars is counted.

Seals and openings meet where they share a pair of one exchange and some time, whatever the interval
and the length of the tail: another `evaluation.sealed` does not make seen candles unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.results.connection import Connection
from framework.types import Interval, format_time, parse_time

_NAMED = 5
"""Openings named in a line; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One run that traded sealed bars; times are UTC nanoseconds."""

    run_id: int | None
    """None when its row was deleted."""

    run: str | None

    strategy: str | None
    start_ns: int
    end_ns: int


def note(
    connection: Connection, run_id: int, certificate: Mapping[str, object], at: int
) -> Opening | None:
    """Keep what a run has sealed, and count it as an opening if it trades sealed bars.

    Parameters
    ----------
    connection : Connection
        For writing; the data's row is there.
    run_id : int
        Of the run.
    certificate : mapping
        Of the data that it trades.
    at : int
        Now, UTC ns.

    Returns
    -------
    Opening or None
        What it opens, once for each run and data.
    """
    _seal(connection, run_id, certificate, at)
    start, end = _traded(certificate)
    seals = _meeting(
        connection.execute(
            "SELECT start_time, end_time, source, pairs FROM holdout_seal "
            "WHERE start_time < ? AND end_time > ?",
            (end, start),
        ),
        certificate,
    )
    if not seals:
        return None
    start = max(start, min(first for first, *_ in seals))
    end = min(end, max(last for _, last, *_ in seals))
    data_hash = str(certificate["sha256"])
    if not connection.execute(
        "SELECT id FROM holdout_opening WHERE run_id = ? AND data_hash = ?", (run_id, data_hash)
    ):
        connection.insert(
            "holdout_opening",
            ("run_id", "data_hash", "start_time", "end_time", "opened_at"),
            [(run_id, data_hash, start, end, int(at))],
        )
    return Opening(run_id, None, None, start, end)


def openings(connection: Connection, certificate: Mapping[str, object]) -> list[Opening]:
    """Return the openings of any part of the data, its own sealed tail included, oldest first."""
    start, end = _traded(certificate)
    if certificate.get("sealed_until"):
        end = max(end, parse_time(certificate["sealed_until"]))
    rows = connection.execute(
        "SELECT o.start_time, o.end_time, d.source, d.pairs, r.id, r.name, r.strategy "
        "FROM holdout_opening o JOIN dataset d ON d.sha256 = o.data_hash "
        "LEFT JOIN run r ON r.id = o.run_id "
        "WHERE o.start_time < ? AND o.end_time > ? ORDER BY o.id",
        (end, start),
    )
    return [
        Opening(run_id, name, strategy, first, last)
        for first, last, _, _, run_id, name, strategy in _meeting(rows, certificate)
    ]


def sealed_line(certificate: Mapping[str, object]) -> str | None:
    """Return what of the range was sealed as a sentence, None without a seal.

    Examples
    --------
    >>> sealed_line({"end": "2025-03-01T00:00:00Z", "sealed_from": "2025-03-01T00:00:00Z",
    ...              "sealed_until": "2025-03-08T00:00:00Z"})
    'The last 1w, from 2025-03-01 on, are sealed: neither loaded nor traded.'
    """
    if not certificate.get("sealed_from"):
        return None
    first, last = parse_time(certificate["sealed_from"]), parse_time(certificate["sealed_until"])
    opened = parse_time(certificate["end"]) > first
    done = (
        "were sealed, and this run opened them"
        if opened
        else ("are sealed: neither loaded nor traded")
    )
    return f"The last {Interval(last - first)}, from {_day(first)} on, {done}."


def opened_line(found: Sequence[Opening]) -> str | None:
    """Return how often sealed data was opened and by what as a sentence, None if it was not."""
    if not found:
        return None
    named = [
        "one deleted since"
        if each.run_id is None
        else f"{each.run_id} ({each.run}, {each.strategy})"
        for each in found[:_NAMED]
    ]
    if len(found) > _NAMED:
        named.append(f"{len(found) - _NAMED:,} more")
    times = "once, by run" if len(found) == 1 else f"{len(found):,} times, by runs"
    return f"The sealed tail was opened {times} {', '.join(named)}."


def _seal(connection: Connection, run_id: int, certificate: Mapping[str, object], at: int) -> None:
    """Keep the tail that a run has set aside, unless it is known as it is."""
    if not certificate.get("sealed_from"):
        return
    row = (
        str(certificate["source"]),
        _pairs(certificate),
        parse_time(certificate["sealed_from"]),
        parse_time(certificate["sealed_until"]),
    )
    if connection.execute(
        "SELECT id FROM holdout_seal "
        "WHERE source = ? AND pairs = ? AND start_time = ? AND end_time = ?",
        row,
    ):
        return
    columns = ("source", "pairs", "start_time", "end_time", "run_id", "sealed_at")
    connection.insert("holdout_seal", columns, [(*row, run_id, int(at))])


def _traded(certificate: Mapping[str, object]) -> tuple[int, int]:
    return parse_time(certificate["start"]), parse_time(certificate["end"])


def _pairs(certificate: Mapping[str, object]) -> str:
    pairs = certificate["pairs"]
    assert isinstance(pairs, list | tuple)  # noqa: S101 - as a certificate has them
    return ",".join(pairs)


def _meeting(
    rows: Sequence[tuple[Any, ...]],
    certificate: Mapping[str, object],
) -> list[tuple[Any, ...]]:
    """Return the rows, third source and fourth pairs, with the exchange and a pair of the data."""
    exchange = _exchange(str(certificate["source"]))
    pairs = set(_pairs(certificate).split(","))
    return [
        row
        for row in rows
        if _exchange(str(row[2])) == exchange and not pairs.isdisjoint(str(row[3]).split(","))
    ]


def _exchange(source: str) -> str:
    """Return the exchange of a certificate's source, without path or store."""
    return source.partition(" ")[0]


def _day(time_ns: int) -> str:
    return format_time(time_ns).replace("T00:00:00Z", "")
