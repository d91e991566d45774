"""A session's rows while it runs: as its record says, once each, whatever the database does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from test_trader import PAIRS, bars_of, build

from framework.records import Kind
from framework.results.database import Database, open_database
from framework.results.ledger_rows import fills_of, trades_of, vetoes_of
from framework.results.trades import trades_from_events
from framework.session import mirror
from framework.session.console import new_books
from framework.session.mirror import Mirror
from framework.session.record import Tail
from framework.session.state import SessionState

BARS = 90


class Run:
    """A session that is stepped by hand, with a row in a database."""

    def __init__(self, folder: Path, database: Database, name: str = "run") -> None:
        self.pipeline, self.candles, self.first = build("cross", "1h")
        self.directory = folder / name
        self.directory.mkdir()
        self.database = database
        self.run_id = database.begin(
            directory=self.directory, mode="paper", strategy="own", started_at=1, pid=1, host="h",
            seed=1, version="1", config="",
        )  # fmt: skip
        self.said: list[str] = []
        self.state = self.open()

    def open(self) -> SessionState:
        warmup = self.candles[: self.first]
        return SessionState(self.directory, self.pipeline, warmup, lambda values: values, 20)

    def mirror(self) -> Mirror:
        state = self.state
        return Mirror(
            self.database.live,
            self.run_id,
            tail=Tail(state.record.folder),
            books=new_books(state),
            pairs=PAIRS,
            close=state.trader.history.closes,
            account=state.trader.account,
            say=self.said.append,
            pace_s=0.01,
        )

    def live(self, mirrored: Mirror, until: int) -> None:
        for bar in bars_of(self.candles, self.first)[self.state.bars : until]:
            mirrored.acted(self.state.act(bar, bar.time), 0)

    def rows(self, table: str) -> list[tuple]:
        order = "name" if table == "metric" else "number"
        with closing(sqlite3.connect(self.database._url.path)) as connection:
            return connection.execute(
                f"SELECT * FROM {table} WHERE run_id = ? ORDER BY {order}",  # noqa: S608
                (self.run_id,),
            ).fetchall()

    def require_rows(self) -> None:
        """Compare the rows with what the finished run would say of the bars so far."""
        _, events = self.state.record.read()
        end = self.first + self.state.bars
        candles = self.candles[self.first : end]
        trades = trades_from_events(events, candles.close, candles.time, candles.interval.ns)
        for table, rows in (
            ("fill", fills_of(events, PAIRS)),
            ("veto", vetoes_of(events, PAIRS)),
            ("trade", trades_of(trades, PAIRS)),
        ):
            wanted = [(self.run_id, number, *row) for number, row in enumerate(rows, start=1)]
            assert self.rows(table) == wanted
        assert len(trades) > 3
        figures = {name: value for _, name, value in self.rows("metric")}
        assert set(figures) == {"equity", "total_return", "max_drawdown", "trades", "fees_paid"}
        equity = self.state.record.read()[0]["equity"]
        assert figures["equity"] == equity[-1]
        assert figures["trades"] == len(trades)
        paid = events["fee"][events["kind"] == Kind.FILLED].sum()
        assert figures["fees_paid"] == pytest.approx(paid, abs=1e-9)
        deepest = 1.0 - (equity / np.maximum.accumulate(np.append(10_000.0, equity))[1:]).min()
        assert figures["max_drawdown"] == pytest.approx(deepest, abs=1e-12)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path}/runs.db")


@pytest.fixture
def run(tmp_path: Path, database: Database) -> Iterator[Run]:
    run = Run(tmp_path, database)
    yield run
    run.state.close()


@contextmanager
def locked(database: Database) -> Iterator[None]:
    with closing(sqlite3.connect(database._url.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def soon(found: Callable[[], bool]) -> None:
    """Wait until something is so; the test's own time limit ends it otherwise."""
    while not found():
        time.sleep(0.01)


def test_rows_are_those_of_the_record_at_any_time(run: Run) -> None:
    with run.mirror() as mirrored:
        for until in (30, 31, 60, BARS):
            run.live(mirrored, until)
            fills = len(fills_of(run.state.record.read()[1], PAIRS))
            soon(lambda fills=fills: len(run.rows("fill")) == fills)
    run.require_rows()
    row = run.database.find_run(run.run_id)
    assert row.status == "interrupted"
    assert row.seen_at > 0


def test_what_a_restart_finds_missing_is_added_and_nothing_twice(run: Run) -> None:
    with run.mirror() as mirrored:
        run.live(mirrored, 40)
    before = run.rows("fill")
    for bar in bars_of(run.candles, run.first)[40:60]:  # killed before any of it was mirrored
        run.state.act(bar, bar.time)
    run.state.close()
    run.state = run.open()
    assert run.rows("fill") == before
    with run.mirror() as mirrored:
        run.live(mirrored, BARS)
    assert run.rows("fill")[: len(before)] == before
    run.require_rows()


def test_a_locked_database_is_said_once_and_caught_up_with(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(mirror, "_LONGEST_PAUSE_S", 0.05)
    with run.mirror() as mirrored:
        run.live(mirrored, 10)
        soon(lambda: bool(run.rows("metric")))
        with locked(run.database):
            run.live(mirrored, 50)
            soon(lambda: mirrored._failed > 3)
            run.live(mirrored, BARS)  # nothing waits for the database
        soon(lambda: len(run.said) > 1)
    assert ["database is locked" in line for line in run.said] == [True, False]
    assert run.said[1] == "the database is written again"
    run.require_rows()


def test_a_database_that_stays_locked_does_not_keep_the_end_waiting(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(mirror, "_LAST_PATIENCE_S", 0.1)
    with locked(run.database), run.mirror() as mirrored:
        run.live(mirrored, BARS)
    soon(lambda: not mirrored._thread.is_alive())
    assert run.rows("fill") == []
    with run.mirror():
        pass
    run.require_rows()


def test_nothing_is_written_after_the_run_has_ended(run: Run) -> None:
    run.state.act(bars_of(run.candles, run.first)[0], 1)
    run.database.fail(run.run_id, error="over", exit_code=1, ended_at=2)
    with run.mirror() as mirrored:
        run.live(mirrored, BARS)
        soon(lambda: not mirrored._thread.is_alive())
    assert run.rows("fill") == run.rows("metric") == []


def test_several_sessions_keep_their_rows_in_one_database(
    tmp_path: Path, database: Database
) -> None:
    runs = [Run(tmp_path, database, f"run_{number}") for number in range(4)]
    mirrors = [run.mirror() for run in runs]
    for mirrored in mirrors:
        mirrored.__enter__()
    for until in range(1, BARS + 1):
        for run, mirrored in zip(runs, mirrors, strict=True):
            run.live(mirrored, until)
    for mirrored in mirrors:
        mirrored.__exit__(None, None, None)
    for run in runs:
        run.require_rows()
        assert run.said == []
        run.state.close()
