"""Runs side by side: what differs in configuration and data, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.results.load import Run

if TYPE_CHECKING:
    from rich.table import Table

Differences = dict[str, tuple[Any, ...]]
"""Name to one value per run, in the runs' order."""

ABSENT = "-"
"""Stands where a run has no such entry."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between runs, one value per run.

    Parameters
    ----------
    names : tuple of str
        Of the runs.
    config : dict
        Keys of the configuration, joined by dots, whose values differ.
    data : dict
        Entries of the data certificate that differ.
    metrics : dict
        Every metric, whether it differs or not.
    """

    names: tuple[str, ...]
    config: Differences
    data: Differences
    metrics: Differences

    @property
    def same_data(self) -> bool:
        """Whether all runs used the same candles; if not, their figures do not compare."""
        return "sha256" not in self.data

    @property
    def same_orders(self) -> bool:
        """Whether all runs traded identically."""
        return len(set(self.metrics.get("orders_hash", ()))) <= 1

    def table(self) -> Table:
        """Return the comparison as a table for the console."""
        from rich.table import Table

        table = Table(title="Runs side by side")
        table.add_column("")
        for name in self.names:
            table.add_column(name, justify="right", overflow="fold")
        for title, rows in (
            ("Configuration", self.config),
            ("Data", self.data),
            ("Metrics", self.metrics),
        ):
            table.add_section()
            table.add_row(f"[bold]{title}[/bold]", *([""] * len(self.names)))
            if not rows:
                table.add_row("no difference", *([""] * len(self.names)))
            for key, values in rows.items():
                table.add_row(_escaped(key), *(_escaped(_shown(value)) for value in values))
        return table


def compare(runs: Sequence[Run]) -> Comparison:
    """Return what differs between `runs`.

    Raises
    ------
    UserError
        With fewer than two runs.
    """
    if len(runs) < 2:
        raise UserError(f"runs: needs at least two to compare (was {len(runs)}).")
    metrics = [run.metrics for run in runs]
    return Comparison(
        names=_names(runs),
        config=_different([_flat(_acting(run.config)) for run in runs]),
        data=_different([_flat(run.certificate) for run in runs]),
        metrics=_side_by_side(metrics),
    )


def _acting(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run acted on: not where it wrote, nor what a search might have tried."""
    return {key: value for key, value in config.items() if key not in ("search", "run_dir")}


def _names(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the runs' names, with their day where the name alone is not enough."""
    names = tuple(run.name for run in runs)
    if len(set(names)) == len(names):
        return names
    return tuple(f"{run.path.parent.name}/{run.name}" for run in runs)


def _flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested mappings as one, keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _side_by_side(columns: Sequence[Mapping[str, Any]]) -> Differences:
    keys = dict.fromkeys(key for column in columns for key in column)
    return {key: tuple(column.get(key, ABSENT) for column in columns) for key in keys}


def _different(columns: Sequence[Mapping[str, Any]]) -> Differences:
    rows = _side_by_side(columns)
    return {
        key: values
        for key, values in rows.items()
        if any(type(value) is not type(values[0]) or value != values[0] for value in values[1:])
    }


def _shown(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and len(value) == 64:
        return f"{value[:12]}…"  # a digest: enough to tell two apart
    return str(value)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
