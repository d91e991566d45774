"""The database of runs: one row when a run begins, all else in one transaction when it ends.

Open it with `open_database`. Transactions are short and each has its own connection, so processes
may write at once and a dropped server connection costs nothing between them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework.results import holdout
from framework.results.checkpoint_rows import CheckpointList
from framework.results.connection import Url, connect
from framework.results.dataset_rows import (
    Certificate,
    dataset_of,
    dataset_of_outcome,
    keep_dataset,
)
from framework.results.ledger_rows import FILL, TRADE, VETO, fills_of, trades_of, vetoes_of
from framework.results.live_rows import INTERRUPTED, LiveRows, add_rows, drop_rows
from framework.results.market_rules import MarketRulesList
from framework.results.model_registry import ModelRegistry
from framework.results.outcome import Outcome
from framework.results.schema import prepare
from framework.results.trial_ledger import TRIAL_COLUMNS, TrialLedger, plain_number

DONE, FAILED = "done", "failed"

_RUN_COLUMNS = (
    *("id", "name", "directory", "mode", "strategy", "status", "started_at", "ended_at", "seed"),
    *("version", "orders_hash", "data_hash", "error", "exit_code", "seen_at"),
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as the database knows it; times are UTC nanoseconds."""

    id: int
    name: str
    directory: str
    mode: str
    strategy: str
    status: str
    started_at: int
    ended_at: int | None
    seed: int
    version: str
    orders_hash: str | None
    data_hash: str | None
    error: str | None
    exit_code: int | None
    seen_at: int | None


def open_database(url: str, create: bool = True) -> Database:
    """Open the database at `url`, making or migrating it where needed.

    Parameters
    ----------
    url : str
        ``sqlite:///runs/framework.db`` or ``postgresql://user:password@host/name``.
    create : bool
        Make a missing SQLite file, with its folder.

    Raises
    ------
    UserError
        The URL is none, or the database belongs to another or a newer program.
    OutsideFault
        It cannot be reached, read or written.
    """
    place = Url(url)
    prepare(place, create)
    return Database(place)


