"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = (
    *("dataset", "run", "metric", "trade", "fill", "veto", "trial", "model", "checkpoint"),
    "holdout_opening",
)


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "dataset",
        sa.Column("sha256", sa.String, primary_key=True),
        _text("source", nullable=True),
        _text("pairs"),
        _text("interval"),
        _integer("start_time"),
        _integer("end_time"),
        _json("certificate"),
    )
    op.create_table(
        "run",
        sa.Column("id", _ID, primary_key=True),
        _text("name", index=True),
        _text("directory"),
        _text("mode"),
        _text("strategy"),
        _text("status"),
        _integer("started_at"),
        _integer("ended_at", nullable=True),
        sa.Column("pid", sa.Integer, nullable=False),
        _text("host"),
        _integer("seed"),
        _text("version"),
        _text("config"),
        _json("overrides"),
        _text("orders_hash", nullable=True),
        _on_data(nullable=True, index=True),
        _text("error", nullable=True),
        sa.Column("exit_code", sa.Integer),
    )
    op.create_table(
        "metric",
        _run_key(),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Float),
    )
    op.create_table(
        "trade",
        _run_key(),
        _number(),
        _integer("entry_time"),
        _integer("exit_time", nullable=True),
        _text("pair"),
        _text("side"),
        _text("reason", nullable=True),
        *_floats("units", "entry_price", "exit_price", "fees", "pnl", "fraction"),
        sa.Column("bars", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Float),
    )
    op.create_table(
        "fill",
        *_order_columns(),
        *_floats("units", "quote", "price", "fee", "slippage"),
        sa.Column("confidence", sa.Float),
    )
    op.create_table(
        "veto",
        *_order_columns(),
        *_floats("units", "quote", "price"),
        sa.Column("confidence", sa.Float),
    )
    op.create_table(
        "trial",
        sa.Column("id", _ID, primary_key=True),
        _of_run(),
        _on_data(),
        _text("orders_hash"),
        _json("params"),
        sa.Column("sharpe", sa.Float),
        _json("metrics"),
    )
    op.create_index("ix_trial_data_orders", "trial", ["data_hash", "orders_hash"])
    op.create_table(
        "model",
        sa.Column("id", _ID, primary_key=True),
        _of_run(),
        _text("name"),
        _text("directory"),
        _text("sha256"),
        _on_data(nullable=True, index=True),
        _integer("made_at"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", _ID, primary_key=True),
        _of_run(),
        _text("directory"),
        _text("sha256"),
        _integer("step"),
        _integer("made_at"),
        _json("metrics"),
    )
    op.create_table(
        "holdout_opening",
        sa.Column("id", _ID, primary_key=True),
        _of_run(),
        _on_data(index=True),
        _integer("start_time"),
        _integer("end_time"),
        _integer("opened_at"),
    )


def downgrade() -> None:
    """Drop all tables, and with them every run."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _text(name: str, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String, nullable=nullable, index=index)


def _integer(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _floats(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


def _number() -> sa.Column[Any]:
    return sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)


def _run_key() -> sa.Column[Any]:
    key = sa.ForeignKey("run.id", ondelete="CASCADE")
    return sa.Column("run_id", _ID, key, primary_key=True, autoincrement=False)


def _of_run() -> sa.Column[Any]:
    key = sa.ForeignKey("run.id", ondelete="SET NULL")
    return sa.Column("run_id", _ID, key, nullable=True, index=True)


def _on_data(nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    key = sa.ForeignKey("dataset.sha256")
    return sa.Column("data_hash", sa.String, key, nullable=nullable, index=index)


def _order_columns() -> list[sa.Column[Any]]:
    return [
        _run_key(),
        _number(),
        _integer("time"),
        _integer("order_id"),
        _text("pair"),
        _text("side"),
        _text("type", nullable=True),
        _text("reason", nullable=True),
    ]
