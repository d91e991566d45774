"""Which spans of the trades told are complete: those whose units add up to the candle's volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framework.market.live import Candle, Trade
from framework.market.ranges import Range
from framework.types import Interval

_ROUNDING = 1e-6  # of the volume, as exchanges round it
_REMEMBERED = 240  # candles in which a late trade still counts


@dataclass(slots=True)
class _Sum:
    """Units told of one candle's span, and its volume once it closed."""

    units: float = 0.0
    volume: float = math.nan

    @property
    def complete(self) -> bool:
        return math.isclose(self.units, self.volume, rel_tol=_ROUNDING, abs_tol=1e-12)


class TradeCheck:
    """Adds up the trades of one pair and compares them with its candles, in bounded memory.

    An exchange makes its candles of all trades, so that none is missing where the sums agree;
    whether the line was up the whole time does not matter then.

    Parameters
    ----------
    interval : Interval
        Of the candles.
    """

    def __init__(self, interval: Interval) -> None:
        self._interval = interval
        self._sums: dict[int, _Sum] = {}

    def trade(self, trade: Trade) -> list[Range]:
        """Take in a trade; return the span that it completes, if any."""
        opened = self._interval.floor(trade.time)
        found = self._sum(opened)
        found.units += trade.units
        return self._told(opened, found)

    def candle(self, candle: Candle) -> list[Range]:
        """Take in a closed or a revised candle; return its span if all trades are known."""
        found = self._sum(candle.time)
        found.volume = candle.volume
        return self._told(candle.time, found)

    def _sum(self, opened: int) -> _Sum:
        found = self._sums.setdefault(opened, _Sum())
        while len(self._sums) > _REMEMBERED:
            del self._sums[min(self._sums)]
        return found

    def _told(self, opened: int, found: _Sum) -> list[Range]:
        return [(opened, opened + self._interval.ns)] if found.complete else []
