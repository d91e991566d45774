"""The tables of the database, for queries through SQLModel; migrations make them.

Every moment is an integer, nanoseconds since 1970 in UTC: the same exact number as in candles and
ledger, so tables compare and join with arrays without parsing
(``datetime(time / 1000000000, 'unixepoch')`` shows it in SQLite). Amounts are floats, in quote
currency unless they are ``units``.

The program writes through `framework.results.database`, which does not import this module: SQLModel
takes a quarter of a second to import, and no run should wait for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, false
from sqlalchemy.types import JSON, Integer
from sqlmodel import Field, SQLModel

_ID = BigInteger().with_variant(Integer, "sqlite")
_RUN = "run.id"
_DATASET = "dataset.sha256"


def _run_key() -> Any:
    return Field(sa_column=Column(_ID, ForeignKey(_RUN, ondelete="CASCADE"), primary_key=True))


def _number() -> Any:
    return Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


def _id() -> Any:
    return Field(default=None, sa_column=Column(_ID, primary_key=True))


def _of_run() -> Any:
    """Return the key of the run that made a row; the row outlives it."""
    return Field(
        default=None,
        sa_column=Column(_ID, ForeignKey(_RUN, ondelete="SET NULL"), index=True, nullable=True),
    )


def _on_data(nullable: bool = False) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(foreign_key=_DATASET, index=True, nullable=nullable, **default)


def _moment(nullable: bool = False) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=Column(BigInteger, nullable=nullable), **default)


class Dataset(SQLModel, table=True):
    """The exact candles that runs used, named by the SHA-256 of their values."""

    __tablename__ = "dataset"

    sha256: str = Field(primary_key=True)
    source: str | None = None
    pairs: str
    """Separated by commas."""
    interval: str
    start_time: int = _moment()
    """Open time of the first bar."""
    end_time: int = _moment()
    """Close time of the last bar."""
    certificate: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class Run(SQLModel, table=True):
    """One start of the program.

    `status` is pessimistic: it says ``interrupted`` from the row's first commit until the end of
    the run is written (``done`` or ``failed``), so whatever kills the process, at any moment,
    leaves the truth behind. A run in progress therefore reads ``interrupted`` too, without an
    `ended_at`; `pid` and `host` tell it apart from a dead one, and a session's `seen_at`, which is
    never much older than a minute while it runs.
    """

    __tablename__ = "run"

    id: int | None = _id()
    name: str = Field(index=True)
    """Of its directory."""
    directory: str
    """Absolute path of its directory."""
    mode: str
    strategy: str
    status: str
    started_at: int = _moment()
    ended_at: int | None = _moment(nullable=True)
    pid: int
    host: str
    seed: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: str
    config: str
    """The composed configuration as YAML, without secrets."""
    overrides: list[str] = Field(sa_column=Column(JSON, nullable=False))
    orders_hash: str | None = None
    data_hash: str | None = _on_data(nullable=True)
    error: str | None = None
    exit_code: int | None = None
    seen_at: int | None = _moment(nullable=True)
    """When a session last said that it runs."""


class Metric(SQLModel, table=True):
    """One figure of one run, as in `metrics.json`; NULL where it is not defined.

    While a session runs: what its figures are so far, with its `equity`.
    """

    __tablename__ = "metric"

    run_id: int = _run_key()
    name: str = Field(primary_key=True)
    value: float | None = None


class Trade(SQLModel, table=True):
    """One round trip, numbered within its run; a row of `trades.csv`."""

    __tablename__ = "trade"

    run_id: int = _run_key()
    number: int = _number()
    entry_time: int = _moment()
    exit_time: int | None = _moment(nullable=True)
    pair: str
    side: str
    """``long`` or ``short``."""
    reason: str | None = None
    units: float
    entry_price: float
    exit_price: float
    fees: float
    """And what borrowing cost."""
    pnl: float
    fraction: float
    bars: int
    confidence: float | None = None


class Fill(SQLModel, table=True):
    """One fill, numbered within its run; a row of `fills.csv` whose event is ``filled``."""

    __tablename__ = "fill"

    run_id: int = _run_key()
    number: int = _number()
    time: int = _moment()
    order_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    pair: str
    side: str
    """``buy`` or ``sell``."""
    type: str | None = None
    reason: str | None = None
    units: float
    quote: float
    price: float
    fee: float
    slippage: float
    confidence: float | None = None


class Veto(SQLModel, table=True):
    """One order that a rule forbade, numbered within its run; a row of `vetoes.csv`."""

    __tablename__ = "veto"

    run_id: int = _run_key()
    number: int = _number()
    time: int = _moment()
    order_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    pair: str
    side: str
    type: str | None = None
    reason: str | None = None
    units: float
    quote: float
    price: float
    confidence: float | None = None


class Trial(SQLModel, table=True):
    """One set of parameters tried on some data; every backtest is one.

    The deflated Sharpe ratio needs all of them, so they outlive their run's row.
    """

    __tablename__ = "trial"
    __table_args__ = (Index("ix_trial_data_orders", "data_hash", "orders_hash"),)

    id: int | None = _id()
    run_id: int | None = _of_run()
    data_hash: str = Field(foreign_key=_DATASET)
    orders_hash: str
    """Two trials with the same data and the same orders are one trial, run twice."""
    params: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    sharpe: float | None = None
    """Annualised; NULL where it is not defined."""
    metrics: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class Model(SQLModel, table=True):
    """A trained model: one version for a strategy."""

    __tablename__ = "model"
    __table_args__ = (Index("ix_model_versions", "strategy", "name", "version", unique=True),)

    id: int | None = _id()
    run_id: int | None = _of_run()
    strategy: str = Field(sa_column=Column(String, nullable=False, server_default=""))
    name: str
    version: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="1"))
    """From 1."""
    directory: str
    sha256: str
    data_hash: str | None = _on_data(nullable=True)
    made_at: int = _moment()
    promoted: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=false()))
    """Whether it passed its gate."""
    gate: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False, server_default="{}"))
    metrics: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False, server_default="{}"))
    """Out of sample."""


class Checkpoint(SQLModel, table=True):
    """One state of a training, kept in a directory of its own until newer ones took its place."""

    __tablename__ = "checkpoint"

    id: int | None = _id()
    run_id: int | None = _of_run()
    directory: str
    sha256: str
    """Of its manifest."""
    step: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: int = _moment()
    metrics: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    """Of the last epoch before it."""


class HoldoutSeal(SQLModel, table=True):
    """A tail of data that a run has set aside, kept once for the same pairs and range."""

    __tablename__ = "holdout_seal"

    id: int | None = _id()
    run_id: int | None = _of_run()
    source: str
    pairs: str
    """Separated by commas."""
    start_time: int = _moment()
    end_time: int = _moment()
    sealed_at: int = _moment()


class HoldoutOpening(SQLModel, table=True):
    """One run that traded bars which had been set aside."""

    __tablename__ = "holdout_opening"

    id: int | None = _id()
    run_id: int | None = _of_run()
    data_hash: str = _on_data()
    start_time: int = _moment()
    end_time: int = _moment()
    opened_at: int = _moment()


class SaidRules(SQLModel, table=True):
    """The order rules of one market as its exchange said them, for as long as it said the same."""

    __tablename__ = "market_rules"
    __table_args__ = (Index("ix_market_rules_market", "exchange", "pair"),)

    id: int | None = _id()
    exchange: str
    pair: str
    lot_step: float
    """Base currency; 0: no such rule."""
    tick_size: float
    """Quote currency."""
    min_notional: float
    """Quote currency."""
    first_said_at: int = _moment()
    last_said_at: int = _moment()
