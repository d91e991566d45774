"""Functions of the recorded order book as it stood when the bar closed.

Without a book, or with one that is older than ``execution.book_max_age``, they give NaN.
"""

from __future__ import annotations

import numpy as np

from framework.market.books import ASKS, BIDS, PRICE, UNITS
from framework.market.recorded import BarBooks
from framework.strategy.function import function
from framework.types import FloatArray

_GROUP = "Order books"
_LEVELS = {"levels": (1.0, 1_000.0)}
_BPS = {"bps": (0.0, 10_000.0)}


@function(memory=0, group=_GROUP, source="Best bid")
def bid(books: BarBooks) -> FloatArray:
    """Highest price bid."""
    return books.price(BIDS)


@function(memory=0, group=_GROUP, source="Best ask")
def ask(books: BarBooks) -> FloatArray:
    """Lowest price asked."""
    return books.price(ASKS)


@function(memory=0, group=_GROUP, source="(bid + ask) / 2")
def mid(books: BarBooks) -> FloatArray:
    """Middle between best bid and best ask."""
    return (books.price(BIDS) + books.price(ASKS)) / 2.0


@function(memory=0, group=_GROUP, source="ask - bid")
def spread(books: BarBooks) -> FloatArray:
    """Best ask less best bid, in quote currency; of the price it is `spread / mid`."""
    return books.price(ASKS) - books.price(BIDS)


@function(
    memory=0,
    group=_GROUP,
    source="(bid * ask units + ask * bid units) / (bid units + ask units)",
)
def microprice(books: BarBooks) -> FloatArray:
    """Mean of best bid and best ask, each weighted by the units of the other side."""
    bid_units, ask_units = books.units(BIDS), books.units(ASKS)
    weighted = books.price(BIDS) * ask_units + books.price(ASKS) * bid_units
    return weighted / (bid_units + ask_units)


@function(
    memory=0,
    group=_GROUP,
    ranges=_LEVELS,
    source="(bid units - ask units) / (bid units + ask units); Cao, Hansch, Wang 2009",
)
def imbalance(books: BarBooks, levels: int = 1) -> FloatArray:
    """Which side has more units at its best `levels`: 1 only bids, -1 only asks. Levels that were
    not recorded count as empty; NaN where a side has none at all.
    """
    bids, asks = books.units(BIDS), books.units(ASKS)
    for level in range(1, min(levels, books.depth)):
        bids = bids + np.nan_to_num(books.units(BIDS, level))
        asks = asks + np.nan_to_num(books.units(ASKS, level))
    return (bids - asks) / (bids + asks)


@function(memory=0, group=_GROUP, ranges=_BPS, source="Units at mid * (1 - bps / 10,000) or above")
def depth_bid(books: BarBooks, bps: float = 10.0) -> FloatArray:
    """Units bid at most `bps` basis points below the mid; what lies deeper than was recorded is
    not counted.
    """
    middle = mid(books)
    return _between(books, BIDS, middle * (1.0 - bps * 1e-4), middle)


@function(memory=0, group=_GROUP, ranges=_BPS, source="Units at mid * (1 + bps / 10,000) or below")
def depth_ask(books: BarBooks, bps: float = 10.0) -> FloatArray:
    """Units asked at most `bps` basis points above the mid; what lies deeper than was recorded is
    not counted.
    """
    middle = mid(books)
    return _between(books, ASKS, middle, middle * (1.0 + bps * 1e-4))


@function(
    memory=0, group=_GROUP, source="Units at prices from `low_price` to `high_price`, both included"
)
def book_volume(books: BarBooks, low_price: FloatArray, high_price: FloatArray) -> FloatArray:
    """Units bid and asked at prices within a range; what lies deeper than was recorded is not
    counted.
    """
    units = _between(books, BIDS, low_price, high_price)
    return units + _between(books, ASKS, low_price, high_price)


@function(
    memory=0,
    group=_GROUP,
    source="Cont, Kukanov, Stoikov, The Price Impact of Order Book Events, 2014",
)
def order_flow_imbalance(books: BarBooks) -> FloatArray:
    """Units by which demand at the best prices grew over supply, summed over the changes between
    the snapshots of the bar; a change over more than ``execution.book_max_age`` is left out.
    NaN without a change.
    """
    best = books.levels[:, :, 0] if books.depth else np.empty((0, 2, 2))
    changes = np.flatnonzero(books.joins & (books.bar >= 0))
    changes = changes[~np.isnan(best[changes] + best[changes - 1]).any(axis=(1, 2))]
    now, before = best[changes], best[changes - 1]
    flow = np.zeros(len(changes))
    for side, sign in ((BIDS, 1.0), (ASKS, -1.0)):
        better = sign * (now[:, side, PRICE] - before[:, side, PRICE])
        flow += sign * np.where(better >= 0.0, now[:, side, UNITS], 0.0)
        flow -= sign * np.where(better <= 0.0, before[:, side, UNITS], 0.0)
    bars = books.bar[changes]
    made: FloatArray = np.bincount(bars, flow, len(books.newest)).astype(np.float64)
    made[np.bincount(bars, minlength=len(made)) == 0] = np.nan
    return made


def _between(books: BarBooks, side: int, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the units of a side at prices in [low, high], (T,); NaN without a book."""
    made = np.where(books.newest >= 0, 0.0, np.nan) + 0.0 * (low + high)
    for level in range(books.depth):
        price = books.price(side, level)
        made += np.where((price >= low) & (price <= high), books.units(side, level), 0.0)
    return made
