"""What the connections to exchanges through ccxt share: requests, pages of candles, listening."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from framework.errors import UserError
from framework.exchange.connection import Channel, Connection, Heard
from framework.exchange.faults import ExchangeFault
from framework.exchange.live_book import LiveBook
from framework.exchange.live_packages import need_packages, open_session
from framework.exchange.not_offered import unknown_interval, unknown_pairs
from framework.exchange.rate_budget import RateBudget
from framework.exchange.retries import insist
from framework.exchange.wire_values import Ohlcv
from framework.interfaces import Clock
from framework.market.rows import CandleRows
from framework.types import Interval

if TYPE_CHECKING:
    import aiohttp

    from framework.exchange.ccxt_listener import CcxtListener

T = TypeVar("T")

CandlePage = dict[int, Ohlcv]
"""Rows by open time."""


class CcxtConnection(Connection):
    """One exchange through ccxt.

    Parameters
    ----------
    name : str
        Of the exchange, for messages.
    clock : Clock
    budget : RateBudget
        Of requests.
    rng : Generator
        Spreads the waits before requests are repeated.
    symbols : sequence of str
        Pairs that are offered, to name the nearest of an unknown one.
    url, socket_url : str, optional
        Scheme and host in place of the exchange's own.
    timeout_s : float
        Of one request.
    retries : int
        Repetitions of one request.
    sandbox : bool
        Use the exchange's test network.
    """

    ccxt_name: ClassVar[str]
    """What ccxt calls the exchange."""

    timeframes: ClassVar[Mapping[Interval, str]]
    """Intervals of candles as the exchange writes them."""

    config: ClassVar[Mapping[str, Any]] = {}
    """Settings for ccxt's client."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        budget: RateBudget,
        rng: np.random.Generator,
        *,
        symbols: Sequence[str] = (),
        url: str | None = None,
        socket_url: str | None = None,
        timeout_s: float = 10.0,
        retries: int = 4,
        sandbox: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.rng = rng
        self.books: dict[str, LiveBook] = {}
        self._budget = budget
        self._symbols = symbols
        self._url = url
        self._socket_url = socket_url
        self.timeout_s = timeout_s
        self._retries = retries
        self._sandbox = sandbox
        self._session: aiohttp.ClientSession | None = None
        self._client: Any = None

    @abstractmethod
    def market_id(self, pair: str) -> str:
        """Return what the exchange calls a pair."""

    @abstractmethod
    async def candle_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandlePage:
        """Return the candles of at most a page, [start_ns, end_ns); others may be among them."""

    @abstractmethod
    def listener(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> CcxtListener:
        """Return what listens to one connection, from its beginning to its end."""

    async def first_candle(self, pair: str, interval: Interval, from_ns: int) -> int:
        """Return an open time before which there is no candle since `from_ns`; `from_ns` is one."""
        return from_ns

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns) that the exchange serves now."""
        self.timeframe(interval)
        found: CandlePage = {}
        start_ns, end_ns = interval.ceil(start_ns), interval.ceil(end_ns)
        at_ns = start_ns
        while at_ns < end_ns:
            # As long as one page, so that it holds all of them whichever end it begins at.
            to_ns = min(at_ns + self.offers.candle_page * interval.ns, end_ns)
            page = await self.candle_page(pair, interval, at_ns, to_ns)
            within = {time: row for time, row in page.items() if at_ns <= time < to_ns}
            found |= within
            at_ns = to_ns
            if not within and at_ns < end_ns:
                at_ns = max(at_ns, interval.ceil(await self.first_candle(pair, interval, at_ns)))
        return CandleRows.of(pair, found)

    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        """Connect, subscribe and hand on what is heard, until the connection ends."""
        need_packages(self.name, "ccxt")
        offered = channels if self.offers.candle_stream else channels - {Channel.CANDLES}
        if Channel.CANDLES in offered:
            self.timeframe(interval)
        self.books.clear()
        if Channel.BOOKS in offered:
            self.books.update((pair, LiveBook(pair)) for pair in pairs)
        try:
            await self.listener(pairs, interval, offered, hear).run()
        finally:
            for book in self.books.values():
                book.clear()

    async def close(self) -> None:
        """Give back what is held."""
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def timeframe(self, interval: Interval) -> str:
        """Return an interval as the exchange writes it; raise UserError where there is none."""
        if interval not in self.timeframes:
            raise unknown_interval("interval", self.name, interval, self.timeframes)
        return self.timeframes[interval]

    async def ask(
        self,
        what: str,
        call: Callable[[Any], Awaitable[Any]],
        read: Callable[[Any], T],
        *,
        cost: float = 1.0,
        pair: str | None = None,
    ) -> T:
        """Return what `read` makes of the answer to one request, repeated where that may help.

        Parameters
        ----------
        what : str
            What is asked for, for messages.
        call : callable
            Makes the request with ccxt's client.
        read : callable
            Raises `Unreadable`, or whatever a wrong answer makes it stumble over.
        cost : float
            In units of the budget.
        pair : str, optional
            The market asked about, which may be unknown.

        Raises
        ------
        ExchangeFault
        UserError
            The exchange does not know `pair`.
        """

        async def once() -> T:
            return await self._once(what, call, read, pair)

        return await insist(once, self.clock, self._budget, self.rng, self._retries, cost)

    async def turn(self, cost: float = 1.0) -> None:
        """Wait for the turn of something that is asked for on a socket."""
        await self._budget.take(self.clock, cost)

    async def _once(
        self,
        what: str,
        call: Callable[[Any], Awaitable[Any]],
        read: Callable[[Any], T],
        pair: str | None,
    ) -> T:
        client = self._asking()
        import ccxt

        from framework.exchange.ccxt_faults import fault_of

        try:
            async with self.clock.timeout(self.timeout_s):
                answer = await call(client)
        except Exception as error:
            fault = fault_of(self.name, what, error)
            if pair is None or not isinstance(error, ccxt.BadRequest):
                raise fault from error
        else:
            try:
                return read(answer)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise fault_of(self.name, what, error) from error
        if pair in await self.markets():
            raise fault
        raise await self.unknown_markets([pair])

    async def unknown_markets(self, pairs: Sequence[str]) -> UserError:
        """Return that there are no such pairs, naming the nearest of each."""
        known: Sequence[str] = self._symbols
        with suppress(ExchangeFault):  # the nearest of those that are configured will do
            known = list(await self.markets())
        return unknown_pairs(self.name, pairs, known)

    def open_client(self, **taps: Any) -> Any:
        """Return a client of ccxt's on this connection's session, to be closed after use."""
        need_packages(self.name, "ccxt")
        from framework.exchange.ccxt_client import open_client

        if self._session is None:
            self._session = open_session(self.name)
        return open_client(
            self.ccxt_name,
            self.clock,
            self._session,
            url=self._url,
            socket_url=self._socket_url,
            sandbox=self._sandbox,
            config={"timeout": 1_000_000, **self.config},
            **taps,
        )

    def _asking(self) -> Any:
        """Return the client that makes requests."""
        if self._client is None:
            self._client = self.open_client()
        return self._client
