"""BTC Markets' protocol as its reference has it: pages and cursors, subscriptions, signatures."""

import asyncio
import json
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from framework.loopback.script import Fault, Kind
from framework.loopback.server import LoopbackServer
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.loopback.wires.btcmarkets import BTCMarketsWire
from framework.loopback.wires.btcmarkets_account import KEY, SOCKET_PATH, sign
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, format_time, parse_time

NOON = parse_time("2026-03-04T12:00:20")
MINUTE = Interval.parse("1m")
BTC = "/v3/markets/BTC-AUD"
SUBSCRIBE = {"marketIds": ["BTC-AUD"], "channels": ["trade"], "messageType": "subscribe"}


@asynccontextmanager
async def served(*script, newer=True):
    from aiohttp import ClientSession

    truth = Truth(7, ("BTC-AUD", "XRP-AUD"), Interval.parse("5s"), 0.5)
    server = LoopbackServer(BTCMarketsWire(newer), truth, LoopClock(NOON), script)
    async with server, ClientSession() as session:
        yield server, session


def asked(*paths, headers=None, newer=True):
    """Return the answers to requests made one after the other, and the truth."""

    async def ask():
        found = []
        async with served(newer=newer) as (server, session):
            for path in paths:
                async with session.get(server.url + path, headers=headers) as answer:
                    found.append((answer.status, await answer.json(), answer.headers))
        return found, server.truth

    return run_virtual(ask())


def told(*sent, seconds=20, pause=0.0, script=()):
    """Return what is said on a socket after frames are sent; None at its end if it was closed."""

    async def listen():
        heard = []
        async with (
            served(*script) as (server, session),
            session.ws_connect(f"{server.socket_url}/v2") as socket,
        ):
            await asyncio.sleep(pause)
            for frame in sent:
                await socket.send_json(frame)
                await asyncio.sleep(0.05)
            try:
                async with asyncio.timeout(seconds):
                    async for message in socket:
                        heard.append(json.loads(message.data))
                heard.append(None)
            except TimeoutError:
                pass
        return heard

    return run_virtual(listen())


def test_the_time_has_six_digits():
    ((_, time, _),), _ = asked("/v3/time")
    assert time == {"timestamp": "2026-03-04T12:00:20.000000Z"}


def test_markets_say_how_numbers_are_written():
    ((_, markets, _),), _ = asked("/v3/markets")
    assert [(m["marketId"], m["priceDecimals"], m["amountDecimals"]) for m in markets] == [
        ("BTC-AUD", "2", "8"),
        ("XRP-AUD", "4", "6"),
    ]


def test_paged_candles_are_newest_first_ten_unless_told_and_the_running_one_is_among_them():
    ((_, rows, _),), truth = asked(f"{BTC}/candles?timeWindow=1m")
    true = truth.candles("BTC-AUD", MINUTE, NOON - 100 * MINUTE.ns, NOON, NOON)[-10:]
    assert [parse_time(row[0]) for row in rows] == [candle.time for candle in true][::-1]
    assert parse_time(rows[0][0]) == MINUTE.floor(NOON)
    market = truth.markets["BTC-AUD"]
    assert rows[-1][1:] == [
        *(market.price_text(price, padded=False) for price in true[0][1:5]),
        market.units_text(true[0].volume, padded=False),
    ]


def test_candles_of_a_range_are_ascending_and_quiet_intervals_absent():
    start, end = NOON - 600 * MINUTE.ns, NOON - 100 * MINUTE.ns
    path = f"{BTC}/candles?timeWindow=1m&from={format_time(start)}&to={format_time(end)}"
    ((_, rows, _),), truth = asked(path)
    true = truth.candles("BTC-AUD", MINUTE, start, end + 1, NOON)
    times = [parse_time(row[0]) for row in rows]
    assert times == [candle.time for candle in true] == sorted(times)
    assert 400 < len(times) < 500


