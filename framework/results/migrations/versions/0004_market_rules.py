"""The order rules that exchanges said of their markets, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "market_rules",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("exchange", sa.String, nullable=False),
        sa.Column("pair", sa.String, nullable=False),
        sa.Column("lot_step", sa.Float, nullable=False),
        sa.Column("tick_size", sa.Float, nullable=False),
        sa.Column("min_notional", sa.Float, nullable=False),
        sa.Column("first_said_at", sa.BigInteger, nullable=False),
        sa.Column("last_said_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_market_rules_market", "market_rules", ["exchange", "pair"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("market_rules")
