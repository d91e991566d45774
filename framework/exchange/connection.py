"""What an exchange offers live: requests, and one stream of what it says by itself.

A connection reports what it hears, as it comes: twice, late, out of order, or not at all. Making
candles, trades and books of it that can be trusted is the feed's work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from framework.exchange.live_book import LiveBook
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.market.rules import MarketRules
from framework.types import Interval


class Channel(Enum):
    """What can be listened to."""

    TRADES = "trades"
    CANDLES = "candles"
    BOOKS = "books"


@dataclass(frozen=True, slots=True)
class Offers:
    """What an exchange has, and how far its word can be taken.

    Parameters
    ----------
    candle_stream : bool
        Candles come by the socket.
    says_closed : bool
        A candle of the socket says of itself that it is closed and final.
    quiet_candles : bool
        Intervals without trades have a candle in answers to requests; else they are absent.
    trade_history : bool
        Trades of any past range can be asked for; else only the newest some hundred.
    candle_page : int
        Candles in one answer, at most.
    oldest_candles : int or None
        Only so many of the newest candles can be asked for at all; None: all of them.
    silence_s : float
        Seconds without a frame after which a socket counts as dead.
    lifetime_s : float or None
        Seconds after which a socket is renewed in time; None: never.
    """

    candle_stream: bool
    says_closed: bool
    quiet_candles: bool
    trade_history: bool
    candle_page: int
    oldest_candles: int | None
    silence_s: float
    lifetime_s: float | None = None


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """What an exchange says of one of its markets today.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    online : bool
        Whether orders are taken.
    rules : MarketRules
        Lot step, tick size, smallest order.
    """

    pair: str
    online: bool
    rules: MarketRules


@dataclass(frozen=True, slots=True)
class HeardTrade:
    """A trade came by the socket."""

    trade: Trade


@dataclass(frozen=True, slots=True)
class HeardCandle:
    """A candle came by the socket, running or closed.

    Parameters
    ----------
    candle : Candle
    closed : bool or None
        What the exchange says; None: it says nothing.
    """

    candle: Candle
    closed: bool | None


@dataclass(frozen=True, slots=True)
class HeardBook:
    """A pair's book changed: became valid, was updated, or was found to be wrong."""

    pair: str


@dataclass(frozen=True, slots=True)
class HeardBeat:
    """Any other frame: the socket is alive."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The exchange confirmed what was subscribed to: from now on nothing should be missed.

    Said once for each call of `Connection.listen`; where an exchange does not confirm, with the
    first frame after the subscription was sent.
    """


Heard = HeardTrade | HeardCandle | HeardBook | HeardBeat | Listening


class Connection(ABC):
    """One process's way to one exchange, used from one event loop.

    Requests raise `framework.exchange.faults`: `Unreachable` after bounded retries, `Refused` at
    once; an unknown pair is a `UserError` that names the nearest. All wait their turn in the
    budget that every process of this machine shares.
    """

    offers: Offers

    books: Mapping[str, LiveBook]
    """By pair, of those listened to; kept up to date by `listen`, which also repairs them."""

    @abstractmethod
    async def time(self) -> int:
        """Return the exchange's time, UTC ns, as one answer says it."""

    @abstractmethod
    async def markets(self) -> dict[str, MarketInfo]:
        """Return all spot markets by pair."""

    @abstractmethod
    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns) that the exchange serves now.

        Ascending and each once, whatever the pages were like, over as many pages as it takes. The
        running candle is among them where the exchange serves it: whether one is closed is told
        by its time. Prices and volumes are numbers as served, not finite or below zero
        where the exchange erred: the answer as a whole is read, and its reader weighs it. What is
        no number, or no open time, makes it an answer that cannot be read.
        """

    @abstractmethod
    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), ascending by `in_order`, each once.

        A value that cannot be right makes the answer one that cannot be read.

        Returns
        -------
        trades : list of Trade
        complete_from_ns : int
            The answer is complete from this moment on: `start_ns`, or later where the exchange
            does not reach back that far.
        """

    @abstractmethod
    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        """Connect, subscribe and hand on what is heard, until the connection ends.

        Does not reconnect and never returns: it raises `Unreachable` when the connection ends,
        `Refused` or UserError when a subscription is declined; cancel it to stop. A frame that
        cannot be read, or holds a value that cannot be right, ends the connection. Books found to
        be wrong are asked for anew meanwhile.

        Parameters
        ----------
        pairs : sequence of str
        interval : Interval
            Of the candles listened to.
        channels : frozenset of Channel
            One that is not offered is left out.
        hear : callable
            Called for every frame, as it comes; must not block.
        """

    @abstractmethod
    async def close(self) -> None:
        """Give back what is held; nothing may be asked afterwards."""
