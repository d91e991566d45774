"""What the database remembers of sealed tails, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from test_database import begin, rows

from framework.results.database import open_database
from framework.results.holdout import opened_line, sealed_line
from framework.types import parse_time


@dataclass(frozen=True)
class Data:
    """A certificate, as much of it as counts here."""

    start: str = "2025-01-01"
    end: str = "2025-03-01"
    sealed_from: str | None = None
    sealed_until: str | None = None
    pairs: tuple[str, ...] = ("BTC-AUD", "ETH-AUD")
    source: str = "made seed=1"
    interval: str = "15m"

    @property
    def sha256(self) -> str:
        return str(hash(self))

    def as_dict(self) -> dict[str, object]:
        names = ("start", "end", "sealed_from", "sealed_until", "pairs", "source", "interval")
        return {**{name: getattr(self, name) for name in names}, "sha256": self.sha256}


SEALED = Data(sealed_from="2025-03-01", sealed_until="2025-05-01")
OPENED = Data("2025-03-01", "2025-05-01", "2025-03-01", "2025-05-01")


def names(database, data):
    return [opening.run for opening in database.openings(data.as_dict())]


def test_a_run_before_the_seal_opens_nothing(database_url):
    database = open_database(database_url)
    assert database.hold_out(begin(database), SEALED, at=5) is None
    assert database.hold_out(begin(database), SEALED, at=6) is None
    assert database.openings(SEALED.as_dict()) == []
    sealed = rows(database_url, "SELECT source, pairs, start_time, end_time FROM holdout_seal")
    assert sealed == [
        ("made seed=1", "BTC-AUD,ETH-AUD", parse_time("2025-03-01"), parse_time("2025-05-01"))
    ]


def test_each_opening_is_counted_once_and_told_to_all_later_runs(database_url):
    database = open_database(database_url)
    database.hold_out(begin(database, "/runs/before"), SEALED, at=1)
    for name in ("one", "two"):
        run_id = begin(database, f"/runs/{name}")
        for _ in range(2):
            opened = database.hold_out(run_id, OPENED, at=2)
            assert opened is not None
            assert (opened.start_ns, opened.end_ns) == (
                parse_time("2025-03-01"), parse_time("2025-05-01"),
            )  # fmt: skip
    assert names(database, SEALED) == names(database, OPENED) == ["one", "two"]
    assert opened_line(database.openings(SEALED.as_dict())) == (
        "The sealed tail was opened 2 times, by runs 2 (one, made), 3 (two, made)."
    )


@pytest.mark.parametrize("interval", ["15m", "1h"])
def test_a_shorter_seal_opens_what_a_longer_one_closed(database_url, interval):
    database = open_database(database_url)
    database.hold_out(begin(database, "/runs/long"), SEALED, at=1)
    short = Data(
        end="2025-04-01", sealed_from="2025-04-01", sealed_until="2025-05-01", interval=interval
    )
    opened = database.hold_out(begin(database, "/runs/short"), short, at=2)
    assert opened is not None
    assert (opened.start_ns, opened.end_ns) == (parse_time("2025-03-01"), parse_time("2025-04-01"))
    assert names(database, SEALED) == ["short"]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"pairs": ("ETH-AUD", "ADA-AUD")}, True),
        ({"pairs": ("ADA-AUD",)}, False),
        ({"source": "made seed=2"}, True),
        ({"source": "other"}, False),
        ({"start": "2025-05-01", "end": "2025-06-01"}, False),
        ({"start": "2025-01-01", "end": "2025-03-01"}, False),
        ({"start": "2025-04-30T23:45", "end": "2025-06-01"}, True),
    ],
)
def test_seals_hold_for_their_pairs_of_one_exchange_and_their_range(database_url, changes, counts):
    database = open_database(database_url)
    database.hold_out(begin(database), SEALED, at=1)
    other = Data(**({"start": "2025-02-01", "end": "2025-06-01"} | changes))
    assert (database.hold_out(begin(database), other, at=2) is not None) is counts
    assert len(database.openings(other.as_dict())) == counts


def test_an_opening_outlives_its_run(database_url):
    database = open_database(database_url)
    database.hold_out(begin(database, "/runs/gone"), OPENED, at=1)
    with_connection(database_url, "DELETE FROM run")
    assert opened_line(database.openings(SEALED.as_dict())) == (
        "The sealed tail was opened once, by run one deleted since."
    )


def with_connection(url: str, statement: str) -> None:
    from framework.results.connection import Url, connect

    with connect(Url(url), write=True) as connection:
        connection.execute(statement)


def test_of_many_openings_five_are_named(database_url):
    database = open_database(database_url)
    for number in range(1, 8):
        database.hold_out(begin(database, f"/runs/r{number}"), OPENED, at=number)
    assert opened_line(database.openings(OPENED.as_dict())) == (
        "The sealed tail was opened 7 times, by runs 1 (r1, made), 2 (r2, made), 3 (r3, made), "
        "4 (r4, made), 5 (r5, made), 2 more."
    )


def test_a_seal_in_words():
    assert sealed_line(Data().as_dict()) is None
    assert sealed_line(SEALED.as_dict()) == (
        "The last 61d, from 2025-03-01 on, are sealed: neither loaded nor traded."
    )
    assert sealed_line(OPENED.as_dict()) == (
        "The last 61d, from 2025-03-01 on, were sealed, and this run opened them."
    )
