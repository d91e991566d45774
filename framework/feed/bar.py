"""A candle made of trades, in whatever order they come."""

from __future__ import annotations

import math

from framework.market.live import Candle, Trade, in_order

_ROUNDING = 1e-9  # of a volume: sums of the same trades in another order
_JUMP = 10.0  # a price so many times the last one, or so small a part of it, is not believed
_MOST_VALUE = 1e15  # of one trade or candle, in any quote currency


class Bar:
    """One pair's trades of one candle, summed up; each must come once.

    What rounding loses of the volume is summed beside it (Neumaier, 1974), so that it is that of
    the exchange whatever the order they came in.
    """

    __slots__ = ("_close", "_first", "_last", "_lost", "_open", "_units", "high", "low")

    def __init__(self, trade: Trade) -> None:
        self._first = self._last = in_order(trade)
        self._open = self._close = self.high = self.low = trade.price
        self._units, self._lost = trade.units, 0.0

    @property
    def volume(self) -> float:
        """Units of all trades, base currency."""
        return self._units + self._lost

    def add(self, trade: Trade) -> None:
        """Take in one more trade."""
        key = in_order(trade)
        if key < self._first:
            self._first, self._open = key, trade.price
        if key > self._last:
            self._last, self._close = key, trade.price
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        total = self._units + trade.units
        larger, smaller = max(self._units, trade.units), min(self._units, trade.units)
        self._lost += (larger - total) + smaller
        self._units = total

    def candle(self, pair: str, time_ns: int) -> Candle:
        """Return it as the candle that opens at `time_ns`."""
        return Candle(pair, time_ns, self._open, self.high, self.low, self._close, self.volume)


def grew(volume: float, before: float) -> bool:
    """Tell whether `volume` is above `before` by more than rounding."""
    return volume - before > _ROUNDING * max(volume, before)


def made_of(row: Candle, bar: Bar | None) -> bool:
    """Tell whether `row` holds just the trades of `bar`.

    Open and close are not compared: of trades with one stamp, only the exchange knows the order.
    """
    if bar is None:
        return row.volume == 0
    equal_volume = not (grew(row.volume, bar.volume) or grew(bar.volume, row.volume))
    return equal_volume and row.high == bar.high and row.low == bar.low


def possible_trade(trade: Trade, last_price: float) -> bool:
    """Tell whether a trade can be what the exchange meant; `last_price` NaN: any price is near."""
    return _possible_price(trade.price, last_price) and (
        0 < trade.units and trade.units * trade.price <= _MOST_VALUE
    )


def possible_candle(candle: Candle, last_price: float) -> bool:
    """Tell whether a candle can be what the exchange meant; `last_price` NaN: any price is near."""
    prices = (candle.open, candle.high, candle.low, candle.close)
    return (
        all(_possible_price(price, last_price) for price in prices)
        and candle.low <= min(candle.open, candle.close)
        and candle.high >= max(candle.open, candle.close)
        and 0 <= candle.volume
        and candle.volume * candle.high <= _MOST_VALUE
    )


def _possible_price(price: float, last_price: float) -> bool:
    if not (math.isfinite(price) and 0 < price <= _MOST_VALUE):
        return False
    return math.isnan(last_price) or last_price / _JUMP <= price <= last_price * _JUMP
