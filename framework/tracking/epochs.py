"""The epochs that a training has logged since one looked last."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


class Epochs:
    """Reads the ``epochs.csv`` of every model that a run trains.

    Each is replaced as a whole by one with more rows.

    Parameters
    ----------
    directory : Path
        Of the run.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[Path, int] = {}

    def new(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Yield epoch and figures of each new row, named ``fold_1/loss`` after their folder."""
        for file in sorted(self._directory.glob("training/*/epochs.csv")):
            with file.open(encoding="utf-8", newline="") as opened:
                rows = list(csv.DictReader(opened))
            for row in rows[self._seen.get(file, 0) :]:
                epoch = int(row.pop("epoch"))
                figures = {
                    f"{file.parent.name}/{name}": float(text) for name, text in row.items() if text
                }
                yield epoch, figures
            self._seen[file] = len(rows)
