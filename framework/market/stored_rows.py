"""Rows as the store's tables hold them: candles and their revisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.market.candles import COLUMNS
from framework.market.pair_table import PairTable
from framework.market.table_files import Columns


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an upsert did, in candles."""

    inserted: int
    revised: int
    unchanged: int


def changes(table: PairTable, pair: str, new: Columns) -> tuple[Columns, Upserted]:
    """Return the rows of `new` that the snapshot held lacks or has with other values."""
    time = new["time"]
    revision = np.zeros(len(time), np.int32)
    bounds = table.bounds(pair)
    if bounds is None or time[0] > bounds[1] or time[-1] < bounds[0]:
        return {**new, "revision": revision}, Upserted(len(time), 0, 0)
    old = latest(table.read(pair, int(time[0]), int(time[-1]) + 1))
    if not len(old["time"]):
        return {**new, "revision": revision}, Upserted(len(time), 0, 0)
    place = np.minimum(np.searchsorted(old["time"], time), len(old["time"]) - 1)
    known = old["time"][place] == time
    same = known.copy()
    for name in COLUMNS:
        same &= old[name][place] == new[name]
    revision[known] = old["revision"][place[known]] + 1
    changed = np.flatnonzero(~same)
    columns = {name: column[changed] for name, column in {**new, "revision": revision}.items()}
    unchanged = int(same.sum())
    revised = int(known.sum()) - unchanged
    return columns, Upserted(len(time) - revised - unchanged, revised, unchanged)


def latest(columns: Columns) -> Columns:
    """Return rows by time, of each time the one with the highest revision."""
    time = columns["time"]
    if np.all(time[1:] > time[:-1]):
        return columns
    order = np.argsort(time, kind="stable")
    time = time[order]
    again = time[1:] == time[:-1]
    if again.any():
        several = np.flatnonzero(np.append(again, False) | np.append(False, again))
        rows = order[several]
        order[several] = rows[np.lexsort((columns["revision"][rows], columns["time"][rows]))]
        order = order[np.append(~again, True)]
    return {name: column[order] for name, column in columns.items()}
