"""What each epoch of a training came to: part of its state, and a table that a person can read."""

from __future__ import annotations

import csv
import io
import math
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.disk import whole_file

Row = dict[str, float | int | None]


class EpochLog:
    """One row for each epoch, written to ``epochs.csv`` as a whole each time.

    The rows travel in the checkpoints, and the file is made from them alone: a training that goes
    on from a checkpoint has no row twice and none missing. What depends on data and seed stands
    apart from what depends on clock and machine, in the state and as the last columns.

    Parameters
    ----------
    directory : Path, optional
        Made if need be; None: no file is written.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = directory and directory / "epochs.csv"
        self._figures: list[Row] = []
        self._clock: list[Row] = []

    @property
    def figures(self) -> Sequence[Mapping[str, float | int | None]]:
        """Epoch and figures of each row: the same for the same data and seed."""
        return self._figures

    @property
    def latest(self) -> Mapping[str, float | int | None]:
        """Epoch and figures of the last row; nothing before the first."""
        return self._figures[-1] if self._figures else {}

    @property
    def state(self) -> dict[str, Any]:
        """All rows, for a checkpoint; later rows do not change it."""
        return {"figures": self._figures.copy(), "clock": self._clock.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the rows of a checkpoint for all there are, in the file as well.

        Raises
        ------
        OutsideFault
            The file cannot be written.
        """
        self._figures = [dict(row) for row in state["figures"]]
        self._clock = [dict(row) for row in state["clock"]]
        self._write()

    def add(
        self,
        figures: Mapping[str, float | int | None],
        *,
        samples_per_second: float,
        checkpoint_ms: float | None = None,
    ) -> None:
        """Add the row of the next epoch, counted from 1.

        Parameters
        ----------
        figures : mapping
            By name of the column: loss, validation_loss, accuracy, precision, recall, f1, auc,
            brier, learning_rate, or others; None or NaN leaves a cell empty.
        samples_per_second : float
            Learned from, validation not counted.
        checkpoint_ms : float, optional
            That the last checkpoint before this row took; None: there was none.

        Raises
        ------
        OutsideFault
            The file cannot be written.
        """
        epoch = len(self._figures) + 1
        self._figures.append({"epoch": epoch, **{name: _plain(v) for name, v in figures.items()}})
        self._clock.append(
            {
                "samples_per_second": _plain(samples_per_second),
                "peak_memory_mib": _peak_memory_mib(),
                "checkpoint_ms": _plain(checkpoint_ms),
            }
        )
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        rows = [{**row, **clock} for row, clock in zip(self._figures, self._clock, strict=True)]
        columns = dict.fromkeys(
            name for part in (self._figures, self._clock) for row in part for name in row
        )
        text = io.StringIO()
        table = csv.DictWriter(text, list(columns), lineterminator="\n")
        table.writeheader()
        table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        with whole_file(self._path, f"epoch log {self._path}") as beside:
            beside.write_text(text.getvalue(), encoding="utf-8", newline="\n")


def _plain(value: float | int | None) -> float | int | None:
    """Return a number as JSON has it, not as an array library does."""
    return value if value is None or type(value) is int else float(value)


def _cell(value: float | int | None) -> str:
    return "" if value is None or math.isnan(value) else repr(value)


def _peak_memory_mib() -> float:
    """Return the most memory that the process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)
