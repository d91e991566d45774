"""The database: what a run leaves in it, on SQLite and PostgreSQL, whatever happens to the run."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_outcomes import START_NS, make_outcome, random_close, random_fills

from framework.errors import OutsideFault, UserError
from framework.records import EVENT, Kind, OrderType, Reason
from framework.results import connection as connections
from framework.results.connection import Url, connect
from framework.results.database import Database, open_database
from framework.results.metrics import compute
from framework.results.outcome import Outcome

FOLDER = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}


def begin(database: Database, directory: str = "/runs/2024-01-01/a", **changes: Any) -> int:
    fields: dict[str, Any] = dict(
        directory=directory,
        mode="backtest",
        strategy="made",
        started_at=START_NS,
        pid=42,
        host="here",
        seed=7,
        version="0.1.0",
        config="cash: 1000\n",
        overrides=["cash=1000"],
    )
    return database.begin(**(fields | changes))


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with connect(Url(url)) as connection:
        return connection.execute(query)


@pytest.fixture
def outcome() -> Outcome:
    veto = np.zeros(1, EVENT)
    veto["kind"], veto["reason"] = Kind.VETOED, Reason.NO_CASH
    veto["type"], veto["side"] = OrderType.MARKET, 1
    veto["time"], veto["confidence"] = START_NS, 0.5
    return make_outcome(
        np.array([[10.0], [11.0], [12.0]]),
        [(1, 0, 1, 1 / 3, 11.0, 0.1), (2, 0, -1, 1 / 3, 12.0, 0.1), (2, 0, 1, 1.0, 12.0, 0.1)],
        extra_events=veto,
    )


def test_a_run_that_began_is_interrupted_until_its_end_is_written(
    database_url: str, outcome: Outcome
) -> None:
    database = open_database(database_url)
    run_id = begin(database)
    row = database.find_run(run_id)
    assert row is not None
    assert (row.status, row.ended_at, row.exit_code) == ("interrupted", None, None)
    database.finish(run_id, outcome, compute(outcome), ended_at=START_NS + 5)
    row = database.find_run(run_id)
    assert row is not None
    assert (row.status, row.ended_at, row.exit_code) == ("done", START_NS + 5, 0)
    assert (row.orders_hash, row.data_hash) == ("0" * 64, "d" * 64)
    assert (row.started_at, row.seed, row.name) == (START_NS, 7, "a")


def test_everything_a_run_brought_reads_back_exactly(database_url: str, outcome: Outcome) -> None:
    database = open_database(database_url)
    metrics = compute(outcome)
    run_id = begin(database)
    database.finish(run_id, outcome, metrics, ended_at=1, params={"fast": 5})
    stored = dict(rows(database_url, "SELECT name, value FROM metric"))
    assert stored == metrics
    fills = rows(
        database_url,
        "SELECT run_id, number, time, order_id, pair, side, type, reason, units, fee "
        "FROM fill ORDER BY number",
    )
    day = START_NS + 86_400_000_000_000
    assert fills[0] == (run_id, 1, day, 1, "P0-AUD", "buy", "market", "signal", 1 / 3, 0.1)
    assert [fill[5] for fill in fills] == ["buy", "sell", "buy"]
    trades = rows(database_url, "SELECT exit_time, side, pnl, bars FROM trade ORDER BY number")
    assert trades[0] == (day * 2 - START_NS, "long", float(outcome.trades["pnl"][0]), 1)
    assert trades[1][0] is None
    assert rows(database_url, "SELECT order_id, reason, confidence FROM veto") == [
        (0, "no_cash", 0.5)
    ]
    ((pairs, interval, start, end, certificate),) = rows(
        database_url, "SELECT pairs, interval, start_time, end_time, certificate FROM dataset"
    )
    assert (pairs, interval, start) == ("P0-AUD", "1d", START_NS)
    assert end == START_NS + 3 * 86_400_000_000_000
    certificate = json.loads(certificate) if isinstance(certificate, str) else certificate
    assert certificate == {"sha256": "d" * 64, "source": "made"}
    ((params, sharpe),) = rows(database_url, "SELECT params, sharpe FROM trial")
    assert (json.loads(params) if isinstance(params, str) else params) == {"fast": 5}
    assert sharpe == metrics["sharpe"]


def test_tables_are_queried_through_sqlmodel(database_url: str, outcome: Outcome) -> None:
    from sqlmodel import Session, create_engine, select

    from framework.results.tables import Fill, Metric, Run, Trial

    database = open_database(database_url)
    run_id = begin(database)
    database.finish(run_id, outcome, compute(outcome), ended_at=1, params={"fast": 5})
    engine = create_engine(database.sqlalchemy_url)
    with Session(engine) as session:
        run = session.exec(select(Run)).one()
        assert (run.id, run.status, run.overrides) == (run_id, "done", ["cash=1000"])
        assert session.exec(select(Trial)).one().params == {"fast": 5}
        assert len(session.exec(select(Fill).where(Fill.run_id == run_id)).all()) == 3
        assert len(session.exec(select(Metric)).all()) == len(compute(outcome))
    engine.dispose()


def test_a_failed_run_keeps_its_error(database_url: str) -> None:
    database = open_database(database_url)
    run_id = begin(database)
    database.fail(run_id, error="strategy.enter: no.", exit_code=2, ended_at=3)
    row = database.find_run(run_id)
    assert row is not None
    assert (row.status, row.error, row.exit_code) == ("failed", "strategy.enter: no.", 2)
    with pytest.raises(ValueError, match="not done"):
        database.fail(run_id, error="", exit_code=0, ended_at=3, status="done")


def test_a_finish_that_fails_writes_nothing(database_url: str, outcome: Outcome) -> None:
    database = open_database(database_url)
    run_id = begin(database)
    with pytest.raises(OutsideFault):
        database.finish(run_id + 1, outcome, {"sharpe": 1.0}, ended_at=1)
    with pytest.raises(ValueError, match="finite"):
        database.finish(run_id, outcome, {"sharpe": float("nan")}, ended_at=1)
    row = database.find_run(run_id)
    assert row is not None and row.status == "interrupted"
    assert rows(database_url, "SELECT COUNT(*) FROM dataset") == [(0,)]


def test_runs_are_found_by_id_name_and_directory(database_url: str) -> None:
    database = open_database(database_url)
    first, second = begin(database), begin(database)
    other = begin(database, "/runs/2024-01-02/12")
    found = {name: database.find_run(name) for name in (first, "a", str(other), "12")}
    assert found[first].id == first
    assert found["a"].id == second  # the newest of a name
    assert found[str(other)].id == other
    assert found["12"].id == other
    assert database.find_run(Path("/runs/2024-01-02/12")).id == other
    assert database.find_run("nothing") is None
    assert [row.id for row in database.runs()] == [first, second, other]


def test_same_orders_on_the_same_data_are_one_trial(database_url: str, outcome: Outcome) -> None:
    database = open_database(database_url)

    def trial(orders: str, sharpe: float | None, data: str = "d") -> None:
        traded = make_outcome(
            outcome.close, orders_hash=orders * 64, certificate={"sha256": data * 64}
        )
        database.finish(begin(database), traded, {"sharpe": sharpe}, ended_at=1)

    for orders, sharpe in (("1", 0.5), ("2", None), ("1", 0.5), ("3", -1.25)):
        trial(orders, sharpe)
    trial("4", 9.0, data="e")
    assert database.trials.count("d" * 64) == 3
    sharpes = database.trials.sharpes("d" * 64)
    assert np.array_equal(sharpes, [0.5, np.nan, -1.25], equal_nan=True)
    others = database.trials.sharpes("d" * 64, other_than="1" * 64)
    assert np.array_equal(others, [np.nan, -1.25], equal_nan=True)
    assert len(database.trials.sharpes("f" * 64)) == 0


def test_a_run_that_is_no_trial_is_not_counted(sqlite_url: str, outcome: Outcome) -> None:
    database = open_database(sqlite_url)
    database.finish(begin(database), outcome, {}, ended_at=1, trial=False)
    assert database.trials.count("d" * 64) == 0


def test_fifty_thousand_fills_are_written(database_url: str) -> None:
    close = random_close(1, 2_000, 2)
    outcome = make_outcome(close, random_fills(close, 1, 50_000), cash=1e6)
    database = open_database(database_url)
    run_id = begin(database)
    database.finish(run_id, outcome, compute(outcome), ended_at=1)
    assert rows(database_url, "SELECT COUNT(*), MAX(number) FROM fill") == [(50_000, 50_000)]
    ((fees,),) = rows(database_url, "SELECT SUM(fee) FROM fill")
    assert fees == pytest.approx(outcome.events["fee"].sum(), rel=1e-9)


def test_opening_again_needs_no_migration(sqlite_url: str) -> None:
    first = open_database(sqlite_url)
    run_id = begin(first)
    program = (
        "import sys; from framework.results.database import open_database;"
        "found = open_database(sys.argv[1]).find_run(int(sys.argv[2]));"
        "assert found.status == 'interrupted';"
        "assert not {'alembic', 'sqlalchemy', 'sqlmodel'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url, str(run_id)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_sqlite_runs_in_write_ahead_mode_with_foreign_keys(sqlite_url: str) -> None:
    open_database(sqlite_url)
    assert rows(sqlite_url, "PRAGMA journal_mode") == [("wal",)]
    assert rows(sqlite_url, "PRAGMA foreign_keys") == [(1,)]


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from made_outcomes import make_outcome, random_close, random_fills
from framework.results.database import open_database
close = random_close(1, 200, 2)
outcome = make_outcome(close, random_fills(close, 1, 300))
database = open_database(sys.argv[1])
for number in range(6):
    run_id = database.begin(directory=f"/r/{number}", mode="m", strategy="s", started_at=1, pid=1,
                            host="h", seed=1, version="0", config="")
    database.finish(run_id, outcome, {"sharpe": 1.0}, ended_at=2)
"""