def test_a_page_has_two_hundred_candles_and_a_range_a_thousand_at_most():
    start = format_time(NOON - 3_000 * MINUTE.ns)
    found, _ = asked(
        f"{BTC}/candles?timeWindow=1m&limit=200",
        f"{BTC}/candles?timeWindow=1m&limit=201",
        f"{BTC}/candles?timeWindow=1m&from={start}",
        f"{BTC}/candles?timeWindow=1m&from={start}&limit=100",
    )
    (_, page, _), (status, body, _), (_, ranged, _), (both, _, _) = found
    assert len(page) == 200
    assert (status, body["code"]) == (400, "InvalidPaginationParameter")
    assert len(ranged) == 1_000
    assert both == 400


def test_candles_are_a_day_long_unless_told():
    ((_, rows, _),), _ = asked(f"{BTC}/candles?limit=3")
    days = [f"2026-03-0{day}T00:00:00.000000Z" for day in (4, 3, 2)]
    assert [row[0] for row in rows] == days


@pytest.mark.parametrize("newer", [True, False])
def test_cursors_lead_to_all_trades_in_either_reading(newer):
    """The headers name the ends of a page; which parameter leads where is not known."""
    older, later = ("after", "before") if newer else ("before", "after")

    async def walk():
        async with served(newer=newer) as (server, session):

            async def page(query):
                async with session.get(f"{server.url}{BTC}/trades?limit=50{query}") as answer:
                    rows = await answer.json()
                    assert answer.headers["BM-BEFORE"] == rows[0]["id"]
                    assert answer.headers["BM-AFTER"] == rows[-1]["id"]
                    return [int(row["id"]) for row in rows]

            pages = [await page("")]
            for _ in range(3):
                pages.append(await page(f"&{older}={pages[-1][-1]}"))
            back = await page(f"&{later}={pages[2][0]}")
            return pages, back, server.truth

    pages, back, truth = run_virtual(walk())
    ids = [one for page in pages for one in page]
    assert ids == truth.newest("BTC-AUD", NOON, 200).id.tolist()[::-1]
    assert back == pages[1]


def test_the_book_is_of_single_orders():
    ((_, book, _), (_, whole, _)), _ = asked(f"{BTC}/orderbook", f"{BTC}/orderbook?level=2")
    assert len(book["bids"]) == len(book["asks"]) == 50
    prices = [float(price) for price, _ in book["bids"]]
    assert prices == sorted(prices, reverse=True)
    assert any(one == next_one for one, next_one in pairwise(prices))
    assert len(whole["bids"]) > 50


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v3/markets/NO-SUCH/trades", 404, "MarketNotFound"),
        ("/v3/markets/tickers?marketId=BTC-AUD&marketId=NO-SUCH", 400, "InvalidMarketId"),
        (f"{BTC}/orderbook?level=3", 400, "InvalidOrderbookLevel"),
        (f"{BTC}/candles?timeWindow=7m", 400, "InvalidTimeWindow"),
        (f"{BTC}/trades?before=yesterday", 400, "InvalidPaginationParameter"),
        ("/v3/nothing", 404, "NotFound"),
        ("/v3/accounts/me/balances", 401, "InvalidAPIKey"),
    ],
)
def test_a_wrong_question_is_refused_with_a_code(path, status, code):
    ((answered, body, _),), _ = asked(path)
    assert (answered, body["code"]) == (status, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"BM-AUTH-APIKEY": "another"}, "InvalidAPIKey"),
        ({"BM-AUTH-SIGNATURE": sign("something else")}, "InvalidAuthSignature"),
        ({"BM-AUTH-SIGNATURE": "no base64"}, "InvalidAuthSignature"),
        ({"BM-AUTH-TIMESTAMP": str(NOON // 1_000_000 + 31_000)}, "InvalidAuthTimestamp"),
        ({"BM-AUTH-TIMESTAMP": "now"}, "InvalidAuthTimestamp"),
    ],
)
def test_signed_requests_are_answered_to_who_signs_them(change, code):
    path, timestamp = "/v3/accounts/me/balances", str(NOON // 1_000_000)
    headers = {
        "BM-AUTH-APIKEY": KEY,
        "BM-AUTH-TIMESTAMP": timestamp,
        "BM-AUTH-SIGNATURE": sign(f"GET{path}{timestamp}"),
    }
    ((status, body, _),), _ = asked(path, headers=headers | change)
    if code is None:
        held = {"assetName": "BTC", "balance": "1", "available": "0.75", "locked": "0.25"}
        assert status == 200
        assert held in body
    else:
        assert (status, body["code"]) == (401, code)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (SUBSCRIBE | {"marketIds": ["BTC-AUD", "NO-SUCH"]}, 3),
        (SUBSCRIBE | {"channels": ["trade", "gossip"]}, 3),
        (SUBSCRIBE | {"messageType": "shout"}, 3),
        (SUBSCRIBE | {"channels": ["orderChange"]}, 1),
    ],
)
def test_one_wrong_word_rejects_the_whole_frame(frame, code):
    (error,) = told(frame)
    assert (error["messageType"], error["code"]) == ("error", code)


