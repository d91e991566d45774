"""What a trained model is a version of, and whether it passed its gate."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, tuple[Any, Any]] = {
    "strategy": (sa.String, ""),
    "version": (sa.BigInteger, "1"),
    "promoted": (sa.Boolean, sa.false()),
    "gate": (sa.JSON, "{}"),
    "metrics": (sa.JSON, "{}"),
}
"""Name to type and what a row without it gets."""


def upgrade() -> None:
    """Add the columns."""
    for name, (kind, default) in _COLUMNS.items():
        column: sa.Column[Any] = sa.Column(name, kind, nullable=False, server_default=default)
        op.add_column("model", column)
    op.create_index("ix_model_versions", "model", ["strategy", "name", "version"], unique=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_model_versions", "model")
    for name in reversed(_COLUMNS):
        op.drop_column("model", name)
