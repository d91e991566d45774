"""What exchanges that can be connected to share: where they are, and their history on request."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field, PositiveFloat

from framework.config.component import component
from framework.exchange.candle_history import oldest_served, past_candles
from framework.exchange.completed import completed
from framework.exchange.connection import Connection, Offers
from framework.exchange.contract import Exchange
from framework.exchange.exchange_clock import ExchangeClock
from framework.exchange.not_offered import unknown_interval
from framework.interfaces import Clock
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, Interval, parse_time

T = TypeVar("T")

SETTLING_NS = 120 * SECOND_NS
"""Time after its close in which a candle may still be revised; history ends before it."""


@component
class LiveExchange(Exchange):
    """An exchange on the network; its history is asked for over a connection of its own."""

    intervals: ClassVar[tuple[Interval, ...]] = ()
    """Lengths of the candles that can be asked for, ascending."""

    begins: ClassVar[int] = parse_time("2010-01-01")
    """Before it nothing was traded there, UTC ns."""

    url: str | None = None
    """Where requests go instead of the exchange's own address."""

    socket_url: str | None = None
    """Where sockets are opened instead of at the exchange's own address."""

    symbols: tuple[str, ...]
    """Pairs traded when the configuration names none, ``BASE-QUOTE`` each."""

    timeout: PositiveFloat = Field(default=10.0, le=600)
    """Seconds after which a request counts as unanswered."""

    retries: int = Field(default=4, ge=0, le=20)
    """How often a request that failed is made again."""

    history: Interval = Interval.parse("365d")
    """How far back the range reaches when the configuration names none."""

    rules: Literal["configured", "recorded"] = "configured"
    """Which order rules count: `market` and `markets`, or what the exchange last said of its own,
    as ``mode=download`` and ``mode=collect`` keep it in the database."""

    @property
    def is_live(self) -> bool:
        """Whether it can be connected to: yes."""
        return True

    @abstractmethod
    def connect(self, clock: Clock) -> Connection:
        """Return a way to the exchange, to be used in the event loop that runs now."""

    def offered_pairs(self) -> tuple[str, ...]:
        """Return `symbols`."""
        return self.symbols

    def native_interval(self, pair: str) -> None:
        """Return None: there are several."""

    def default_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the last `history`, or less where only the newest candles can be asked for."""
        first, end = self.available_span(pair, interval)
        served = oldest_served(self._greeting.offers, interval, self._greeting.clock.now_ns())
        return max(first, served, interval.floor(end - self.history.ns)), end

    def available_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the range from when trading began to the newest candle that is settled.

        Raises
        ------
        UserError
            There are no candles of `interval`.
        ExchangeFault
            The exchange does not answer.
        """
        self._require(interval)
        now_ns = self._greeting.clock.now_ns()
        first_ns = self.begins
        if not self._greeting.offers.trade_history:
            first_ns = max(first_ns, oldest_served(self._greeting.offers, interval, now_ns))
        return interval.ceil(first_ns), settled_until(interval, now_ns)

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return settled candles with open times in [start_ns, end_ns), faults and all.

        Raises
        ------
        UserError
            The exchange has no such pair or interval.
        ExchangeFault
            It does not answer.
        """
        self._require(interval)
        clock = self._greeting.clock
        end = min(end_ns, settled_until(interval, clock.now_ns()))

        async def ask(connection: Connection) -> CandleRows:
            return await past_candles(connection, clock, pair, interval, start_ns, end, self.faults)

        return self._asked(clock, ask)

    @cached_property
    def _greeting(self) -> _Greeting:
        """What the exchange says when it is first asked."""

        async def ask(connection: Connection) -> _Greeting:
            return _Greeting(ExchangeClock(await connection.time()), connection.offers)

        return self._asked(ExchangeClock(), ask)

    def _asked(self, clock: Clock, ask: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """Return the answer that `ask` gets over a connection that is opened for it."""

        async def work() -> T:
            connection = self.connect(clock)
            try:
                return await ask(connection)
            finally:
                await connection.close()

        return completed(work)

    def _require(self, interval: Interval) -> None:
        """Raise UserError unless there are candles of `interval`."""
        if interval not in self.intervals:
            keys = "strategy.interval, execution.interval, mode.interval"
            raise unknown_interval(keys, self.name, interval, self.intervals)


@dataclass(frozen=True, slots=True)
class _Greeting:
    """The exchange's time, and what it offers."""

    clock: ExchangeClock
    offers: Offers


def settled_until(interval: Interval, now_ns: int) -> int:
    """Return the end of the newest candle that is closed and not expected to change any more."""
    return interval.floor(now_ns - SETTLING_NS)
