"""Connections to the results database: SQLite or PostgreSQL through their own drivers.

Statements are written once, with ``?`` for values; faults of either driver become one line. Neither
SQLAlchemy nor SQLModel is imported on this way, so that a run pays milliseconds for its database.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framework.errors import OutsideFault, UserError, did_you_mean

BUSY_SECONDS = 30.0
"""How long a process waits for another that writes."""

Row = Sequence[Any]


class Url:
    """A database's URL, taken apart.

    Parameters
    ----------
    text : str
        ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``postgresql://user:password@
        host/name``, the latter also as ``postgresql+psycopg://``.

    Raises
    ------
    UserError
        When it is none of these.
    """

    def __init__(self, text: str) -> None:
        scheme, separator, rest = text.partition("://")
        dialect, _, driver = scheme.partition("+")
        dialect = "postgresql" if dialect == "postgres" else dialect
        self.shown = re.sub(r"(password=)[^&]*", r"\1***", re.sub(r":[^:@/]*@", ":***@", text))
        """The URL without its password."""
        if not separator:
            raise UserError(
                f"database: must be a URL such as sqlite:///runs/framework.db (was '{self.shown}')."
            )
        if dialect not in ("sqlite", "postgresql"):
            near = did_you_mean(dialect, ("sqlite", "postgresql"))
            raise UserError(f"database: must be SQLite or PostgreSQL (was '{self.shown}').{near}")
        if driver not in ("", "pysqlite" if dialect == "sqlite" else "psycopg"):
            raise UserError(
                f"database: the driver '{driver}' is not supported (was '{self.shown}'); "
                f"write {dialect}://."
            )
        self.lite = dialect == "sqlite"
        path = rest.partition("?")[0].removeprefix("/")
        if self.lite and (path in ("", ":memory:") or not rest.startswith("/")):
            raise UserError(
                f"database: SQLite needs a file, such as sqlite:///runs/framework.db "
                f"(was '{self.shown}')."
            )
        self.path = Path(path)
        """SQLite's file."""
        self.plain = f"{dialect}://{rest}"
        self.sqlalchemy = f"sqlite:///{path}" if self.lite else f"postgresql+psycopg://{rest}"


class Connection:
    """An open connection inside one transaction, committed at the end of `connect`'s block."""

    def __init__(self, driver: Any, lite: bool) -> None:
        self._driver = driver
        self._lite = lite

    def execute(self, statement: str, values: Row = ()) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` for `values`; return its rows, if any."""
        cursor = self._driver.execute(self._dialect(statement), values)
        return list(cursor.fetchall()) if cursor.description else []

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows."""
        if not rows:
            return
        names = ", ".join(columns)
        if self._lite:
            marks = ", ".join("?" * len(columns))
            self._driver.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
            return
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def tables(self) -> set[str]:
        """Return the names of the tables there are."""
        statement = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if self._lite
            else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        return {name for (name,) in self.execute(statement)}

    def _dialect(self, statement: str) -> str:
        return statement if self._lite else statement.replace("?", "%s")


@contextmanager
def connect(
    url: Url,
    write: bool = False,
    patience_s: float | None = None,
    durable: bool = False,
) -> Iterator[Connection]:
    """Open a connection for one short transaction.

    Parameters
    ----------
    url : Url
        Where to.
    write : bool
        Take SQLite's write lock at once, waiting for other writers; a transaction that reads first
        and then writes could be refused instead of waiting.
    patience_s : float, optional
        How long it waits for them; None: `BUSY_SECONDS`.
    durable : bool
        Wait until what was written is on SQLite's disk, so that a power cut does not lose it.

    Raises
    ------
    OutsideFault
        Whatever the database or its disk says, in one line without the password.
    """
    patience_s = BUSY_SECONDS if patience_s is None else patience_s
    with reported(url):
        driver = (
            _open_sqlite(url, patience_s, durable)
            if url.lite
            else _open_postgresql(url, patience_s)
        )
        try:
            if url.lite:
                driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield Connection(driver, url.lite)
            driver.commit()
        finally:
            driver.close()


@contextmanager
def reported(url: Url) -> Iterator[None]:
    """Turn faults of drivers, SQLAlchemy and disk into one line that names the database."""
    try:
        yield
    except OSError as fault:
        raise _outside(url, fault.strerror or str(fault)) from fault
    except sqlite3.Error as fault:
        raise _outside(url, str(fault)) from fault
    except Exception as fault:
        root = type(fault).__module__.partition(".")[0]
        if root not in ("psycopg", "sqlalchemy"):
            raise
        raise _outside(url, str(getattr(fault, "orig", None) or fault)) from fault


def _open_sqlite(url: Url, patience_s: float, durable: bool) -> sqlite3.Connection:
    if not url.path.is_file():
        raise FileNotFoundError(2, "no such file")
    connection = sqlite3.connect(
        url.path, timeout=patience_s, isolation_level=None, check_same_thread=False
    )
    try:
        # in WAL mode NORMAL loses nothing when the process dies, and cannot corrupt at a power cut
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_postgresql(url: Url, patience_s: float) -> Any:
    try:
        import psycopg
    except ImportError:
        raise UserError(
            f"database: {url.shown} needs the package psycopg; pip install -e '.[postgres]'."
        ) from None
    connection = psycopg.connect(url.plain, connect_timeout=10)
    connection.execute(f"SET LOCAL lock_timeout = {round(patience_s * 1_000)}")
    return connection


def _outside(url: Url, reason: str) -> OutsideFault:
    line = " ".join(reason.split()).rstrip(".")
    return OutsideFault(f"database {url.shown}: {line}.")
