"""Rows of the data that runs used, each kept once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from framework.results.connection import Connection
from framework.results.outcome import Outcome
from framework.types import parse_time


class Certificate(Protocol):
    """What names the data of trials."""

    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def pairs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def interval(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> str: ...  # noqa: D102
    @property
    def end(self) -> str: ...  # noqa: D102

    def as_dict(self) -> dict[str, object]: ...  # noqa: D102


def dataset_of_outcome(outcome: Outcome) -> tuple[str | int | None, ...]:
    """Return the row of the data that an outcome was traded on."""
    time = outcome.time
    start = int(time[0]) if len(time) else 0
    end = int(time[-1]) + outcome.interval.ns if len(time) else 0
    interval = str(outcome.certificate.get("interval", outcome.interval))
    return _dataset_row(outcome.certificate, outcome.pairs, interval, start, end)


def dataset_of(certificate: Certificate) -> tuple[str | int | None, ...]:
    """Return the row of the data that a certificate pins."""
    span = (parse_time(certificate.start), parse_time(certificate.end))
    return _dataset_row(certificate.as_dict(), certificate.pairs, certificate.interval, *span)


def _dataset_row(
    certificate: Mapping[str, object],
    pairs: Sequence[str],
    interval: str,
    start_ns: int,
    end_ns: int,
) -> tuple[str | int | None, ...]:
    return (
        str(certificate["sha256"]),
        str(certificate.get("source", "")) or None,
        ",".join(pairs),
        interval,
        start_ns,
        end_ns,
        json.dumps(dict(certificate), default=str),
    )


def keep_dataset(connection: Connection, row: Sequence[str | int | None]) -> None:
    """Write the data's row unless an earlier run did."""
    connection.execute(
        "INSERT INTO dataset (sha256, source, pairs, interval, start_time, end_time, certificate) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
        row,
    )
