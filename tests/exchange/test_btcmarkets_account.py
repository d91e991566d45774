"""A look at the own account: signatures a server checks, and secrets that are never shown."""

import asyncio
import base64
import hashlib
import hmac

import pytest
from aiohttp import web
from btcmarkets_standin import Patient, client_of, standin
from pydantic import SecretStr

from framework.errors import UserError
from framework.exchange.btcmarkets import BtcMarkets
from framework.exchange.btcmarkets_account import Account, signature
from framework.exchange.faults import Refused
from framework.types import SECOND_NS, format_time, parse_time

SECRET = b"the secret of the owner"
KEY = "the-key"
NOW_NS = parse_time("2026-09-23T04:45:22")


def test_a_signature_is_that_of_method_path_time_and_body():
    # RFC 4231, test case 2: HMAC-SHA-512 of "what do ya want for nothing?" under "Jefe".
    known = (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    )
    text = "what do ya want for nothing?"
    assert hmac.new(b"Jefe", text.encode(), hashlib.sha512).hexdigest() == known
    headers = signature(SecretStr("k"), SECRET, "GET", "/v3/orders", 1790138722000)
    digest = hmac.new(SECRET, b"GET/v3/orders1790138722000", hashlib.sha512).digest()
    assert headers == {
        "BM-AUTH-APIKEY": "k",
        "BM-AUTH-TIMESTAMP": "1790138722000",
        "BM-AUTH-SIGNATURE": base64.b64encode(digest).decode(),
    }
    assert signature(SecretStr("k"), b"", "POST", "/x", 1, "{}") != signature(
        SecretStr("k"), b"", "POST", "/x", 1
    )


class Strict:
    """A server that checks every signature, whose clock is off from the client's."""

    def __init__(self, off_s=0):
        self.now_ns = NOW_NS + off_s * SECOND_NS

    def time(self, request):
        return {"timestamp": format_time(self.now_ns)}

    def signed(self, answer):
        def check(request):
            told = request.headers["BM-AUTH-TIMESTAMP"]
            if abs(int(told) * 1_000_000 - self.now_ns) > 25 * SECOND_NS:
                text = '{"code":"InvalidAuthTimestamp","message":"invalid auth timestamp"}'
                raise web.HTTPUnauthorized(text=text)
            expected = hmac.new(SECRET, f"GET{request.path}{told}".encode(), hashlib.sha512)
            given = base64.b64decode(request.headers["BM-AUTH-SIGNATURE"])
            if request.headers["BM-AUTH-APIKEY"] != KEY or given != expected.digest():
                text = '{"code":"InvalidAuthSignature","message":"invalid signature"}'
                raise web.HTTPUnauthorized(text=text)
            return answer(request)

        return check


def looking(work, answers, strict=None, secret=SECRET):
    strict = strict or Strict()

    async def run():
        async with standin() as server:
            server.answers["/v3/time"] = strict.time
            for path, answer in answers.items():
                server.answers[path] = strict.signed(answer)
            account = Account(
                client_of(server, Patient(NOW_NS)),
                SecretStr(KEY),
                SecretStr(base64.b64encode(secret).decode()),
            )
            try:
                return await work(account)
            finally:
                await account.close()

    return asyncio.run(run())


BALANCES = [
    {"assetName": "ETH", "balance": "1.07583642", "available": "1.0", "locked": "0.07583642"}
]


def test_balances_and_fees_are_read():
    async def both(account):
        return await account.balances(), await account.fees()

    rates = {"makerFeeRate": "-0.0005", "takerFeeRate": "0.002", "marketId": "ETH-BTC"}
    found, fees = looking(
        both,
        {
            "/v3/accounts/me/balances": lambda _: BALANCES,
            "/v3/accounts/me/trading-fees": lambda _: {
                "volume30Day": "0.0098",
                "feeByMarkets": [rates],
            },
        },
    )
    assert (found["ETH"].total, found["ETH"].available, found["ETH"].locked) == (
        1.07583642,
        1.0,
        0.07583642,
    )
    assert (fees["ETH-BTC"].maker_bps, fees["ETH-BTC"].taker_bps) == (-5.0, 20.0)


