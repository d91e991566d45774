"""The table of trained models that a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from framework.results.gate import shortfalls
from framework.results.model_registry import ModelRow
from framework.types import SECOND_NS, format_time

if TYPE_CHECKING:
    from rich.table import Table

_FIGURES = {
    "total_return": ("Return", "{:,.2%}"),
    "sharpe": ("Sharpe", "{:,.2f}"),
    "deflated_sharpe": ("Deflated", "{:,.2f}"),
    "max_drawdown": ("Drawdown", "{:,.2%}"),
}


def model_table(rows: Sequence[ModelRow]) -> Table:
    """Return the models in their order: what each reached out of sample, and whether it is used.

    Parameters
    ----------
    rows : sequence of ModelRow
        As the registry gives them.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Trained models", title_justify="left", show_lines=True)
    table.add_column("Model", overflow="fold", ratio=1)
    for label, _ in _FIGURES.values():
        table.add_column(label, justify="right", no_wrap=True)
    for row in rows:
        lines = (
            f"{row.name} {row.version} for {row.strategy}",
            f"trained {format_time(row.made_at // SECOND_NS * SECOND_NS)}, {_standing(row)}",
            *(line.removeprefix("gate.") for line in shortfalls(row.gate, row.metrics)),
            place_of(row.directory),
        )
        table.add_row(
            escape("\n".join(lines)),
            *(_shown(row.metrics.get(name), text) for name, (_, text) in _FIGURES.items()),
        )
    return table


def _shown(value: float | None, text: str) -> str:
    return "–" if value is None else text.format(value)


def _standing(row: ModelRow) -> str:
    if not row.promoted:
        return "not promoted:"
    return "promoted" if row.gate else "promoted, had no gate"


def place_of(directory: Path) -> str:
    """Return a path, from the working directory where it lies below that."""
    here = Path.cwd()
    return str(directory.relative_to(here) if directory.is_relative_to(here) else directory)
