"""The trained models that there are: versions of each, and which passed their gate."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from framework.results.connection import Url, connect

_COLUMNS = (
    *("id", "run_id", "strategy", "name", "version", "directory", "sha256", "data_hash"),
    *("made_at", "promoted", "gate", "metrics"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One version of a trained model.

    Parameters
    ----------
    id : int
        Of the row.
    run_id : int or None
        Run that trained it; None: its row is gone.
    strategy, name : str
        Strategy it was trained for, and which model it is.
    version : int
        From 1, for each strategy and model.
    directory : Path
        Of the run that trained it.
    sha256 : str
        Over its files.
    data_hash : str or None
        Of the data it was judged on.
    made_at : int
        UTC ns.
    promoted : bool
        Whether it passed its gate.
    gate : mapping of str to float
        What it was asked to reach.
    metrics : mapping
        What it reached, out of sample.
    """

    id: int
    run_id: int | None
    strategy: str
    name: str
    version: int
    directory: Path
    sha256: str
    data_hash: str | None
    made_at: int
    promoted: bool
    gate: Mapping[str, float]
    metrics: Mapping[str, float | int | None]


class ModelRegistry:
    """The table of trained models; transactions are short and each has its own connection.

    Parameters
    ----------
    url : Url
        Of a database of the newest schema.
    """

    def __init__(self, url: Url) -> None:
        self._url = url

    def keep(
        self,
        *,
        run_id: int,
        strategy: str,
        name: str,
        directory: str | os.PathLike[str],
        sha256: str,
        data_hash: str,
        made_at: int,
        promoted: bool,
        gate: Mapping[str, float],
        metrics: Mapping[str, float | int | None],
    ) -> int:
        """Write the row of a model, and return its version.

        Parameters
        ----------
        run_id, strategy, name, directory, sha256, data_hash, made_at, promoted, gate, metrics
            See `ModelRow`.
        """
        with connect(self._url, write=True) as connection:
            ((version,),) = connection.execute(
                "SELECT COALESCE(MAX(version), 0) + 1 FROM model WHERE strategy = ? AND name = ?",
                (strategy, name),
            )
            row = {
                "run_id": run_id,
                "strategy": strategy,
                "name": name,
                "version": version,
                "directory": str(Path(directory).resolve()),
                "sha256": sha256,
                "data_hash": data_hash,
                "made_at": int(made_at),
                "promoted": promoted,
                "gate": json.dumps(dict(gate)),
                "metrics": json.dumps(dict(metrics)),
            }
            connection.insert("model", tuple(row), [tuple(row.values())])
        return int(version)

    def rows(self, strategy: str | None = None, name: str | None = None) -> list[ModelRow]:
        """Return the models of a strategy and of a name, or all of them, oldest first."""
        asked = {"strategy": strategy, "name": name}
        given = {column: value for column, value in asked.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in given) or "TRUE"
        with connect(self._url) as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM model WHERE {where} ORDER BY id",  # noqa: S608
                tuple(given.values()),
            )
        return [_read(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _read(row: dict[str, object]) -> ModelRow:
    for column in ("gate", "metrics"):
        if isinstance(row[column], str):  # PostgreSQL's driver has read it already
            row[column] = json.loads(str(row[column]))
    row["directory"] = Path(str(row["directory"]))
    row["promoted"] = bool(row["promoted"])
    return ModelRow(**row)  # type: ignore[arg-type]
