"""Fixtures of the results' tests: the judge, and databases to run on."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def vectorbt() -> Any:
    """vectorbt, whose import warns about packages that it does not need here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("vectorbt")


@pytest.fixture(scope="session")
def vectorbt_of(vectorbt: Any) -> Callable[[Any], Any]:
    """Build vectorbt's portfolio of an outcome whose fills are one to a pair and bar or fewer.

    Fills of one pair in one bar would overwrite each other, so each fill has its own row.
    """
    import numpy as np
    import pandas as pd

    def build(outcome: Any) -> Any:
        events = outcome.events
        bar = (events["time"] - outcome.time[0]) // outcome.interval.ns
        rows, pairs = len(events) + 1, len(outcome.pairs)
        close = np.vstack([outcome.close[bar], outcome.close[-1:]])
        size = np.full((rows, pairs), np.nan)
        price, fee = close.copy(), np.zeros((rows, pairs))
        at = np.arange(len(events)), events["pair"]
        size[at] = events["side"] * events["units"]
        price[at], fee[at] = events["price"], events["fee"]
        return vectorbt.Portfolio.from_orders(
            pd.DataFrame(close),
            size=size,
            price=price,
            fixed_fees=fee,
            init_cash=outcome.initial_cash,
            cash_sharing=True,
            group_by=True,
            freq="1D",
        )

    return build


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/folder/framework.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgresql_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def postgresql_url(postgresql_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database on the server, dropped afterwards."""
    import psycopg

    name = f"test_{os.getpid()}_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield postgresql_server.rpartition("/")[0] + f"/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A throw-away PostgreSQL server, or the one that FRAMEWORK_TEST_POSTGRES names by URL."""
    pytest.importorskip("psycopg")
    named = os.environ.get("FRAMEWORK_TEST_POSTGRES")
    if named:
        yield named
        return
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: neither FRAMEWORK_TEST_POSTGRES nor initdb and pg_ctl")
    # not under pytest's own folder, which another user may not enter
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = _as_other_user(folder)
    port = _free_port()

    def run(program: str, *arguments: str) -> None:
        command = [*user, str(programs / program), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr + done.stdout

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -F"
        run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql://tester:secret@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgresql_programs() -> Path | None:
    found = [Path(path) for path in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    on_path = shutil.which("pg_ctl")
    for folder in ([Path(on_path).resolve().parent] if on_path else []) + found:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def _as_other_user(folder: Path) -> list[str]:
    """Return what to put before a command so that it does not run as root."""
    if os.getuid() != 0:
        return []
    if shutil.which("runuser") is None:
        pytest.skip("PostgreSQL refuses to run as root and there is no runuser")
    import pwd

    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return ["runuser", "-u", name, "--"]
    pytest.skip("PostgreSQL refuses to run as root and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
