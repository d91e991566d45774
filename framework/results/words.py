"""A run's tables in words: arrays of codes and nanoseconds become columns that people read.

Arrow arrays are made of buffers here, never by `pyarrow.array`: that imports pandas, a second long.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from framework.records import Kind, OrderType, Reason
from framework.results.outcome import Outcome
from framework.types import SECOND_NS, IntArray, RecordArray

RowTable = Any
"""A `pyarrow.Table`; the package has no types."""


def equity_rows(outcome: Outcome) -> RowTable:
    """Return time, equity, cash, invested and the benchmark's equity at each bar's close."""
    import pyarrow

    return pyarrow.table(
        {
            "time": iso_times(outcome.time),
            "equity": _numbers(outcome.equity),
            "cash": _numbers(outcome.cash),
            "invested": _numbers(outcome.invested),
            "benchmark": _numbers(outcome.benchmark),
        }
    )


def fill_rows(outcome: Outcome) -> RowTable:
    """Return every step of every order's life but vetoes, in the ledger's order."""
    import pyarrow

    events = outcome.events[outcome.events["kind"] != Kind.VETOED]
    return pyarrow.table(
        {
            "time": iso_times(events["time"]),
            "order": _numbers(events["order"]),
            "event": words(Kind, events["kind"]),
            **_of_orders(events, outcome.pairs),
            "units": _numbers(events["units"]),
            "quote": _numbers(events["quote"]),
            "price": _numbers(events["price"]),
            "fee": _numbers(events["fee"]),
            "slippage": _numbers(events["slippage"]),
            "confidence": _numbers(events["confidence"]),
        }
    )


def veto_rows(outcome: Outcome) -> RowTable:
    """Return what was forbidden, when and by which rule; `order` is 0 before it had a number."""
    import pyarrow

    events = outcome.events[outcome.events["kind"] == Kind.VETOED]
    return pyarrow.table(
        {
            "time": iso_times(events["time"]),
            "order": _numbers(events["order"]),
            **_of_orders(events, outcome.pairs),
            "units": _numbers(events["units"]),
            "quote": _numbers(events["quote"]),
            "price": _numbers(events["price"]),
            "confidence": _numbers(events["confidence"]),
        }
    )


def trade_rows(outcome: Outcome) -> RowTable:
    """Return the round trips; `exit_time` is empty while one is open."""
    import pyarrow

    trades = outcome.trades
    return pyarrow.table(
        {
            "entry_time": iso_times(trades["entry_time"]),
            "exit_time": iso_times(trades["exit_time"], empty=trades["open"]),
            "pair": _chosen(outcome.pairs, trades["pair"]),
            "side": _chosen(("short", "long"), (trades["side"] > 0).astype(np.uint8)),
            "open": _chosen(("false", "true"), trades["open"].astype(np.uint8)),
            "reason": words(Reason, trades["reason"]),
            **{
                name: _numbers(trades[name])
                for name in (
                    *("units", "entry_price", "exit_price", "fees", "pnl", "fraction", "bars"),
                    "confidence",
                )
            },
        }
    )


def words(enum: type[IntEnum], codes: npt.NDArray[np.uint8]) -> Any:
    """Return the lower-case names of `codes` as a pyarrow array; empty where there is none."""
    names: list[str | None] = [None] * 256
    for member in enum:
        names[member.value] = member.name.lower()
    return _chosen(names, codes)


def iso_times(time: IntArray, empty: npt.NDArray[np.bool_] | None = None) -> Any:
    """Return UTC nanoseconds as ISO 8601 text (a pyarrow array), finer than seconds where one is.

    Arrow writes the digits; only its blank and the missing zone are put right, in one pass.
    """
    import pyarrow

    if empty is not None:
        time = np.where(empty, 0, time)
    whole = not np.any(time % SECOND_NS)
    moments = pyarrow.Array.from_buffers(
        pyarrow.timestamp("s" if whole else "ns"),
        len(time),
        [None, _buffer(time // SECOND_NS if whole else time)],
    )
    width = 19 if whole else 29
    text = np.empty((len(time), width + 1), np.uint8)
    if len(time):
        digits = np.frombuffer(moments.cast(pyarrow.string()).buffers()[2], np.uint8)
        text[:, :width] = digits[: len(time) * width].reshape(-1, width)
    text[:, 10] = ord("T")
    text[:, width] = ord("Z")
    offsets = np.arange(len(time) + 1, dtype=np.int64) * (width + 1)
    shown = None if empty is None else _buffer(np.packbits(~empty, bitorder="little"))
    return pyarrow.Array.from_buffers(
        pyarrow.large_string(), len(time), [shown, _buffer(offsets), _buffer(text)]
    )


def _of_orders(events: RecordArray, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return the columns that fills and vetoes share."""
    return {
        "pair": _chosen(pairs, events["pair"]),
        "side": _chosen(("sell", "buy"), (events["side"] > 0).astype(np.uint8)),
        "type": words(OrderType, events["type"]),
        "reason": words(Reason, events["reason"]),
    }


def _chosen(names: Sequence[str | None], index: npt.NDArray[np.integer]) -> Any:
    """Return ``names[index]`` as a pyarrow array of text."""
    import pyarrow
    import pyarrow.compute  # take needs it

    encoded = [(name or "").encode() for name in names]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    known = np.packbits([name is not None for name in names], bitorder="little")
    text = pyarrow.Array.from_buffers(
        pyarrow.string(),
        len(names),
        [_buffer(known), _buffer(offsets), pyarrow.py_buffer(b"".join(encoded))],
    )
    return text.take(_numbers(index.astype(np.int32)))


def _numbers(values: npt.NDArray[Any]) -> Any:
    """Return `values` as a pyarrow array, NaN as empty."""
    import pyarrow

    empty = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, np.bool_)
    shown = _buffer(np.packbits(~empty, bitorder="little")) if empty.any() else None
    return pyarrow.Array.from_buffers(
        pyarrow.from_numpy_dtype(values.dtype), len(values), [shown, _buffer(values)]
    )


def _buffer(values: npt.NDArray[Any]) -> Any:
    import pyarrow

    return pyarrow.py_buffer(np.ascontiguousarray(values))
