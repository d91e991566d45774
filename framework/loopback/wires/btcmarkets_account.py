"""BTC Markets' signed requests: who asks is checked, and the answers are always the same."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from framework.loopback.venue import Venue
from framework.loopback.wire import Answer

if TYPE_CHECKING:
    from aiohttp.web import Request

KEY = "loopback-key"
SECRET = base64.b64encode(b"a secret that only the loopback exchange knows").decode()
SOCKET_PATH = "/users/self/subscribe"

_MOST_OFF_MS = 30_000


def sign(text: str, secret: str = SECRET) -> str:
    """Return the signature of `text`: HMAC-SHA512 in base64."""
    mac = hmac.new(base64.b64decode(secret), text.encode(), hashlib.sha512)
    return base64.b64encode(mac.digest()).decode()


def is_signed(text: str, signature: object) -> bool:
    """Tell whether `signature` is that of `text`."""
    try:
        return isinstance(signature, str) and hmac.compare_digest(sign(text), signature)
    except (binascii.Error, TypeError):
        return False


def trespass(request: Request, venue: Venue) -> Answer | None:
    """Return the refusal of a request that is not signed as it must be, or None."""
    if request.headers.get("BM-AUTH-APIKEY") != KEY:
        return _no("InvalidAPIKey", "invalid api key")
    timestamp = request.headers.get("BM-AUTH-TIMESTAMP", "")
    if not timestamp.isdigit() or abs(int(timestamp) - venue.now_ns() // 1_000_000) > _MOST_OFF_MS:
        return _no("InvalidAuthTimestamp", "invalid auth timestamp, within a minute of UTC")
    text = f"{request.method}{request.path}{timestamp}"
    if not is_signed(text, request.headers.get("BM-AUTH-SIGNATURE")):
        return _no("InvalidAuthSignature", "invalid auth signature")
    return None


def balances(venue: Venue) -> list[dict[str, str]]:
    """Return a thousand of each quote currency and one of each base, a quarter of it locked."""
    assets = dict.fromkeys(market.quote for market in venue.markets())
    held = [
        {"assetName": asset, "balance": "1000", "available": "1000", "locked": "0"}
        for asset in assets
    ]
    return held + [
        {"assetName": market.base, "balance": "1", "available": "0.75", "locked": "0.25"}
        for market in venue.markets()
    ]


def trading_fees(venue: Venue) -> dict[str, object]:
    """Return the rates of who has traded little in thirty days."""
    return {
        "volume30Day": "0.0098",
        "feeByMarkets": [
            {"makerFeeRate": "0.0085", "takerFeeRate": "0.0085", "marketId": market.pair}
            for market in venue.markets()
        ],
    }


def orders(venue: Venue) -> list[dict[str, str]]:
    """Return one open order of each market, for the units that are locked, at half its level."""
    return [
        {
            "orderId": str(7524 + number),
            "marketId": market.pair,
            "side": "Ask",
            "type": "Limit",
            "creationTime": "2019-08-30T11:08:21.956000Z",
            "price": market.price_text(round(2 * market.level * 10**market.price_decimals)),
            "amount": "0.25",
            "openAmount": "0.25",
            "status": "Placed",
        }
        for number, market in enumerate(venue.markets())
    ]


def _no(code: str, message: str) -> Answer:
    return Answer({"code": code, "message": message}, 401)
