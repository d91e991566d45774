"""What a session must have left at its end, whatever befell it: files, figures, rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

FILES = ("equity.csv", "fills.csv", "vetoes.csv", "trades.csv")
TABLES = ("fill", "trade", "veto", "metric", "trial")
RECORD = ("bars.bin", "ledger.bin")


def left_by(place: Path) -> dict[str, object]:
    """Return all that must be equal of the session that came to its end."""
    (row,) = row_of(place, "done")
    directory = Path(row["directory"])
    left: dict[str, object] = {name: (directory / name).read_bytes() for name in FILES}
    left |= {name: (directory / "session" / name).read_bytes() for name in RECORD}
    metrics = json.loads((directory / "metrics.json").read_text())
    left["metrics"] = {name: value for name, value in metrics.items() if name != "seconds"}
    left["orders_hash"] = row["orders_hash"]
    bars = bars_of(directory / "journal.jsonl")
    left["journal"] = bars
    left["journal bars"] = len(bars)
    for table in TABLES:
        left[f"table {table}"] = _rows(place, table, row["id"])
    return left


def bars_of(journal: Path) -> list[str]:
    """Return the whole bars of a journal, less when they arrived."""
    bars = []
    for line in journal.read_text().splitlines():
        try:
            values = json.loads(line)
        except ValueError:  # torn
            continue
        if values["kind"] == "bar":
            bars.append(json.dumps([values["time"], values["candles"], values["standing"]]))
    return bars


def row_of(place: Path, status: str) -> list[sqlite3.Row]:
    """Return the rows of runs with this status."""
    return _query(place, "SELECT * FROM run WHERE status = ?", status)


def _rows(place: Path, table: str, run_id: int) -> list[tuple[object, ...]]:
    """Return what a table has of a run, but for its id and the seconds it took."""
    rows = _query(place, f"SELECT * FROM {table} WHERE run_id = ?", run_id)  # noqa: S608
    own = ("id", "run_id", "metrics")
    kept = [tuple(row[name] for name in row.keys() if name not in own) for row in rows]
    return sorted((row for row in kept if "seconds" not in row), key=repr)


def _query(place: Path, statement: str, *values: object) -> list[sqlite3.Row]:
    file = place / "framework.db"
    if not file.is_file() or not file.stat().st_size:
        return []
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        return connection.execute(statement, values).fetchall() if "run" in known else []
