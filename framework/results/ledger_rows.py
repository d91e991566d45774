"""A run's ledger as rows of the tables `trade`, `fill` and `veto`, plain Python values in words."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from framework.records import Kind, OrderType, Reason
from framework.types import RecordArray

_ORDER = ("time", "order_id", "pair", "side", "type", "reason", "units", "quote", "price")
FILL = (*_ORDER, "fee", "slippage", "confidence")
VETO = (*_ORDER, "confidence")
TRADE = (
    *("entry_time", "exit_time", "pair", "side", "reason", "units", "entry_price", "exit_price"),
    *("fees", "pnl", "fraction", "bars", "confidence"),
)
"""Columns, in the order of the rows' values."""

Rows = list[tuple[Any, ...]]


def fills_of(events: RecordArray, pairs: Sequence[str]) -> Rows:
    """Return the fills of a ledger (E,) EVENT, in its order."""
    return _orders(events, pairs, Kind.FILLED, FILL)


def vetoes_of(events: RecordArray, pairs: Sequence[str]) -> Rows:
    """Return the orders that a rule forbade, in the ledger's order."""
    return _orders(events, pairs, Kind.VETOED, VETO)


def trades_of(trades: RecordArray, pairs: Sequence[str]) -> Rows:
    """Return round trips (K,) TRADE; the exit time of an open one is None."""
    columns = {name: trades[name].tolist() for name in TRADE if name not in ("pair", "side")}
    columns["exit_time"] = [time or None for time in columns["exit_time"]]
    columns["pair"] = _chosen(pairs, trades["pair"])
    columns["side"] = _chosen(("short", "long"), trades["side"] > 0)
    columns["reason"] = _words(Reason, trades["reason"])
    return _rows(columns, TRADE)


def _orders(events: RecordArray, pairs: Sequence[str], kind: Kind, names: Sequence[str]) -> Rows:
    events = events[events["kind"] == kind]
    columns = {
        "order_id": events["order"].tolist(),
        "pair": _chosen(pairs, events["pair"]),
        "side": _chosen(("sell", "buy"), events["side"] > 0),
        "type": _words(OrderType, events["type"]),
        "reason": _words(Reason, events["reason"]),
    }
    for name in names:
        if name not in columns:
            columns[name] = events[name].tolist()
    return _rows(columns, names)


def _words(enum: type[IntEnum], codes: npt.NDArray[np.uint8]) -> list[str | None]:
    names: dict[int, str] = {member.value: member.name.lower() for member in enum}
    return [names.get(code) for code in codes.tolist()]


def _chosen(names: Sequence[str], index: npt.NDArray[Any]) -> list[str]:
    return [names[i] for i in index.tolist()]


def _rows(columns: dict[str, list[Any]], names: Sequence[str]) -> Rows:
    return list(zip(*(columns[name] for name in names), strict=True))
