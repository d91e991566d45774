"""An exchange on this machine for trying things out: history, live feed and faults, no network."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PositiveFloat

from framework.config.component import component
from framework.exchange.connection import Connection
from framework.exchange.contract import Exchange
from framework.exchange.faster_clock import FasterClock
from framework.exchange.live_exchange import LiveExchange
from framework.interfaces import Clock
from framework.market.rows import CandleRows
from framework.types import DAY_NS, Interval, parse_time

if TYPE_CHECKING:
    from framework.loopback.background import Running


def _moment(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


@component
class Loopback(Exchange):
    """A made market behind the protocol of a real exchange, asked the way the real one is.

    The server runs in the program itself and is gone with it. Trades of one seed are the same in
    every run; the moments of faults count from the start of the program.
    """

    name: str = "loopback"
    """Name under which its candles are stored."""

    speaks: Literal["binance", "bitvavo", "btcmarkets", "coinbase", "kraken"] = "btcmarkets"
    """Whose protocol is spoken over the sockets of this machine."""

    seed: int = Field(default=7, ge=0, lt=2**63)
    """Another seed is another market, and other faults."""

    trouble: Literal["none", "calm", "rough"] = "none"
    """What goes wrong: nothing, now and then something that loses nothing, or all there is."""

    symbols: tuple[str, ...] = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")
    """Pairs traded, ``BASE-QUOTE`` each; any can be one of its markets."""

    start: Annotated[int, BeforeValidator(parse_time)] = parse_time("2020-01-01")
    """When trading began, UTC date or time."""

    speed: float = Field(default=1.0, ge=1, le=600)
    """How much faster than the wall's its time runs."""

    since: Annotated[int | None, BeforeValidator(_moment)] = None
    """When its time was the wall's, UTC date or time; null: the last midnight, for a session the
    one before it began."""

    history: Interval = Interval.parse("30d")
    """How far back the range reaches when the configuration names none."""

    timeout: PositiveFloat = Field(default=30.0, le=600)
    """Seconds after which a request counts as unanswered."""

    retries: int = Field(default=4, ge=0, le=20)
    """How often a request that failed is made again."""

    @property
    def origin(self) -> str:
        """Name, protocol and seed."""
        return f"{self.name} speaks={self.speaks} seed={self.seed}"

    @property
    def is_live(self) -> bool:
        """Whether it can be connected to: yes."""
        return True

    def connect(self, clock: Clock) -> Connection:
        """Return a way to it, to be used in the event loop that runs now."""
        return self._spoken.connect(clock)

    def clock_of(self, wall: Clock) -> Clock:
        """Return the clock of its own time."""
        return wall if self.speed == 1 else FasterClock(wall, self._running.since_ns, self.speed)

    def begun(self, wall_ns: int) -> Self:
        """Return it with the midnight before a moment as `since`, unless that is configured."""
        midnight_ns = wall_ns - wall_ns % DAY_NS
        return replace(self, since=midnight_ns if self.since is None else self.since)

    def offered_pairs(self) -> tuple[str, ...]:
        """Return `symbols`."""
        return self.symbols

    def native_interval(self, pair: str) -> None:
        """Return None: there are several, those of the exchange whose protocol is spoken."""

    def default_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the last `history`, up to the newest candle that is settled."""
        return self._spoken.default_span(pair, interval)

    def available_span(self, pair: str, interval: Interval) -> tuple[int, int]:
        """Return the range from `start` to the newest candle that is settled."""
        first, end = self._spoken.available_span(pair, interval)
        return max(first, interval.ceil(self.start)), end

    def rows(self, pair: str, interval: Interval, start_ns: int, end_ns: int) -> CandleRows:
        """Return settled candles with open times in [start_ns, end_ns), faults and all."""
        return self._spoken.rows(pair, interval, start_ns, end_ns)

    @cached_property
    def _running(self) -> Running:
        """The server, started when it is first asked for."""
        from framework.loopback.background import Setting, running

        return running(
            Setting(
                self.speaks,
                self.seed,
                self.symbols,
                self.trouble,
                self.start,
                self.speed,
                self.since,
            )
        )

    @cached_property
    def _spoken(self) -> LiveExchange:
        """The real exchange's component, pointed at the server."""
        from framework.loopback.spoken import component_of

        found = self._running
        made: LiveExchange = component_of(self.speaks)(
            name=self.name,
            url=found.url,
            socket_url=found.socket_url,
            symbols=self.symbols,
            timeout=self.timeout,
            retries=self.retries,
            history=self.history,
            faults=self.faults,
        )
        return made
