"""The rows of a session while it runs: what the finished run will say, so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.results.connection import Connection, Url, connect
from framework.results.ledger_rows import FILL, TRADE, VETO

INTERRUPTED = "interrupted"
"""Status of a run from its beginning until its end is written."""

Numbered = Iterable[tuple[int, tuple[Any, ...]]]

_OWN = ("fill", "veto", "trade", "metric")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a session adds to its rows.

    Parameters
    ----------
    fills, vetoes : sequence of (number, row)
        New ones.
    trades : sequence of (number, row)
        New ones, and those that changed.
    metrics : mapping of str to float
        Figures so far.
    seen_at : int
        Now, UTC ns.
    """

    fills: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    vetoes: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    trades: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    seen_at: int


class LiveRows:
    """Writes the rows of sessions that run.

    Parameters
    ----------
    url : Url
        A database at the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url

    def write(self, run_id: int, news: News, *, anew: bool, patience_s: float) -> bool:
        """Add what is new, in one transaction; return False where the run has ended meanwhile.

        Parameters
        ----------
        run_id : int
            Of the session.
        news : News
        anew : bool
            It is everything: what was there is dropped.
        patience_s : float
            How long to wait for others that write.

        Raises
        ------
        OutsideFault
            The database declines; nothing of it is written.
        """
        with connect(self._url, write=True, patience_s=patience_s) as connection:
            running = connection.execute(
                "UPDATE run SET seen_at = ? WHERE id = ? AND status = ? AND ended_at IS NULL "
                "RETURNING id",
                (news.seen_at, run_id, INTERRUPTED),
            )
            if not running:
                return False
            if anew:
                drop_rows(connection, run_id)
            for number, _ in news.trades:
                connection.execute(
                    "DELETE FROM trade WHERE run_id = ? AND number = ?", (run_id, number)
                )
            connection.execute("DELETE FROM metric WHERE run_id = ?", (run_id,))
            add_rows(connection, run_id, "fill", FILL, news.fills)
            add_rows(connection, run_id, "veto", VETO, news.vetoes)
            add_rows(connection, run_id, "trade", TRADE, news.trades)
            connection.insert(
                "metric",
                ("run_id", "name", "value"),
                [(run_id, *item) for item in news.metrics.items()],
            )
        return True


def drop_rows(connection: Connection, run_id: int) -> None:
    """Drop what a session wrote of itself while it ran."""
    for table in _OWN:
        connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608


def add_rows(
    connection: Connection, run_id: int, table: str, columns: tuple[str, ...], rows: Numbered
) -> None:
    """Insert rows of a run, numbered within it."""
    connection.insert(
        table,
        ("run_id", "number", *columns),
        [(run_id, number, *row) for number, row in rows],
    )
