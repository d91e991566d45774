"""What is really on the sockets of four protocols, frame by frame."""

import asyncio
import json
from itertools import pairwise

import pytest
from ccxt_clients import MINUTE_NS, NOON, served
from wire_speakers import kraken_checksums, read

from framework.loopback.order_book import BookView
from framework.loopback.virtual_time import run_virtual
from framework.loopback.wires.kraken_rows import checksum
from framework.types import SECOND_NS


async def frames_of(server, path, *sent, seconds=30):
    """Return the frames heard after sending some, read as JSON."""
    from aiohttp import ClientSession

    heard = []
    async with (
        ClientSession() as session,
        session.ws_connect(server.socket_url + path) as socket,
    ):
        for frame in sent:
            await socket.send_json(frame)
        try:
            async with asyncio.timeout(seconds):
                async for message in socket:
                    heard.append(read(message.data))
        except TimeoutError:
            pass
    return heard


def framed(name, path, *sent, script=(), seconds=30, **options):
    """Return the frames heard of a server."""

    async def run():
        async with served(name, *script, **options) as server:
            return await frames_of(server, path, *sent, seconds=seconds)

    return run_virtual(run())


def test_binance_says_when_a_candle_is_closed_also_a_quiet_one():
    wanted = {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 3}
    lull = (None, NOON + 40 * SECOND_NS, NOON + 160 * SECOND_NS)
    frames = framed("binance", "/ws", wanted, seconds=290, lulls=[lull])
    assert frames[0] == {"result": None, "id": 3}
    closed = [frame["k"] for frame in frames[1:] if frame["k"]["x"]]
    minute = NOON // MINUTE_NS * 60_000
    assert [row["t"] for row in closed] == [minute + nth * 60_000 for nth in range(5)]
    assert [row["T"] - row["t"] for row in closed] == [59_999] * 5
    quiet = closed[1]
    assert (quiet["v"], quiet["n"]) == ("0.00000000", 0)
    assert quiet["o"] == quiet["h"] == quiet["l"] == quiet["c"] == closed[0]["c"]


def test_binance_updates_follow_on_each_other_and_on_the_depth_asked_for():
    wanted = {"method": "SUBSCRIBE", "params": ["btcusdt@depth@100ms"], "id": 1}
    frames = framed("binance", "/ws/0", wanted)
    updates = frames[1:]
    assert len(updates) > 30
    assert all(old["u"] + 1 == new["U"] for old, new in pairwise(updates))
    assert all(update["U"] < update["u"] for update in updates)


def test_bitvavo_confirms_writes_prices_in_two_ways_and_counts_by_one():
    wanted = {"action": "subscribe", "channels": [{"name": "book", "markets": ["BTC-EUR"]}]}
    wanted["channels"].append({"name": "candles", "interval": ["1m"], "markets": ["ETH-EUR"]})
    ask = {"action": "getBook", "market": "BTC-EUR", "requestId": 5}
    frames = framed("bitvavo", "/v2/", wanted, ask)
    told = {"book": ["BTC-EUR"], "candles": {"1m": ["ETH-EUR"]}}
    assert frames[0] == {"event": "subscribed", "subscriptions": told}
    assert frames[1]["requestId"] == 5
    nonces = [frame["nonce"] for frame in frames[2:] if frame["event"] == "book"]
    first = frames[1]["response"]["nonce"]
    assert nonces == list(range(first + 1, first + 1 + len(nonces)))
    whole = [price for price, _ in frames[1]["response"]["bids"]]
    parts = [
        price for frame in frames[2:] if frame["event"] == "book" for price, _ in frame["bids"]
    ]
    assert any(len(price.partition(".")[2]) < 2 for price in whole)
    assert all(len(price.partition(".")[2]) == 2 for price in parts)


