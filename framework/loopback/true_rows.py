"""A market's trades and candles in whole ticks and lots, and how they are written.

Legend of shapes: T trades, C candles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from framework.exchange.price_levels import BASES, QUOTES
from framework.types import BoolArray, IntArray, Interval


@dataclass(frozen=True, slots=True)
class TrueMarket:
    """One market: its pair, and how finely prices and units are written.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    level : float
        Price around which it swings, quote currency.
    price_decimals, unit_decimals : int
        A tick is ``10 ** -price_decimals``, a lot ``10 ** -unit_decimals``.
    """

    pair: str
    level: float
    price_decimals: int
    unit_decimals: int

    @classmethod
    def of(cls, pair: str) -> TrueMarket:
        """Return the market of any ``BASE-QUOTE``."""
        base, quote = pair.split("-")
        level = BASES.get(base, (10.0,))[0] * QUOTES.get(quote, 1.0)
        decimals = 2 if level >= 10 else 4 if level >= 0.1 else 8
        return cls(pair, level, decimals, 8 if level >= 1_000 else 6)

    @property
    def base(self) -> str:
        """What is traded."""
        return self.pair.split("-")[0]

    @property
    def quote(self) -> str:
        """What it is paid with."""
        return self.pair.split("-")[1]

    def price_text(self, ticks: int, padded: bool = True) -> str:
        """Return a price as an exact decimal, with or without zeros at its end."""
        return decimal_text(ticks, self.price_decimals, padded)

    def units_text(self, lots: int, padded: bool = True) -> str:
        """Return units as an exact decimal, with or without zeros at their end."""
        return decimal_text(lots, self.unit_decimals, padded)


def decimal_text(whole: int, decimals: int, padded: bool = True) -> str:
    """Return ``whole / 10 ** decimals`` as an exact decimal.

    Examples
    --------
    >>> decimal_text(1050, 2), decimal_text(1050, 2, padded=False), decimal_text(13, 8)
    ('10.50', '10.5', '0.00000013')
    """
    digits = str(whole).rjust(decimals + 1, "0")
    text = f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}"
    if not padded:
        text = text.rstrip("0")
    return text.rstrip(".")


class TrueTrade(NamedTuple):
    """One trade; `price` in ticks, `units` in lots."""

    pair: str
    id: int
    time: int
    price: int
    units: int
    side: int


class TrueCandle(NamedTuple):
    """One candle; prices in ticks, `volume` in lots, `trades` their number."""

    time: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


@dataclass(frozen=True, slots=True, eq=False)
class TrueTrades:
    """Trades of one pair, ascending by time and id.

    Parameters
    ----------
    pair : str
    id, time, price, units, side : (T,) int64
        `price` in ticks, `units` in lots, `side` 1 or -1: who took.
    """

    pair: str
    id: IntArray
    time: IntArray
    price: IntArray
    units: IntArray
    side: IntArray

    def __len__(self) -> int:
        return len(self.id)

    def __iter__(self) -> Iterator[TrueTrade]:
        columns = (self.id, self.time, self.price, self.units, self.side)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            yield TrueTrade(self.pair, *row)

    def where(self, chosen: BoolArray | slice) -> TrueTrades:
        """Return those `chosen`, in their order."""
        columns = (self.id, self.time, self.price, self.units, self.side)
        return TrueTrades(self.pair, *(column[chosen] for column in columns))

    def candles(self, interval: Interval) -> list[TrueCandle]:
        """Return the candles that they make; none where nothing was traded."""
        columns = self.columns(interval)
        return [TrueCandle(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]

    def columns(self, interval: Interval) -> tuple[IntArray, ...]:
        """Return the fields of `candles` as arrays (C,)."""
        opens = self.time - (self.time - interval.offset_ns) % interval.ns
        first = np.flatnonzero(np.diff(opens, prepend=-1))
        if not len(first):
            return (opens,) * 7
        last = np.append(first[1:], len(opens)) - 1
        return (
            opens[first],
            self.price[first],
            np.maximum.reduceat(self.price, first),
            np.minimum.reduceat(self.price, first),
            self.price[last],
            np.add.reduceat(self.units, first),
            last - first + 1,
        )
