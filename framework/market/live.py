"""Single candles, trades and books, as they happen."""

from __future__ import annotations

from dataclasses import dataclass

from framework.types import FloatArray


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle of one pair.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    time : int
        Of its open, UTC ns.
    open, high, low, close : float
        Quote currency.
    volume : float
        Base currency.
    """

    pair: str
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    id : str
        As the exchange names it: the same on the socket and in answers to requests.
    time : int
        UTC ns, as the exchange stamped it.
    price : float
        Quote currency.
    units : float
        Base currency, above 0.
    side : int
        1: a buyer took, -1: a seller took, 0: not told.
    """

    pair: str
    id: str
    time: int
    price: float
    units: float
    side: int


TradeKey = tuple[int, int, str]


def in_order(trade: Trade) -> TradeKey:
    """Return what trades are sorted by: time, then id, those of digits by their value."""
    return trade.time, len(trade.id), trade.id


@dataclass(frozen=True, slots=True, eq=False)
class BookState:
    """The best levels of one pair's book at a moment at which they were found valid.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    time : int
        Of the last change, UTC ns, as the exchange stamped it.
    levels : (2, L, 2) float64
        Bids and asks, the best first; price and units. NaN: no such level. As in `Books`.
    """

    pair: str
    time: int
    levels: FloatArray
