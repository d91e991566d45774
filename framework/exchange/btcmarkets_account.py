"""A look at the owner's account at BTC Markets: balances, fees, orders and own trades."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from framework.errors import UserError
from framework.exchange.btcmarkets_pages import PAGE, Cursor, Page, Pager, cursors_of_ids
from framework.exchange.btcmarkets_requests import PublicRequests
from framework.exchange.btcmarkets_values import (
    fields_of,
    id_of,
    list_of,
    number_of,
    side_of,
    text_of,
    time_of,
)
from framework.exchange.faults import Refused
from framework.exchange.http import Answer, JsonClient

T = TypeVar("T")
E = TypeVar("E")

_MOST_PAGES = 50
_MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Balance:
    """What is held of one asset.

    Parameters
    ----------
    asset : str
    total, available, locked : float
        Units of it; locked ones are promised to orders.
    """

    asset: str
    total: float
    available: float
    locked: float


@dataclass(frozen=True, slots=True)
class FeeRates:
    """What the owner pays in one market.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    maker_bps, taker_bps : float
        Of the value; negative: rebate.
    """

    pair: str
    maker_bps: float
    taker_bps: float


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One order as the exchange has it.

    Parameters
    ----------
    id : str
    client_id : str
        Its owner's name of it, or empty.
    pair : str
        ``BASE-QUOTE``.
    time : int
        Of its making, UTC ns.
    side : int
        1: buy, -1: sell.
    kind, status : str
        In the exchange's words, such as ``Limit`` and ``Partially Matched``.
    price : float
        Quote currency; NaN: it has none.
    units, open_units : float
        Base currency.
    """

    id: str
    client_id: str
    pair: str
    time: int
    side: int
    kind: str
    status: str
    price: float
    units: float
    open_units: float


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """One fill of an order.

    Parameters
    ----------
    id, order_id : str
    pair : str
        ``BASE-QUOTE``.
    time : int
        UTC ns.
    side : int
        1: bought, -1: sold.
    price : float
        Quote currency.
    units : float
        Base currency.
    fee : float
        As told: quote currency in AUD markets.
    maker : bool
        Whether the order rested in the book.
    """

    id: str
    order_id: str
    pair: str
    time: int
    side: int
    price: float
    units: float
    fee: float
    maker: bool


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
            found = [_balance(fields_of(entry)) for entry in list_of(answer.body)]
            return {balance.asset: balance for balance in found}

        return await self._get("/v3/accounts/me/balances", read)

    async def fees(self) -> dict[str, FeeRates]:
        """Return the rates that the owner pays today, by pair."""

        def read(answer: Answer) -> dict[str, FeeRates]:
            entries = list_of(fields_of(answer.body).get("feeByMarkets"))
            found = [_fees(fields_of(entry)) for entry in entries]
            return {rates.pair: rates for rates in found}

        return await self._get("/v3/accounts/me/trading-fees", read)

    async def open_orders(self, pair: str | None = None) -> list[OwnOrder]:
        """Return the orders that may still fill, oldest first."""

        def read(answer: Answer) -> list[OwnOrder]:
            return [_order(fields_of(entry)) for entry in list_of(answer.body)]

        query = [("status", "open"), *([("marketId", pair)] if pair else [])]
        return sorted(await self._get("/v3/orders", read, query), key=lambda it: int(it.id))

    async def orders_since(self, pair: str, start_ns: int) -> list[OwnOrder]:
        """Return all orders made since a moment, oldest first."""
        query = [("marketId", pair), ("status", "all")]
        found = await self._back("/v3/orders", query, _order, lambda it: it.time < start_ns)
        return [order for order in found if order.time >= start_ns]

    async def trades_since(self, pair: str, start_ns: int) -> list[OwnTrade]:
        """Return the owner's trades since a moment, oldest first."""
        query = [("marketId", pair)]
        found = await self._back("/v3/trades", query, _own_trade, lambda it: it.time < start_ns)
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
            objects = [fields_of(entry) for entry in list_of(answer.body)]
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
            return signature(self._key, self._secret, "GET", path, now_ns // _MS_NS)

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


def _balance(entry: dict[str, Any]) -> Balance:
    total, available, locked = (
        number_of(entry.get(key)) for key in ("balance", "available", "locked")
    )
    return Balance(text_of(entry.get("assetName")), total, available, locked)


def _fees(entry: dict[str, Any]) -> FeeRates:
    maker, taker = (number_of(entry.get(key)) for key in ("makerFeeRate", "takerFeeRate"))
    # Rates have at most eight decimals; a product of floats would show more.
    return FeeRates(text_of(entry.get("marketId")), round(maker * 1e4, 6), round(taker * 1e4, 6))


def _order(entry: dict[str, Any]) -> OwnOrder:
    return OwnOrder(
        id_of(entry.get("orderId")),
        str(entry.get("clientOrderId") or ""),
        text_of(entry.get("marketId")),
        time_of(entry.get("creationTime")),
        side_of(entry.get("side")),
        text_of(entry.get("type")),
        text_of(entry.get("status")),
        number_of(entry.get("price", "nan")),
        number_of(entry.get("amount")),
        number_of(entry.get("openAmount")),
    )


def _own_trade(entry: dict[str, Any]) -> OwnTrade:
    return OwnTrade(
        id_of(entry.get("id")),
        id_of(entry.get("orderId")),
        text_of(entry.get("marketId")),
        time_of(entry.get("timestamp")),
        side_of(entry.get("side")),
        number_of(entry.get("price")),
        number_of(entry.get("amount")),
        number_of(entry.get("fee")),
        entry.get("liquidityType") == "Maker",
    )
