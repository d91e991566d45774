"""The tails of data that runs have set aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "holdout_seal",
        sa.Column("id", _ID, primary_key=True),
        sa.Column(
            "run_id", _ID, sa.ForeignKey("run.id", ondelete="SET NULL"), nullable=True, index=True
        ),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("pairs", sa.String, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("end_time", sa.BigInteger, nullable=False),
        sa.Column("sealed_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the table: what was sealed can then be traded without being counted."""
    op.drop_table("holdout_seal")
