"""The schema of the database: as it should be, or brought there by the steps in `migrations/`.

Asking is one cheap query; SQLAlchemy and Alembic, half a second to import, are for migrating only.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import sleep

from framework.errors import UserError
from framework.results.connection import BUSY_SECONDS, Url, connect, reported

HEAD = "0005"
"""The newest step, kept here so that the common case need not ask Alembic."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_PAUSE_SECONDS = 0.05
_ATTEMPTS = round(BUSY_SECONDS / _PAUSE_SECONDS)
_LOCK = 0x66_72_61_6D_65  # any number, the same in every process


def prepare(url: Url, create: bool) -> None:
    """Make sure that the database at `url` has the newest schema.

    Parameters
    ----------
    url : Url
        Where it is.
    create : bool
        Make a missing SQLite file, with its folder.

    Raises
    ------
    UserError
        It belongs to another or a newer program.
    OutsideFault
        It cannot be reached, read or written.
    """
    if url.lite and create:
        _make_file(url)
    found = _version(url)
    if found == HEAD:
        return
    if found is not None and not found.isdecimal():
        raise UserError(f"database: {url.shown} holds the tables of another program ({found}).")
    if found is not None and int(found) > int(HEAD):
        raise UserError(
            f"database: {url.shown} was written by a newer version (schema {found}, this program "
            f"knows {HEAD}); update the program or name another database."
        )
    with reported(url):
        migrate(url)


def migrate(url: Url) -> None:
    """Run the missing steps in one transaction; other processes wait and then find nothing to do.

    Parameters
    ----------
    url : Url
        An empty database, or one with an older schema.
    """
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    # without the driver's own transactions, SQLite's DDL is part of the one begun here
    arguments = {"timeout": BUSY_SECONDS, "isolation_level": None} if url.lite else {}
    engine = create_engine(url.sqlalchemy, poolclass=NullPool, connect_args=arguments)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect() as connection:
        if url.lite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _make_file(url: Url) -> None:
    """Make SQLite's file with write-ahead logging, which lets readers and a writer work at once.

    Of several processes that change the mode at once SQLite lets one through and refuses the
    others without waiting: they ask again until the file is there.
    """
    with reported(url):
        url.path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(_ATTEMPTS):
            if url.path.is_file() and url.path.stat().st_size:
                return
            connection = sqlite3.connect(url.path, timeout=BUSY_SECONDS)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as fault:
                if attempt + 1 == _ATTEMPTS or fault.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                sleep(_PAUSE_SECONDS)
            finally:
                connection.close()


def _version(url: Url) -> str | None:
    """Return the schema's version, None in an empty database; refuse one with other tables."""
    with connect(url) as connection:
        tables = connection.tables()
        if "alembic_version" in tables:
            rows = connection.execute("SELECT version_num FROM alembic_version")
            if rows:
                return str(rows[0][0])
        elif tables:
            raise UserError(
                f"database: {url.shown} holds the tables of another program "
                f"({', '.join(sorted(tables)[:3])}); name an empty or a new one."
            )
    return None
