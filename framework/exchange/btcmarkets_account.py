"""A look at the owner's account at BTC Markets: balances, fees, orders and own trades."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import SecretStr

from framework.errors import UserError
from framework.exchange.btcmarkets_entries import (
    Balance,
    FeeRates,
    OwnOrder,
    OwnTrade,
    balance_of,
    fees_of,
    order_of,
    own_trade_of,
)
from framework.exchange.btcmarkets_pages import PAGE, Cursor, Page, Pager, cursors_of_ids
from framework.exchange.btcmarkets_requests import PublicRequests
from framework.exchange.btcmarkets_values import id_of
from framework.exchange.faults import Refused
from framework.exchange.http import Answer, JsonClient
from framework.exchange.wire_values import dict_of, list_of
from framework.types import MS_NS

T = TypeVar("T")
E = TypeVar("E")

_MOST_PAGES = 50


class Account:
    """Signs requests and reads their answers; it can change nothing.

    The exchange refuses a signature whose time is off, so that its own clock counts, which is
    looked up before the first request and again after a refusal.

    Parameters
    ----------
    client : JsonClient
    key, secret : SecretStr
        As the exchange gave them; the secret is written in base64.

    Raises
    ------
    UserError
        The secret is not in base64.
    """

    def __init__(self, client: JsonClient, key: SecretStr, secret: SecretStr) -> None:
        self._client = client
        self._key = key
        self._offset_ns: int | None = None
        self._pagers = {"/v3/orders": Pager(), "/v3/trades": Pager()}
        try:
            self._secret = base64.b64decode(secret.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raise UserError(
                f"exchange.api_secret: is not the base64 text that {client.exchange} gave; "
                "copy it whole."
            ) from None

    async def balances(self) -> dict[str, Balance]:
        """Return what is held, by asset."""

        def read(answer: Answer) -> dict[str, Balance]:
            found = [balance_of(dict_of(entry)) for entry in list_of(answer.body)]
            return {balance.asset: balance for balance in found}

        return await self._get("/v3/accounts/me/balances", read)

    async def fees(self) -> dict[str, FeeRates]:
        """Return the rates that the owner pays today, by pair."""

        def read(answer: Answer) -> dict[str, FeeRates]:
            entries = list_of(dict_of(answer.body).get("feeByMarkets"))
            found = [fees_of(dict_of(entry)) for entry in entries]
            return {rates.pair: rates for rates in found}

        return await self._get("/v3/accounts/me/trading-fees", read)

    async def open_orders(self, pair: str | None = None) -> list[OwnOrder]:
        """Return the orders that may still fill, oldest first."""

        def read(answer: Answer) -> list[OwnOrder]:
            return [order_of(dict_of(entry)) for entry in list_of(answer.body)]

        query = [("status", "open"), *([("marketId", pair)] if pair else [])]
        return sorted(await self._get("/v3/orders", read, query), key=lambda it: int(it.id))

    async def orders_since(self, pair: str, start_ns: int) -> list[OwnOrder]:
        """Return all orders made since a moment, oldest first."""
        query = [("marketId", pair), ("status", "all")]
        found = await self._back("/v3/orders", query, order_of, lambda it: it.time < start_ns)
        return [order for order in found if order.time >= start_ns]

    async def trades_since(self, pair: str, start_ns: int) -> list[OwnTrade]:
        """Return the owner's trades since a moment, oldest first."""
        query = [("marketId", pair)]
        found = await self._back("/v3/trades", query, own_trade_of, lambda it: it.time < start_ns)
        return [trade for trade in found if trade.time >= start_ns]

    async def close(self) -> None:
        """Give back what is held."""
        await self._client.close()

    async def _back(
        self,
        path: str,
        query: Sequence[tuple[str, str]],
        entry_of: Callable[[dict[str, Any]], E],
        enough: Callable[[E], bool],
    ) -> list[E]:
        """Return entries from the newest back to where it is `enough`, oldest first."""

        def read(answer: Answer) -> Page[E]:
            objects = [dict_of(entry) for entry in list_of(answer.body)]
            ids = [id_of(entry.get("id", entry.get("orderId"))) for entry in objects]
            entries = {int(name): entry_of(entry) for name, entry in zip(ids, objects, strict=True)}
            return Page(entries, cursors_of_ids(entries))

        def ask(cursor: tuple[Cursor, ...]) -> Awaitable[Page[E]]:
            return self._get(path, read, [*query, ("limit", str(PAGE)), *cursor])

        seen, _ = await self._pagers[path].back(ask, enough, _MOST_PAGES)
        return [seen[key] for key in sorted(seen)]

    async def _get(
        self,
        path: str,
        read: Callable[[Answer], T],
        query: Sequence[tuple[str, str]] = (),
    ) -> T:
        if self._offset_ns is not None:
            try:
                return await self._client.get(path, read, query, sign=self._signed(path))
            except Refused as fault:
                if "timestamp" not in fault.what.lower():
                    raise
        asked_ns = self._client.clock.now_ns()
        self._offset_ns = await PublicRequests(self._client).time() - asked_ns
        return await self._client.get(path, read, query, sign=self._signed(path))

    def _signed(self, path: str) -> Callable[[], Mapping[str, str]]:
        """Return what makes the headers of one attempt."""

        def sign() -> dict[str, str]:
            now_ns = self._client.clock.now_ns() + (self._offset_ns or 0)
            return signature(self._key, self._secret, "GET", path, now_ns // MS_NS)

        return sign


def signature(
    key: SecretStr, secret: bytes, method: str, path: str, time_ms: int, body: str = ""
) -> dict[str, str]:
    """Return the headers of a private request.

    Parameters
    ----------
    key : SecretStr
    secret : bytes
        Decoded.
    method : str
        In capitals.
    path : str
        Without the query.
    time_ms : int
        The exchange's time, UTC.
    body : str
        As it is sent.
    """
    signed = f"{method}{path}{time_ms}{body}".encode()
    digest = hmac.new(secret, signed, hashlib.sha512).digest()
    return {
        "BM-AUTH-APIKEY": key.get_secret_value(),
        "BM-AUTH-TIMESTAMP": str(time_ms),
        "BM-AUTH-SIGNATURE": base64.b64encode(digest).decode(),
    }