@pytest.mark.parametrize("off_s", [-3_600, 45, 86_400])
def test_the_exchanges_clock_counts(off_s):
    found = looking(
        lambda it: it.balances(), {"/v3/accounts/me/balances": lambda _: BALANCES}, Strict(off_s)
    )
    assert list(found) == ["ETH"]


def test_a_clock_that_moved_on_is_looked_up_again():
    strict = Strict()

    async def twice(account):
        await account.balances()
        strict.now_ns += 600 * SECOND_NS
        return await account.balances()

    found = looking(twice, {"/v3/accounts/me/balances": lambda _: BALANCES}, strict)
    assert list(found) == ["ETH"]


ORDER = {
    "orderId": "7524",
    "marketId": "BTC-AUD",
    "side": "Bid",
    "type": "Limit",
    "creationTime": "2019-08-30T11:08:21.956000Z",
    "price": "100.12",
    "amount": "1.034",
    "openAmount": "1.034",
    "status": "Accepted",
}


def test_open_orders_are_read_oldest_first():
    asked = []

    def answer(request):
        asked.append(dict(request.query))
        return [ORDER | {"orderId": "10000"}, ORDER]

    first, last = looking(lambda it: it.open_orders("BTC-AUD"), {"/v3/orders": answer})
    assert asked == [{"status": "open", "marketId": "BTC-AUD"}]
    assert (first.id, last.id, first.side, first.open_units) == ("7524", "10000", 1, 1.034)
    assert (first.kind, first.status, first.price) == ("Limit", "Accepted", 100.12)
    assert first.time == parse_time("2019-08-30T11:08:21.956")


@pytest.mark.parametrize("older", ["before", "after"])
def test_own_trades_are_walked_back_whichever_way_the_cursor_counts(older):
    newer = {"before": "after", "after": "before"}[older]
    rows = [
        {
            "id": str(36014819 + number),
            "marketId": "XRP-AUD",
            "timestamp": format_time(NOW_NS + number * SECOND_NS),
            "price": "0.67",
            "amount": "1.5",
            "side": "Ask",
            "fee": "0.0085",
            "orderId": "3648306",
            "liquidityType": "Maker" if number % 2 else "Taker",
        }
        for number in range(500)
    ]

    def answer(request):
        found = rows
        if older in request.query:
            found = [row for row in rows if int(row["id"]) < int(request.query[older])]
        if newer in request.query:
            found = [row for row in rows if int(row["id"]) > int(request.query[newer])]
        return found[: -int(request.query["limit"]) - 1 : -1]

    start_ns = NOW_NS + 120 * SECOND_NS
    found = looking(lambda it: it.trades_since("XRP-AUD", start_ns), {"/v3/trades": answer})
    assert [trade.id for trade in found] == [row["id"] for row in rows[120:]]
    assert (found[0].maker, found[1].maker, found[0].side, found[0].fee) == (
        False,
        True,
        -1,
        0.0085,
    )


def test_a_wrong_secret_is_refused_and_not_shown():
    with pytest.raises(Refused) as told:
        looking(
            lambda it: it.balances(),
            {"/v3/accounts/me/balances": lambda _: BALANCES},
            secret=b"another secret",
        )
    assert "InvalidAuthSignature" in str(told.value)
    assert KEY not in str(told.value)


def test_keys_that_are_missing_or_damaged_are_told_and_never_shown():
    with pytest.raises(UserError, match=r"exchange\.api_key: is empty; set BTCMARKETS_API_KEY"):
        BtcMarkets().account(Patient())
    with pytest.raises(UserError, match=r"exchange\.api_secret: is empty"):
        BtcMarkets(api_key=SecretStr(KEY)).account(Patient())
    exchange = BtcMarkets(api_key=SecretStr(KEY), api_secret=SecretStr("not in base64!"))
    with pytest.raises(UserError, match=r"exchange\.api_secret: is not the base64 text") as told:
        exchange.account(Patient())
    assert "not in base64!" not in str(told.value)
    assert KEY not in repr(exchange)
    assert "not in base64!" not in repr(exchange)