class Database:
    """Runs, their metrics, trades, fills and vetoes, and the trials ever made on each data.

    Made by `open_database`.

    Parameters
    ----------
    url : Url
        A database at the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url
        self.trials = TrialLedger(url)
        """The trials ever made on each data."""
        self.models = ModelRegistry(url)
        """The trained models that there are."""
        self.checkpoints = CheckpointList(url)
        """The checkpoints that trainings have kept."""
        self.market_rules = MarketRulesList(url)
        """The order rules that exchanges have said of their markets."""
        self.live = LiveRows(url)
        """The rows of sessions while they run."""

    @property
    def url(self) -> str:
        """The URL, without its password."""
        return self._url.shown

    @property
    def sqlalchemy_url(self) -> str:
        """The URL with which SQLAlchemy opens it, password and all, for queries with SQLModel."""
        return self._url.sqlalchemy

    def begin(
        self,
        *,
        directory: str | os.PathLike[str],
        mode: str,
        strategy: str,
        started_at: int,
        pid: int,
        host: str,
        seed: int,
        version: str,
        config: str,
        overrides: Sequence[str] = (),
    ) -> int:
        """Write the row of a run that starts, as interrupted, and return its id.

        The row says ``interrupted`` until `finish` or `fail` is committed, so a run that is killed
        at any moment is left as what it was.

        Parameters
        ----------
        directory : path
            Of the run; its last part is the run's name.
        mode, strategy, version : str
            As in the outcome.
        started_at : int
            UTC ns.
        pid, host : int, str
            Of the process.
        seed : int
            Of the run.
        config : str
            YAML, without secrets.
        overrides : sequence of str
            What the command line changed.
        """
        path = Path(directory).resolve()
        row = {
            "name": path.name,
            "directory": str(path),
            "mode": mode,
            "strategy": strategy,
            "status": INTERRUPTED,
            "started_at": int(started_at),
            "pid": pid,
            "host": host,
            "seed": seed,
            "version": version,
            "config": config,
            "overrides": json.dumps(list(overrides)),
        }
        marks = ", ".join("?" * len(row))
        with connect(self._url, write=True) as connection:
            ((run_id,),) = connection.execute(
                f"INSERT INTO run ({', '.join(row)}) VALUES ({marks}) RETURNING id",  # noqa: S608
                tuple(row.values()),
            )
        return int(run_id)

    def go_on(self, run_id: int, *, pid: int, host: str) -> None:
        """Mark a run that was interrupted or failed as under way again, in another process."""
        with connect(self._url, write=True) as connection:
            connection.execute(
                "UPDATE run SET status = ?, error = NULL, exit_code = NULL, ended_at = NULL, "
                "seen_at = NULL, pid = ?, host = ? WHERE id = ?",
                (INTERRUPTED, pid, host, run_id),
            )

    def finish(
        self,
        run_id: int,
        outcome: Outcome,
        metrics: Mapping[str, float | int | None],
        *,
        ended_at: int,
        params: Mapping[str, object] | None = None,
        trial: bool = True,
        exit_code: int = 0,
    ) -> None:
        """Write everything a run brought and mark it done, all in one transaction.

        Parameters
        ----------
        run_id : int
            From `begin`.
        outcome : Outcome
            What it traded; its certificate names the data by ``sha256``.
        metrics : mapping
            Name to finite number or None.
        ended_at : int
            UTC ns.
        params : mapping, optional
            The strategy's parameters, kept with the trial.
        trial : bool
            Count this run as a trial on its data; every backtest is one.
        exit_code : int
            Of the process.
        """
        data_hash = _data_hash(outcome)
        end = (DONE, int(ended_at), outcome.orders_hash, data_hash, exit_code, run_id)
        values = {name: plain_number(value) for name, value in metrics.items()}
        trades = trades_of(outcome.trades, outcome.pairs)
        fills = fills_of(outcome.events, outcome.pairs)
        vetoes = vetoes_of(outcome.events, outcome.pairs)
        with connect(self._url, write=True) as connection:
            keep_dataset(connection, dataset_of_outcome(outcome))
            drop_rows(connection, run_id)
            connection.execute(
                "UPDATE run SET status = ?, ended_at = ?, orders_hash = ?, data_hash = ?, "
                "exit_code = ? WHERE id = ?",
                end,
            )
            connection.insert(
                "metric", ("run_id", "name", "value"), [(run_id, *item) for item in values.items()]
            )
            add_rows(connection, run_id, "trade", TRADE, enumerate(trades, start=1))
            add_rows(connection, run_id, "fill", FILL, enumerate(fills, start=1))
            add_rows(connection, run_id, "veto", VETO, enumerate(vetoes, start=1))
            if trial:
                kept = json.dumps(dict(params or {}), default=str)
                row = (run_id, data_hash, outcome.orders_hash, kept, values.get("sharpe"))
                connection.insert(
                    "trial",
                    TRIAL_COLUMNS,
                    [(*row, json.dumps(values))],
                )

    def hold_out(self, run_id: int, certificate: Certificate, *, at: int) -> holdout.Opening | None:
        """Keep what a run seals and what it opens, before it trades; return the latter.

        Parameters
        ----------
        run_id : int
            Of the run.
        certificate : Certificate
            Of its data.
        at : int
            Now, UTC ns.
        """
        with connect(self._url, write=True) as connection:
            keep_dataset(connection, dataset_of(certificate))
            return holdout.note(connection, run_id, certificate.as_dict(), at)

    def certificate(self, data_hash: str) -> Mapping[str, object] | None:
        """Return the certificate of data, None where no run used it."""
        with connect(self._url) as connection:
            rows = connection.execute(
                "SELECT certificate FROM dataset WHERE sha256 = ?", (data_hash,)
            )
        if not rows:
            return None
        ((kept,),) = rows
        found: Mapping[str, object] = json.loads(kept) if isinstance(kept, str) else kept
        return found

    def openings(self, certificate: Mapping[str, object]) -> list[holdout.Opening]:
        """Return the openings of the data of a certificate and of its sealed tail."""
        with connect(self._url) as connection:
            return holdout.openings(connection, certificate)

    def finish_sweep(
        self, run_id: int, metrics: Mapping[str, float | int | None], *, ended_at: int
    ) -> None:
        """Mark a sweep as done, with figures of the whole; its trials are written already."""
        values = [(run_id, name, plain_number(value)) for name, value in metrics.items()]
        with connect(self._url, write=True) as connection:
            connection.execute(
                "UPDATE run SET status = ?, ended_at = ?, error = NULL, exit_code = 0 WHERE id = ?",
                (DONE, int(ended_at), run_id),
            )
            connection.insert("metric", ("run_id", "name", "value"), values)

    def fail(
        self,
        run_id: int,
        *,
        error: str,
        exit_code: int,
        ended_at: int,
        status: str = FAILED,
    ) -> None:
        """Mark a run as ended without a result: ``failed``, or ``interrupted`` by the user."""
        if status not in (FAILED, INTERRUPTED):
            raise ValueError(f"a run without a result is failed or interrupted, not {status}")
        with connect(self._url, write=True) as connection:
            connection.execute(
                "UPDATE run SET status = ?, error = ?, exit_code = ?, ended_at = ? WHERE id = ?",
                (status, error, exit_code, int(ended_at), run_id),
            )

    def runs(self) -> list[RunRow]:
        """Return all runs, oldest first."""
        with connect(self._url) as connection:
            rows = connection.execute(f"SELECT {', '.join(_RUN_COLUMNS)} FROM run ORDER BY id")  # noqa: S608
        return [RunRow(*row) for row in rows]

    def find_run(self, named: int | str | os.PathLike[str]) -> RunRow | None:
        """Return the run with this id, name or directory; of several with one name the newest."""
        text = os.fspath(named) if not isinstance(named, int) else str(named)
        number = int(text) if text.isdecimal() and len(text) < 19 else -1
        with connect(self._url) as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_RUN_COLUMNS)} FROM run "  # noqa: S608
                "WHERE id = ? OR name = ? OR directory = ? ORDER BY id <> ?, id DESC LIMIT 1",
                (number, text, str(Path(text).resolve()), number),
            )
        return RunRow(*rows[0]) if rows else None


def _data_hash(outcome: Outcome) -> str:
    return str(outcome.certificate["sha256"])
