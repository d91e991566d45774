"""Recorded books and trades as plain arrays, for files that hold candles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from framework.market.books import Books
from framework.market.recorded import Recorded
from framework.market.trades import Trades

_BOOKS = ("first", "time", "levels")
_TRADES = ("first", "time", "price", "units", "side")


def recorded_arrays(recorded: Recorded | None) -> dict[str, Any]:
    """Return the arrays; none where nothing is recorded at all."""
    if recorded is None:
        return {}
    arrays: dict[str, Any] = {"recorded/max_age": np.array([recorded.max_age_ns])}
    if recorded.books is not None:
        arrays |= {f"books/{name}": getattr(recorded.books, name) for name in _BOOKS}
    if recorded.trades is not None:
        arrays |= {f"trades/{name}": getattr(recorded.trades, name) for name in _TRADES}
        for n, spans in enumerate(recorded.trades.spans):
            arrays[f"trades/spans/{n}"] = np.array(spans, np.int64).reshape(-1, 2)
    return arrays


def recorded_from(arrays: Mapping[str, Any], pairs: Sequence[str]) -> Recorded | None:
    """Return what gave the arrays."""
    if "recorded/max_age" not in arrays:
        return None
    books = trades = None
    if "books/time" in arrays:
        books = Books(tuple(pairs), **{name: arrays[f"books/{name}"] for name in _BOOKS})
    if "trades/time" in arrays:
        spans = tuple(
            tuple((int(start), int(end)) for start, end in arrays[f"trades/spans/{n}"])
            for n in range(len(pairs))
        )
        columns = {name: arrays[f"trades/{name}"] for name in _TRADES}
        trades = Trades(tuple(pairs), spans=spans, **columns)
    return Recorded(books, trades, int(arrays["recorded/max_age"][0]))