def test_processes_create_and_write_one_database_at_once(database_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, str(FOLDER)],
            env=ENVIRONMENT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    assert rows(database_url, "SELECT status, COUNT(*) FROM run GROUP BY status") == [("done", 18)]
    assert rows(database_url, "SELECT COUNT(*) FROM fill") == [(18 * 300,)]


MAKER = """
import pathlib, sys
from framework.results.database import open_database
import alembic.command, sqlmodel
print("ready", flush=True)
sys.stdin.readline()
open_database(sys.argv[1])
"""


def test_processes_that_make_the_file_in_the_same_instant_all_find_it(tmp_path: Path) -> None:
    for attempt in range(3):
        url = f"sqlite:///{tmp_path}/{attempt}/runs.db"
        makers = [
            subprocess.Popen(
                [sys.executable, "-c", MAKER, url],
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for maker in makers:
            assert maker.stdout is not None
            assert maker.stdout.readline() == "ready\n"
        for maker in makers:
            assert maker.stdin is not None
            maker.stdin.write("\n")
            maker.stdin.flush()
        for maker in makers:
            _, errors = maker.communicate(timeout=120)
            assert maker.returncode == 0, errors


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from made_outcomes import make_outcome, random_close, random_fills
from framework.results import connection
from framework.results.database import open_database
close = random_close(1, 200, 2)
outcome = make_outcome(close, random_fills(close, 1, 5000))
insert, at = connection.Connection.insert, sys.argv[3]
def dying(self, table, columns, rows):
    insert(self, table, columns, rows)
    if table == at:
        print("ready", flush=True)
        sys.stdin.read()
connection.Connection.insert = dying
database = open_database(sys.argv[1])
run_id = database.begin(directory="/r/killed", mode="m", strategy="s", started_at=1, pid=1,
                        host="h", seed=1, version="0", config="")
database.finish(run_id, outcome, {"sharpe": 1.0}, ended_at=2)
"""


@pytest.mark.parametrize("table", ["metric", "fill", "trial"])
def test_killing_a_run_while_it_is_written_leaves_it_interrupted(
    database_url: str, table: str, outcome: Outcome
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, database_url, str(FOLDER), table],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stdin.close()
    database = open_database(database_url)
    (row,) = database.runs()
    assert (row.status, row.ended_at) == ("interrupted", None)
    for name in ("metric", "fill", "trade", "trial", "dataset"):
        assert rows(database_url, f"SELECT COUNT(*) FROM {name}") == [(0,)]  # noqa: S608
    database.finish(begin(database), outcome, {"sharpe": 1.0}, ended_at=1)
    assert [row.status for row in database.runs()] == ["interrupted", "done"]


def test_killing_at_any_moment_leaves_a_readable_database(sqlite_url: str) -> None:
    open_database(sqlite_url)
    arguments = (sqlite_url, str(FOLDER))
    for delay in (0.0, 0.03, 0.06):
        process = subprocess.Popen(
            [sys.executable, "-c", f"{WRITER}    print(number, flush=True)", *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        database = open_database(sqlite_url)
        assert {row.status for row in database.runs()} <= {"interrupted", "done"}
        assert rows(sqlite_url, "PRAGMA integrity_check") == [("ok",)]
        done = rows(sqlite_url, "SELECT COUNT(*) FROM run WHERE status = 'done'")[0][0]
        assert rows(sqlite_url, "SELECT COUNT(*) FROM fill") == [(done * 300,)]


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    open_database(database_url)
    with connect(Url(database_url), write=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UserError, match=r"written by a newer version \(schema 9999"):
        open_database(database_url)


def test_a_database_of_another_program_is_refused(database_url: str) -> None:
    url = Url(database_url)
    if url.lite:
        url.path.parent.mkdir(parents=True)
        url.path.touch()
    with connect(url, write=True) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(UserError, match=r"tables of another program \(songs\)"):
        open_database(database_url)
    with connect(url, write=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    with pytest.raises(UserError, match=r"another program \(abc\)"):
        open_database(database_url)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("time,open,high,low,close\n" * 100)
    with pytest.raises(OutsideFault, match=r"database sqlite:///.*x\.db: file is not a database"):
        open_database(f"sqlite:///{tmp_path}/x.db")


def test_a_damaged_database_is_one_line(sqlite_url: str, outcome: Outcome) -> None:
    database = open_database(sqlite_url)
    begin(database)
    path = Url(sqlite_url).path
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(OutsideFault, match=r"malformed|not a database") as fault:
        open_database(sqlite_url).runs()
    assert "\n" not in str(fault.value)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideFault, match=r"framework\.db: (Not a directory|File exists)\.$"):
        open_database(f"sqlite:///{tmp_path}/file/framework.db")


def test_a_missing_database_is_not_made_when_only_read(tmp_path: Path) -> None:
    with pytest.raises(OutsideFault, match="no such file"):
        open_database(f"sqlite:///{tmp_path}/framework.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_database_locked_too_long_is_one_line(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(sqlite_url)
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    with connect(Url(sqlite_url), write=True), pytest.raises(OutsideFault, match="is locked"):
        begin(database)


def test_an_unreachable_server_is_one_line_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(OutsideFault) as fault:
        open_database("postgresql://me:secret@127.0.0.1:1/none")
    assert "\n" not in str(fault.value)
    assert str(fault.value).startswith("database postgresql://me:***@127.0.0.1:1/none: ")
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("runs/framework.db", r"must be a URL such as .* \(was 'runs/framework.db'\)"),
        ("sqlite3:///x.db", r"must be SQLite or PostgreSQL .* Did you mean 'sqlite'\?"),
        ("postgres+pg8000://a/b", r"the driver 'pg8000' is not supported"),
        ("mysql://me:secret@host/x", r"\(was 'mysql://me:\*\*\*@host/x'\)"),
        ("sqlite://", r"SQLite needs a file"),
        ("sqlite:///:memory:", r"SQLite needs a file"),
        ("", r"must be a URL"),
    ],
)
def test_urls_that_are_none(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as fault:
        open_database(url)
    assert "secret" not in str(fault.value)


def test_urls_are_understood_as_sqlalchemy_does() -> None:
    assert Url("sqlite:///runs/framework.db").path == Path("runs/framework.db")
    assert Url("sqlite:////var/framework.db").path == Path("/var/framework.db")
    assert Url("postgres://h/x").sqlalchemy == "postgresql+psycopg://h/x"
    assert Url("postgresql+psycopg://u:p@h/x").plain == "postgresql://u:p@h/x"
    assert Url("postgresql://h/x?password=p&a=b").shown == "postgresql://h/x?password=***&a=b"
