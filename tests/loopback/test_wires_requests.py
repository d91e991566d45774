"""What ccxt reads of the requests of four protocols is the truth."""

import json

import pytest
from ccxt_clients import (
    MINUTE_NS,
    NAMES,
    NOON,
    ccxt_at,
    filled,
    served,
    symbol_of,
    true_rows,
)

from framework.exchange.price_levels import BASES
from framework.loopback.script import Fault, Kind
from framework.loopback.virtual_time import run_virtual
from framework.types import SECOND_NS

FLAT_WHEN_QUIET = {"binance", "kraken"}
NEWEST_FIRST = {"bitvavo", "coinbase"}
MOST_CANDLES = {"binance": 1_000, "bitvavo": 1_440, "kraken": 720, "coinbase": 350}
MS_NS = 1_000_000


def judged(name, judge, *script, **options):
    """Run `judge(server, exchange)` in jumping time."""

    async def run():
        async with served(name, *script, **options) as server, ccxt_at(server) as exchange:
            return await judge(server, exchange)

    return run_virtual(run())


async def answer_of(server, path, **query):
    """Return what is really on the wire."""
    from aiohttp import ClientSession

    async with ClientSession() as session, session.get(server.url + path, params=query) as answer:
        return answer.status, answer.headers, await answer.text()


@pytest.mark.parametrize("name", NAMES)
def test_the_time_is_that_of_the_exchange(name):
    async def judge(server, exchange):
        return await exchange.fetch_time()

    told = judged(name, judge, Fault(Kind.SKEW, 0, value=7.0))
    # Kraken and Coinbase tell whole seconds.
    assert told == NOON // MS_NS + 7_000


@pytest.mark.parametrize("name", NAMES)
def test_markets_are_read_with_their_ticks_and_lots(name):
    async def judge(server, exchange):
        await exchange.load_markets()
        return server.truth.markets, exchange.markets

    true, read = judged(name, judge)
    assert len(read) == len(true) == 2
    for pair, market in true.items():
        found = read[symbol_of(pair)]
        assert found["active"] and found["spot"]
        assert found["precision"]["price"] == 10.0**-market.price_decimals
        assert found["precision"]["amount"] == 10.0**-market.unit_decimals
        assert market.base in BASES


