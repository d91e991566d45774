"""Candles, with the books and trades recorded beside them, as plain arrays for a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.market.books import Books
from framework.market.candles import COLUMNS, Candles
from framework.market.recorded import Recorded
from framework.market.trades import Trades
from framework.types import Interval

_COLUMNS = (*COLUMNS, "standing")
_BOOKS = ("first", "time", "levels")
_TRADES = ("first", "time", "price", "units", "side")


def arrays_of(candles: Candles) -> dict[str, Any]:
    """Return the arrays of candles (T, N)."""
    return {
        "pairs": np.array(candles.pairs, np.str_),
        "interval": np.array([candles.interval.ns]),
        "time": candles.time,
        **{name: getattr(candles, name).T for name in _COLUMNS},
        **_recorded_arrays(candles.recorded),
    }


def candles_of(arrays: Mapping[str, Any]) -> Candles:
    """Return the candles (T, N) that gave the arrays, which may have others beside them.

    Raises
    ------
    KeyError, ValueError
        They are not those of candles.
    """
    pairs = tuple(arrays["pairs"].tolist())
    return Candles(
        pairs,
        Interval(int(arrays["interval"][0])),
        arrays["time"],
        recorded=_recorded_of(arrays, pairs),
        **{name: arrays[name].T for name in _COLUMNS},
    )


def _recorded_arrays(recorded: Recorded | None) -> dict[str, Any]:
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


def _recorded_of(arrays: Mapping[str, Any], pairs: tuple[str, ...]) -> Recorded | None:
    """Return what gave the arrays."""
    if "recorded/max_age" not in arrays:
        return None
    books = trades = None
    if "books/time" in arrays:
        books = Books(pairs, **{name: arrays[f"books/{name}"] for name in _BOOKS})
    if "trades/time" in arrays:
        spans = tuple(
            tuple((int(start), int(end)) for start, end in arrays[f"trades/spans/{n}"])
            for n in range(len(pairs))
        )
        columns = {name: arrays[f"trades/{name}"] for name in _TRADES}
        trades = Trades(pairs, spans=spans, **columns)
    return Recorded(books, trades, int(arrays["recorded/max_age"][0]))
