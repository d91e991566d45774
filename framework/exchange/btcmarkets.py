"""BTC Markets, an exchange in Australia; native, without ccxt, which has no socket for it."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np
from pydantic import Field, NonNegativeFloat, SecretStr

from framework.config.component import component
from framework.errors import UserError
from framework.exchange.btcmarkets_account import Account
from framework.exchange.btcmarkets_connection import BtcMarketsConnection
from framework.exchange.btcmarkets_socket import MarketSocket
from framework.exchange.http import JsonClient
from framework.exchange.live_exchange import LiveExchange
from framework.exchange.rate_budget import RateBudget
from framework.interfaces import Clock
from framework.market.rules import MarketRules
from framework.types import Interval, parse_time

_URL = "https://api.btcmarkets.net"
_SOCKET_URL = "wss://socket.btcmarkets.net/v2"


@component
class BtcMarkets(LiveExchange):
    """The exchange's third REST interface and its second socket; spot markets only.

    It has no stream of candles: they are made of trades, and confirmed by requests. Nobody but
    residents of Australia gets an account; prices are open to all.
    """

    intervals: ClassVar[tuple[Interval, ...]] = tuple(
        Interval.parse(text) for text in "1m 3m 5m 15m 30m 1h 2h 3h 4h 6h 1d".split()
    )
    begins: ClassVar[int] = parse_time("2014-01-01")

    name: str = "btcmarkets"
    """Name under which its candles are stored."""

    maker_fee_bps: float = Field(default=85.0, ge=-100, le=1_000)
    """Fee of an order that rested in the book, in basis points of its value; negative: rebate."""

    taker_fee_bps: NonNegativeFloat = Field(default=85.0, le=1_000)
    """Fee of an order that took from the book, in basis points of its value."""

    symbols: tuple[str, ...] = ("BTC-AUD", "ETH-AUD", "SOL-AUD", "ADA-AUD", "XRP-AUD")
    """Pairs traded when the configuration names none, ``BASE-QUOTE`` each."""

    market: MarketRules = MarketRules(lot_step=1e-8, tick_size=0.01)
    """Rounding and minimum size of orders."""

    api_key: SecretStr = SecretStr("")
    """Of the owner's account; needed for nothing but a look at it."""

    api_secret: SecretStr = SecretStr("")
    """Of the owner's account, in base64 as the exchange gives it."""

    def connect(self, clock: Clock) -> BtcMarketsConnection:
        """Return a way to the exchange, to be used in the event loop that runs now."""
        # At most so many in any ten seconds: 150 requests, 3 new sockets.
        requests = RateBudget(f"{self._budget} requests", per_second=12.0, burst=30.0)
        sockets = RateBudget(f"{self._budget} sockets", per_second=0.2, burst=1.0)
        url = self.socket_url or _SOCKET_URL
        return BtcMarketsConnection(
            self._client(clock, requests),
            MarketSocket(self.name, url, clock, sockets, self.timeout),
        )

    def account(self, clock: Clock) -> Account:
        """Return a look at the owner's account, to be used in the event loop that runs now.

        Raises
        ------
        UserError
            A key is missing or damaged.
        """
        for key, value in (("api_key", self.api_key), ("api_secret", self.api_secret)):
            if not value.get_secret_value():
                raise UserError(
                    f"exchange.{key}: is empty; set BTCMARKETS_{key.upper()} in the environment or "
                    "in the file .env."
                )
        budget = RateBudget(f"{self._budget} private", per_second=4.0, burst=10.0)
        return Account(self._client(clock, budget), self.api_key, self.api_secret)

    @property
    def _budget(self) -> str:
        """Of whom the budgets are: the exchange itself, or whatever answers in its place."""
        return f"{self.name} {urlsplit(self.url).netloc}" if self.url else self.name

    def _client(self, clock: Clock, budget: RateBudget) -> JsonClient:
        return JsonClient(
            self.name,
            self.url or _URL,
            clock,
            budget,
            self.timeout,
            self.retries,
            np.random.default_rng(clock.now_ns() % 2**63),
        )