def test_a_signed_subscription_is_not_rejected():
    timestamp = str(NOON // 1_000_000)
    key = {"key": KEY, "timestamp": timestamp, "signature": sign(f"{SOCKET_PATH}\n{timestamp}")}
    assert told(SUBSCRIBE | {"channels": ["orderChange"]} | key) == []


def test_heartbeats_come_every_five_seconds_and_say_what_is_subscribed_to():
    heard = told(SUBSCRIBE | {"channels": ["trade", "heartbeat"]}, seconds=19)
    beats = [frame for frame in heard if frame["messageType"] == "heartbeat"]
    channels = [{"name": "trade", "marketIds": ["BTC-AUD"]}]
    assert beats == [{"messageType": "heartbeat", "channels": channels}] * 3


def test_subscriptions_replace_add_and_remove():
    book = {"channels": ["orderbookUpdate"]}
    add, remove = {"messageType": "addSubscription"}, {"messageType": "removeSubscription"}
    xrp = {"marketIds": ["XRP-AUD"]}
    replaced = told(SUBSCRIBE | book, SUBSCRIBE | book | xrp)
    assert {frame["marketId"] for frame in replaced[1:]} == {"XRP-AUD"}
    added = told(SUBSCRIBE | book, SUBSCRIBE | book | add)
    snapshots = [frame for frame in added if frame.get("snapshot")]
    assert len(snapshots) == 2  # a fresh one
    removed = told(SUBSCRIBE | book, SUBSCRIBE | book | remove)
    assert [frame.get("snapshot") for frame in removed] == [True]


def test_a_tick_sums_up_a_market_after_each_trade():
    ticks = told(SUBSCRIBE | {"channels": ["tick"]}, seconds=60)
    assert len(ticks) > 5
    assert all(frame["messageType"] == "tick" and frame["snapshotId"] for frame in ticks)
    assert all(float(tick["low24h"]) <= float(tick["lastPrice"]) for tick in ticks)


def test_a_socket_without_traffic_is_closed_after_a_minute():
    assert told(seconds=59) == []
    assert told(seconds=62) == [None]
    beats = told(SUBSCRIBE | {"channels": ["heartbeat"]}, seconds=200)
    assert len(beats) == 40 and None not in beats


def test_changes_older_than_a_snapshot_have_a_smaller_number():
    early = Fault(Kind.EARLY_DELTAS, 0, 100)
    heard = told(SUBSCRIBE | {"channels": ["orderbookUpdate"]}, pause=20, script=(early,))
    numbers = [frame["snapshotId"] for frame in heard]
    assert heard[0]["snapshot"]
    assert [number <= numbers[0] for number in numbers[1:7]] == [True] * 5 + [False]


def test_too_many_requests_are_refused():
    found, _ = asked(*["/v3/time"] * 160)
    statuses = [status for status, _, _ in found]
    assert statuses == [200] * 150 + [429] * 10
    assert found[-1][2]["Retry-After"] == "10"


def test_the_clock_of_the_loop_is_the_exchanges():
    async def ask():
        async with served() as (server, session):
            await asyncio.sleep(3_600)
            async with session.get(f"{server.url}/v3/time") as answer:
                return parse_time((await answer.json())["timestamp"])

    assert run_virtual(ask()) == NOON + 3_600 * SECOND_NS
