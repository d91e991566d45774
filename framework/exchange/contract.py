"""What every exchange offers: fees, market rules and history."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

from pydantic import Field, NonNegativeFloat

from framework.config.component import component
from framework.errors import UserError
from framework.exchange.connection import Connection
from framework.interfaces import Clock
from framework.market.books import Books
from framework.market.quality import FaultPolicy
from framework.market.recorded import BOOKS, TRADES
from framework.market.rows import CandleRows
from framework.market.rules import MarketRules
from framework.types import Interval


@component
class Exchange:
    """Fields and questions that all exchanges share."""

    name: str
    """Name under which its candles are stored."""

    maker_fee_bps: float = Field(default=10.0, ge=-100, le=1_000)
    """Fee of an order that rested in the book, in basis points of its value; negative: rebate."""

    taker_fee_bps: NonNegativeFloat = Field(default=10.0, le=1_000)
    """Fee of an order that took from the book, in basis points of its value."""

    max_gap: Interval = Interval.parse("1d")
    """Holes up to this long are flat candles; the candles of a longer one are missing."""

    faults: FaultPolicy = FaultPolicy()
    """What to do about each kind of fault in the data."""

    from_store: bool = False
    """Read from the store that ``mode=download`` and ``mode=collect`` fill, not the exchange."""

    market: MarketRules = MarketRules()
    """Rounding and minimum size of orders."""

    markets: dict[str, MarketRules] = Field(default_factory=dict)
    """Rules of single pairs where they differ from `market`."""

    spot_only: bool = True
    """Spot exchanges sell only what is held."""

    borrow_rate: float = Field(default=0.1, ge=0, le=10)
    """What lending the units of a short costs a year, as a fraction of their value."""

    maintenance_margin: float = Field(default=0.25, ge=0, lt=1)
    """Equity that shorts need, as a fraction of their value; below it all positions are closed."""

    @property
    def origin(self) -> str:
        """Where its candles come from, in words, for the data certificate."""
        return self.name

    @property
    def has_books(self) -> bool:
        """Whether order books of it were recorded."""
        return False

    @property
    def records(self) -> frozenset[str]:
        """What may have been recorded beside candles; a store tells when it is read."""
        if self.from_store:
            return frozenset((BOOKS, TRADES))
        return frozenset((BOOKS,)) if self.has_books else frozenset()

    @property
    def tells(self) -> frozenset[str]:
        """What comes beside candles where it is lived with: told by it, or played."""
        return frozenset((BOOKS, TRADES)) if self.is_live else self.records

    def recorded_books(self, pairs: Sequence[str], start_ns: int, end_ns: int) -> Books:
        """Return the order books of `pairs` recorded in [start_ns, end_ns), where it `has_books`.

        Raises
        ------
        UserError
            There are none of a pair, or a file cannot be read as books.
        """
        raise NotImplementedError

    @abstractmethod
    def offered_pairs(self) -> tuple[str, ...]:
        """Return the pairs traded when the configuration names none."""

    @abstractmethod
    def native_interval(self, pair: str) -> Interval | None:
        """Return the only interval of `pair`'s data, or None when any can be asked for."""

    @abstractmethod
    def default_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the range [start, end) of open times used when the configuration names none."""

    def available_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the range [start, end) of open times that can be asked for at all."""
        return self.default_span(pair, interval)

    @abstractmethod
    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return closed candles with open times in [start_ns, end_ns), faults and all.

        Raises
        ------
        UserError
            The pair or the interval does not exist, or a file cannot be read as candles.
        OutsideFault
            The exchange does not answer.
        """

    @property
    def is_live(self) -> bool:
        """Whether it can be connected to; else its candles are all there is of it."""
        return False

    def connect(self, clock: Clock) -> Connection:
        """Return a way to the exchange, to be used in the event loop that runs now.

        Parameters
        ----------
        clock : Clock
            For waiting; nothing is asked of the exchange yet.

        Raises
        ------
        UserError
            It is not live.
        """
        raise UserError(f"exchange: '{self.name}' cannot be connected to.")

    def clock_of(self, wall: Clock) -> Clock:
        """Return the clock to live by with it: the wall's, unless its own time is another."""
        return wall

    def begun(self, wall_ns: int) -> Self:
        """Return it as a process that began at a moment found it, for one that goes on later."""
        return self

    def rules_of(self, pair: str) -> MarketRules:
        """Return the order rules of `pair`."""
        return self.markets.get(pair, self.market)