@pytest.mark.parametrize("name", NAMES)
def test_candles_are_those_of_the_trades_and_the_last_one_is_running(name):
    async def judge(server, exchange):
        pair = server.wire.pairs[0]
        start = NOON // MINUTE_NS * MINUTE_NS - 30 * MINUTE_NS
        query = {"until": NOON // MS_NS} if name == "coinbase" else {}
        read = await exchange.fetch_ohlcv(symbol_of(pair), "1m", start // MS_NS, 300, query)
        true = true_rows(server, pair, start, NOON, until_ns=NOON)
        assert len(true) < 31 or name in FLAT_WHEN_QUIET
        if name in FLAT_WHEN_QUIET:
            before = true_rows(server, pair, start - 60 * MINUTE_NS, start)[-1][4]
            true = filled(true, start, NOON, MINUTE_NS, before)
        return read, true, start

    lull = (None, NOON - 20 * MINUTE_NS, NOON - 12 * MINUTE_NS)
    read, true, start = judged(name, judge, lulls=[lull])
    assert [tuple(row) for row in read] == [
        (row[0] // MS_NS, *row[1:5], pytest.approx(row[5], rel=1e-12)) for row in true
    ]
    assert read[-1][0] == (start + 30 * MINUTE_NS) // MS_NS


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_limit_and_its_order(name):
    paths = {
        "binance": "/api/v3/klines",
        "bitvavo": "/v2/BTC-EUR/candles",
        "kraken": "/0/public/OHLC",
        "coinbase": "/api/v3/brokerage/market/products/BTC-USD/candles",
    }
    seconds = NOON // SECOND_NS
    queries = {
        "binance": {"symbol": "BTCUSDT", "interval": "1m", "limit": 5_000, "startTime": 1},
        "bitvavo": {"interval": "1m"},
        "kraken": {"pair": "XBTEUR", "interval": 1, "since": 0},
        "coinbase": {"granularity": "ONE_MINUTE", "start": seconds - 350 * 60, "end": seconds},
    }

    async def judge(server, exchange):
        status, _, text = await answer_of(server, paths[name], **queries[name])
        assert status == 200
        return json.loads(text), server.truth.first_ns

    told, first_ns = judged(name, judge, quiet=0.0)
    rows = {
        "binance": lambda: told,
        "bitvavo": lambda: told,
        "kraken": lambda: told["result"]["XXBTZEUR"],
        "coinbase": lambda: [[int(row["start"])] for row in told["candles"]],
    }[name]()
    times = [int(row[0]) for row in rows]
    # There are lulls of a minute and more where intervals without trades are absent.
    assert len(rows) == MOST_CANDLES[name] or (name == "coinbase" and 330 < len(rows) < 350)
    assert times == sorted(times, reverse=name in NEWEST_FIRST)
    if name == "binance":
        assert times[0] == first_ns // MINUTE_NS * 60_000 + (60_000 if first_ns % MINUTE_NS else 0)
    elif name == "kraken":
        assert times[-1] == NOON // MINUTE_NS * 60
        assert told["result"]["last"] == times[-2]


@pytest.mark.parametrize("name", NAMES)
def test_recent_trades_are_the_last_ones(name):
    async def judge(server, exchange):
        pair = server.wire.pairs[1]
        read = await exchange.fetch_trades(symbol_of(pair), limit=50)
        return read, list(server.truth.newest(pair, NOON, 50)), server.truth.markets[pair]

    read, true, market = judged(name, judge)
    assert_same_trades(read, true, market)


def assert_same_trades(read, true, market):
    def told(trade):
        side = "buy" if trade.side > 0 else "sell"
        price = trade.price / 10**market.price_decimals
        return (trade.time // MS_NS, side, price, trade.units / 10**market.unit_decimals)

    assert len(true) > 10
    # ccxt sorts by time and id, of which there may be several, and ids of Bitvavo have no order.
    assert sorted(
        (trade["timestamp"], trade["side"], trade["price"], trade["amount"]) for trade in read
    ) == sorted(map(told, true))


@pytest.mark.parametrize("name", NAMES)
def test_trades_of_a_past_hour_can_be_asked_for(name):
    async def judge(server, exchange):
        pair = server.wire.pairs[0]
        start = NOON - 50 * 3_600 * SECOND_NS
        end = start + 1_200 * SECOND_NS
        query = {} if name == "kraken" else {"until": end // MS_NS}
        read = await exchange.fetch_trades(symbol_of(pair), start // MS_NS, 1_000, query)
        true = [trade for trade in server.truth.trades(pair, start, end) if trade.time > start]
        kept = [trade for trade in read if start // MS_NS < trade["timestamp"] < end // MS_NS]
        return kept, true, server.truth.markets[pair]

    assert_same_trades(*judged(name, judge))


SPANS = {
    # Path of trades, and of candles, from a moment in seconds to another, the last one included.
    "binance": (
        "/api/v3/aggTrades?symbol=BTCUSDT&startTime={start}000&endTime={end}000",
        "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={start}000&endTime={end}000",
    ),
    "bitvavo": (
        "/v2/BTC-EUR/trades?start={start}000&end={end}000",
        "/v2/BTC-EUR/candles?interval=1m&start={start}000&end={end}000",
    ),
    "coinbase": (
        "/api/v3/brokerage/market/products/BTC-USD/ticker?limit=500&start={start}&end={end}",
        "/api/v3/brokerage/market/products/BTC-USD/candles"
        "?granularity=ONE_MINUTE&start={start}&end={end}",
    ),
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_holds_for_trades_and_candles(name):
    start = NOON // MINUTE_NS * 60 - 3_600
    end = start + 600

    async def judge(server, exchange):
        paths = (path.format(start=start, end=end) for path in SPANS[name])
        trades, candles = [json.loads((await answer_of(server, path))[2]) for path in paths]
        pair = server.wire.pairs[0]
        true = server.truth.trades(pair, start * SECOND_NS, end * SECOND_NS)
        return trades, candles, len(true)

    trades, candles, count = judged(name, judge, quiet=0.3)
    if name == "coinbase":
        trades, candles = trades["trades"], candles["candles"]
        opens = [int(row["start"]) for row in candles]
    else:
        opens = [row[0] // 1_000 for row in candles]
    assert len(trades) == count > 50
    assert (min(opens), max(opens)) == (start, end)


def test_binance_trades_are_paged_by_id_and_aggregates_have_ids_of_their_own():
    async def judge(server, exchange):
        true = [t.id for t in server.truth.trades("BTC-USDT", NOON - 10_000 * SECOND_NS, NOON)]
        path, found = "/api/v3/historicalTrades", []
        while not found or found[-1] != true[-1]:
            first = found[-1] + 1 if found else true[0]
            query = {"symbol": "BTCUSDT", "fromId": first, "limit": 700}
            found += [row["id"] for row in json.loads((await answer_of(server, path, **query))[2])]
        query = {"symbol": "BTCUSDT", "limit": 3}
        newest = json.loads((await answer_of(server, "/api/v3/trades", **query))[2])
        true_newest = list(server.truth.newest("BTC-USDT", NOON, 3))
        assert [(row["id"], row["isBuyerMaker"]) for row in newest] == [
            (trade.id, trade.side < 0) for trade in true_newest
        ]
        _, _, text = await answer_of(server, "/api/v3/aggTrades", **query)
        return true, found, json.loads(text)

    true, found, aggregates = judged("binance", judge)
    assert found == true
    assert [row["f"] for row in aggregates] == [row["l"] for row in aggregates] == true[-3:]
    assert not {row["a"] for row in aggregates} & set(true)


def test_kraken_trades_are_walked_by_the_cursor_and_moments_are_not_parted():
    async def judge(server, exchange):
        start = NOON - 5_000 * SECOND_NS
        true = [t.id for t in server.truth.trades("BTC-EUR", start + 1, NOON)]
        found, since, pages = [], str(start), 0
        while not found or found[-1] != true[-1]:
            query = {"pair": "XXBTZEUR", "since": since, "count": 50}
            told = json.loads((await answer_of(server, "/0/public/Trades", **query))[2])["result"]
            found += [row[6] for row in told["XXBTZEUR"]]
            since, pages = told["last"], pages + 1
        return true, found, pages

    true, found, pages = judged("kraken", judge)
    assert found == true
    assert len(true) / 60 < pages <= len(true) / 50 + 1


@pytest.mark.parametrize("name", NAMES)
def test_the_book_is_that_of_the_moment(name):
    async def judge(server, exchange):
        import asyncio

        pair = server.wire.pairs[0]
        await asyncio.sleep(30)
        read = await exchange.fetch_order_book(symbol_of(pair), 100)
        return read, server.venue.book(pair).view(), server.truth.markets[pair]

    read, true, market = judged(name, judge)
    assert true.number > 30
    for side in ("bids", "asks"):
        assert [tuple(level[:2]) for level in read[side]] == [
            (price / 10**market.price_decimals, units / 10**market.unit_decimals)
            for price, units in getattr(true, side)
        ]


REFUSALS = {
    # Kind: by exchange, status and words on the wire, and what ccxt makes of it.
    Kind.TOO_OFTEN: {
        "binance": (429, '"code":-1003', "DDoSProtection"),
        "bitvavo": (429, '"errorCode":103', "RateLimitExceeded"),
        "kraken": (200, "EAPI:Rate limit exceeded", "DDoSProtection"),
        "coinbase": (429, "resource_exhausted", "RateLimitExceeded"),
    },
    Kind.SERVER_ERROR: {
        "binance": (5, '"code":-1001', "OperationFailed"),
        "bitvavo": (5, '"errorCode":109', "ExchangeNotAvailable"),
        "kraken": (5, "EService:Unavailable", "ExchangeNotAvailable"),
        "coinbase": (5, "INTERNAL", "ExchangeError"),
    },
    Kind.UNKNOWN_MARKET: {
        "binance": (400, '"code":-1121', "BadSymbol"),
        "bitvavo": (400, '"errorCode":205', "BadRequest"),
        "kraken": (200, "EQuery:Unknown asset pair", "ExchangeError"),
        "coinbase": (400, "INVALID_ARGUMENT", "BadRequest"),
    },
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_no_has_the_shape_of_the_exchange(name, kind):
    import asyncio

    import ccxt

    paths = {
        "binance": "/api/v3/depth?symbol=BTCUSDT",
        "bitvavo": "/v2/BTC-EUR/book",
        "kraken": "/0/public/Depth?pair=XXBTZEUR",
        "coinbase": "/api/v3/brokerage/market/product_book?product_id=BTC-USD",
    }

    async def judge(server, exchange):
        await exchange.load_markets()
        await asyncio.sleep(5)
        status, headers, text = await answer_of(server, paths[name])
        with pytest.raises(ccxt.BaseError) as raised:
            await exchange.fetch_order_book(symbol_of(server.wire.pairs[0]))
        return status, headers, text, type(raised.value).__name__

    status, headers, text, error = judged(name, judge, Fault(kind, 3, 10, value=2.0))
    wanted, words, wanted_error = REFUSALS[kind][name]
    assert (status // 100 if wanted == 5 else status) == wanted
    assert words in text
    assert error == wanted_error
    if kind is Kind.TOO_OFTEN and name == "binance":
        assert headers["Retry-After"] == "2"
    if kind is Kind.TOO_OFTEN and name == "bitvavo":
        assert int(headers["bitvavo-ratelimit-resetat"]) == NOON // MS_NS + 5_000 + 2_000


WRONG = [
    ("binance", "/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, '"code":-1120'),
    ("binance", "/api/v3/klines?interval=1m", 400, '"code":-1102'),
    ("binance", "/api/v3/trades?symbol=BTCUSDT&limit=many", 400, '"code":-1100'),
    ("binance", "/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", 400, '"code":-1128'),
    ("bitvavo", "/v2/BTC-EUR/candles?interval=1m&start=1700000000001", 400, "start parameter"),
    ("bitvavo", "/v2/BTC-EUR/candles?interval=7m", 400, "interval parameter is invalid"),
    ("bitvavo", "/v2/BTC-EUR/trades?limit=1001", 400, "limit parameter is invalid"),
    ("bitvavo", "/v2/BTC-EUR/trades?start=1000&end=90000000", 400, "end parameter is invalid"),
    ("bitvavo", "/v2/nowhere", 404, '"errorCode":110'),
    ("kraken", "/0/public/OHLC?pair=XBTEUR&interval=7", 200, "EGeneral:Invalid arguments"),
    ("kraken", "/0/public/Depth", 200, "EGeneral:Invalid arguments"),
    ("kraken", "/0/public/Nothing", 200, "EGeneral:Unknown method"),
    (
        "coinbase",
        "/api/v3/brokerage/market/products/BTC-USD/candles?granularity=ONE_MINUTE&start=0&end=21060",
        400,
        "less than 350",
    ),
    ("coinbase", "/api/v3/brokerage/market/products/BTC-USD/candles", 400, "INVALID_ARGUMENT"),
    ("coinbase", "/api/v3/brokerage/nothing", 404, "NOT_FOUND"),
]


@pytest.mark.parametrize(("name", "path", "status", "words"), WRONG)
def test_a_wrong_question_is_declined(name, path, status, words):
    async def judge(server, exchange):
        return await answer_of(server, path)

    told, _, text = judged(name, judge)
    assert (told, words in text) == (status, True)
