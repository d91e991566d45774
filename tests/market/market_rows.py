"""Rows of candles for the tests of the market room."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from framework.market.candles import Candles
from framework.market.rows import CandleRows
from framework.types import Interval

MINUTE = Interval.parse("1m")


def rows_of(*rows, pair="BTC-AUD", interval=MINUTE):
    """Return rows given as (slot, open, high, low, close, volume); a slot is an interval."""
    table = np.array(rows, float).reshape(-1, 6)
    time = np.round(table[:, 0] * interval.ns).astype(np.int64)
    return CandleRows(pair, time, *(table[:, column].copy() for column in range(1, 6)))


def plain(slots, price=10.0, pair="BTC-AUD", interval=MINUTE, volume=1.0):
    """Return rows at `slots` whose four prices are all `price`."""
    rows = [(slot, price, price, price, price, volume) for slot in slots]
    return rows_of(*rows, pair=pair, interval=interval)


def seeded(bars, seed=0, start=0, pair="BTC-AUD", interval=MINUTE):
    """Return a seeded random walk of `bars` rows from slot `start` on."""
    generator = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(generator.normal(0, 1e-3, bars))), 2)
    opened = np.append(100.0, close[:-1])
    spread = generator.random(bars)
    return CandleRows(
        pair,
        (start + np.arange(bars, dtype=np.int64)) * interval.ns,
        opened,
        np.maximum(opened, close) + spread,
        np.minimum(opened, close) - spread,
        close,
        generator.random(bars),
    )


def as_dict(rows):
    """Return open time to values."""
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    values = zip(*(column.tolist() for column in columns), strict=True)
    return dict(zip(rows.time.tolist(), values, strict=True))


def candles_of(rows, interval=MINUTE):
    """Return gapless rows as confirmed candles."""
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    return Candles(
        (rows.pair,),
        interval,
        rows.time,
        *(column[:, None] for column in columns),
        np.zeros((len(rows), 1), np.uint8),
    )


def shared_data():
    """Return the folder of real market data, or skip."""
    default = Path(__file__).parents[2] / ".." / "shared" / "data"
    folder = Path(os.environ.get("SHARED_DATA", default))
    if not (folder / "ohlcv").is_dir():
        pytest.skip(f"no real market data in {folder}; name its folder with SHARED_DATA")
    return folder