def test_bitvavo_tells_a_candle_when_something_was_traded_and_not_when_it_closes():
    names = ({"name": "trades"}, {"name": "candles", "interval": ["1m"]})
    channels = [{**name, "markets": ["BTC-EUR"]} for name in names]
    frames = framed("bitvavo", "/v2", {"action": "subscribe", "channels": channels}, seconds=200)
    told = [frame["event"] for frame in frames[1:]]
    assert told == ["trade", "candle"] * (len(told) // 2) and len(told) > 50


def test_kraken_confirms_each_pair_beats_and_tells_the_precision_of_numbers():
    books = {"channel": "book", "symbol": ["BTC/EUR", "BTC/XXX"], "depth": 25}
    sent = [{"method": "subscribe", "params": books, "req_id": 4}, {"method": "ping"}]
    sent.append({"method": "subscribe", "params": {"channel": "instrument"}})
    frames = framed("kraken", "/v2", *sent, sent[0], seconds=10)
    yes, no = ([f for f in frames if f.get("success") is told] for told in (True, False))
    book = {"channel": "book", "symbol": "BTC/EUR", "depth": 25, "snapshot": True}
    assert frames[0]["data"][0]["system"] == "online"
    assert (yes[0]["result"], yes[0]["req_id"]) == (book, 4)
    assert [frame["error"] for frame in no] == [
        "Currency pair not supported BTC/XXX",
        "Already subscribed",
        "Currency pair not supported BTC/XXX",
    ]
    assert any(frame.get("method") == "pong" for frame in frames)
    assert 9 <= sum(frame == {"channel": "heartbeat"} for frame in frames) <= 10
    pairs = next(f for f in frames if f.get("channel") == "instrument")["data"]["pairs"]
    assert (pairs[0]["symbol"], pairs[0]["price_precision"], pairs[0]["qty_precision"]) == (
        ("BTC/EUR", 2, 8)
    )
    snapshot = next(f for f in frames if f.get("type") == "snapshot" and f["channel"] == "book")
    assert len(snapshot["data"][0]["bids"]) == 25


def test_kraken_checksum_is_that_of_the_documented_example():
    """Of docs.kraken.com, guide "Book checksum (WebSocket v2)": its book and its 3310070434."""
    asks = "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911"
    asks += " 45290.2 0.15890660 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000"
    asks += " 45297.5 0.09945542 45299.5 0.18772827"
    bids = "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000"
    bids += " 45280.3 1.54592586 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000"
    bids += " 45277.3 1.54602737 45276.6 0.15445238"

    def levels(text):
        numbers = [int(word.replace(".", "")) for word in text.split()]
        return list(zip(numbers[::2], numbers[1::2], strict=True))

    assert checksum(BookView(1, 1, 0, levels(bids), levels(asks))) == 3310070434


@pytest.mark.parametrize("depth", [10, 25])
def test_kraken_checksums_hold_for_a_book_kept_from_the_frames_alone(depth):
    """As ccxt formats numbers and as the guide says to keep a book, with exact decimals."""
    params = {"channel": "book", "symbol": ["ETH/EUR"], "depth": depth}
    sent = {"method": "subscribe", "params": params}
    frames = framed("kraken", "/v2", sent, seconds=120)
    compared = kraken_checksums(frames, "ETH-EUR", depth)
    assert len(compared) > 120
    assert all(made == told for made, told in compared)


def test_coinbase_counts_all_frames_and_beats_for_who_asks():
    sent = [
        {"type": "subscribe", "channel": channel, "product_ids": ["BTC-USD"]}
        for channel in ("heartbeats", "level2", "market_trades")
    ]
    frames = framed("coinbase", "/", *sent)
    assert [frame["sequence_num"] for frame in frames] == list(range(len(frames)))
    assert [frame["channel"] for frame in frames[:5]] == [
        "subscriptions",
        *("l2_data", "subscriptions"),
        *("market_trades", "subscriptions"),
    ]
    assert frames[1]["events"][0]["type"] == "snapshot"
    beats = [f["events"][0]["heartbeat_counter"] for f in frames if f["channel"] == "heartbeats"]
    assert beats == list(range(1, len(beats) + 1)) and len(beats) >= 29
    told = frames[4]["events"][0]["subscriptions"]
    assert told["level2"] == told["market_trades"] == ["BTC-USD"]


@pytest.mark.parametrize(
    ("name", "path", "sent", "words"),
    [
        (
            "bitvavo",
            "/v2",
            {"action": "subscribe", "channels": [{"name": "trades", "markets": ["NO-EUR"]}]},
            "market parameter is invalid",
        ),
        ("bitvavo", "/v2", {"action": "getCoffee"}, '"errorCode": 110'),
        ("bitvavo", "/v2", {"action": "subscribe"}, '"errorCode": 203'),
        (
            "kraken",
            "/v2",
            {"method": "subscribe", "params": {"channel": "book", "symbol": ["NO/EUR"]}},
            "Currency pair not supported",
        ),
        (
            "kraken",
            "/v2",
            {
                "method": "subscribe",
                "params": {"channel": "ohlc", "symbol": ["BTC/EUR"], "interval": 7},
            },
            "interval not supported",
        ),
        ("kraken", "/v2", {"method": "subscribe", "params": {"channel": "tea"}}, "name invalid"),
        (
            "coinbase",
            "/",
            {"type": "subscribe", "channel": "level2", "product_ids": ["NO-USD"]},
            '"type": "error"',
        ),
        ("binance", "/ws", {"method": "SING", "id": 1}, "unknown variant"),
        ("binance", "/ws", ["not", "so"], "Invalid request"),
    ],
)
def test_a_wrong_subscription_is_declined_in_the_words_of_the_exchange(name, path, sent, words):
    frames = framed(name, path, sent, seconds=3)
    assert words in json.dumps(frames)


def test_binance_confirms_a_stream_that_does_not_exist_and_says_nothing_of_it():
    sent = {"method": "SUBSCRIBE", "params": ["nobtc@trade"], "id": 1}
    frames = framed("binance", "/ws", sent)
    assert frames == [{"result": None, "id": 1}]


@pytest.mark.parametrize(("name", "path"), [("kraken", "/v2"), ("coinbase", "/")])
def test_a_socket_without_a_subscription_is_closed_in_the_end(name, path):
    """Frames end of themselves: the server cuts the socket, long before the hour is over."""

    async def run():
        async with served(name) as server:
            await frames_of(server, path, seconds=3_600)
            return asyncio.get_running_loop().time()

    assert 55 < run_virtual(run()) < 80


@pytest.mark.parametrize(("name", "path"), [("binance", "/ws"), ("bitvavo", "/v2")])
def test_pings_keep_a_quiet_socket_open(name, path):
    async def run():
        async with served(name) as server:
            await frames_of(server, path, seconds=300)
            return asyncio.get_running_loop().time(), server.opened

    assert run_virtual(run()) == (pytest.approx(300, abs=1), 1)
