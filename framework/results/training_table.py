"""The table of trainings that have not ended, for a person to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from framework.results.checkpoint_rows import UnfinishedTraining
from framework.results.model_table import place_of
from framework.types import SECOND_NS, format_time

if TYPE_CHECKING:
    from rich.table import Table


def training_table(rows: Sequence[UnfinishedTraining]) -> Table:
    """Return the trainings in their order: which model each was at, and how far with it.

    Parameters
    ----------
    rows : sequence of UnfinishedTraining
        As the database gives them.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Trainings under way or stopped", title_justify="left", show_lines=True)
    table.add_column("Training", overflow="fold", ratio=1)
    for label in ("At", "Step", "Loss", "Validation loss"):
        table.add_column(label, justify="right", no_wrap=True)
    for row in rows:
        kept = format_time(row.made_at // SECOND_NS * SECOND_NS)
        lines = f"for {row.strategy}\nkept {kept}\n{place_of(row.run)}"
        table.add_row(
            escape(lines),
            _fold(row),
            f"{row.step:,}",
            *(_shown(row.figures.get(name)) for name in ("loss", "validation_loss")),
        )
    return table


def _fold(row: UnfinishedTraining) -> str:
    """Return the fold of a checkpoint, which its directory lies in."""
    parts = row.checkpoint.parts
    return next((part.replace("_", " ") for part in parts if part.startswith("fold_")), "–")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
