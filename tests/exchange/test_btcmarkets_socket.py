"""BTC Markets' socket: what is subscribed to, what is heard, and what ends the connection."""

import asyncio

import pytest
from aiohttp import WSMsgType, web
from btcmarkets_standin import connected

from framework.errors import UserError
from framework.exchange.connection import (
    Channel,
    HeardBeat,
    HeardBook,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.market.live import Trade
from framework.session.clock import WallClock
from framework.types import Interval, parse_time

MINUTE = Interval.parse("1m")
BOTH = frozenset(Channel)
# The CRC32 of "123456789" is 0xCBF43926: one bid of 1.2 and 34, one ask of 5.6 and 0.789.
CHECK = str(0xCBF43926)
TRADE = {
    "marketId": "BTC-AUD",
    "timestamp": "2025-03-13T08:27:55.691Z",
    "tradeId": 2**53 + 1,
    "price": "131200.34",
    "volume": "0.00151228",
    "side": "Bid",
    "messageType": "trade",
}
SNAPSHOT = {
    "marketId": "BTC-AUD",
    "snapshot": True,
    "timestamp": "2026-01-23T04:41:37.492Z",
    "snapshotId": 100,
    "bids": [["1.2", "34", 1]],
    "asks": [["5.6", "0.789", 1]],
    "channel": "orderbookUpdate",
    "messageType": "orderbookUpdate",
}
CHANGE = {
    "marketId": "BTC-AUD",
    "timestamp": "2026-09-23T04:41:37.689Z",
    "snapshotId": 101,
    "bids": [],
    "asks": [["5.6", "0.789", 2]],
    "messageType": "orderbookUpdate",
    "checksum": CHECK,
}
BEAT = {"messageType": "heartbeat", "channels": [{"name": "trade", "marketIds": ["BTC-AUD"]}]}


def listening(talk, channels=BOTH, pairs=("BTC-AUD",)):
    """Listen while the server talks; return what was heard, the fault at the end, the books."""

    async def run():
        async with connected(WallClock()) as (server, connection):
            server.talk = talk
            heard = []
            try:
                await asyncio.wait_for(
                    connection.listen(pairs, MINUTE, channels, heard.append), timeout=20
                )
            except (Unreachable, Refused, UserError) as fault:
                return heard, fault, connection.books
        raise AssertionError("listening never returns")

    return asyncio.run(run())


def saying(*frames):
    async def talk(socket, asked):
        for frame in frames:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_json(frame))
        await socket.close(code=1001)

    return talk


def test_what_is_offered_is_subscribed_to_with_a_heartbeat():
    asked = []

    async def talk(socket, frame):
        asked.append(frame)
        await socket.close()

    listening(talk)
    listening(talk, frozenset({Channel.CANDLES}))
    listening(talk, frozenset({Channel.BOOKS}), ("BTC-AUD", "XRP-AUD"))
    assert [(frame["marketIds"], set(frame["channels"])) for frame in asked] == [
        (["BTC-AUD"], {"trade", "orderbookUpdate", "heartbeat"}),
        (["BTC-AUD"], {"heartbeat"}),
        (["BTC-AUD", "XRP-AUD"], {"orderbookUpdate", "heartbeat"}),
    ]
    assert {frame["messageType"] for frame in asked} == {"subscribe"}


def test_frames_are_handed_on_in_order_and_the_end_is_told():
    heard, fault, books = listening(saying(BEAT, SNAPSHOT, TRADE, CHANGE, TRADE))
    trade = Trade(
        "BTC-AUD",
        "9007199254740993",
        parse_time("2025-03-13T08:27:55.691"),
        131200.34,
        0.00151228,
        1,
    )
    book = HeardBook("BTC-AUD")
    assert heard == [Listening(), HeardBeat(), book, HeardTrade(trade), book, HeardTrade(trade)]
    assert type(fault) is Unreachable
    assert "closed (1001)" in str(fault)
    assert not books["BTC-AUD"].valid, "nothing keeps it up to date any more"


def test_a_book_is_valid_while_it_is_kept():
    states = []

    async def run():
        async with connected(WallClock()) as (server, connection):
            server.talk = saying(SNAPSHOT, CHANGE | {"checksum": "1"})

            def hear(_):
                states.append(connection.books["BTC-AUD"].valid)

            with pytest.raises(Unreachable):
                await connection.listen(["BTC-AUD"], MINUTE, BOTH, hear)

    asyncio.run(run())
    assert states == [True, True, False]  # confirmed, snapshot, wrong change


def test_frames_of_other_kinds_and_markets_are_beats():
    tick = {"marketId": "BTC-AUD", "messageType": "tick", "lastPrice": "1"}
    other = TRADE | {"marketId": "ETH-AUD", "price": "not looked at"}
    early = CHANGE | {"snapshotId": 99}
    heard, _, _ = listening(saying(tick, other, {"messageType": "news"}, SNAPSHOT, early, early))
    assert heard[1:4] == [HeardBeat()] * 3
    assert heard[5:] == [HeardBeat()] * 2


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "<html>gateway</html>",
        "[]",
        '"trade"',
        "{}",
        '{"messageType":7}',
        {"messageType": "trade"},
        TRADE | {"price": "NaN"},
        TRADE | {"price": None},
        TRADE | {"price": "9" * 400},
        TRADE | {"volume": "0"},
        TRADE | {"volume": "-0.1"},
        TRADE | {"tradeId": 1.5},
        TRADE | {"timestamp": "2025-03-13T25:00:00Z"},
        TRADE | {"side": "Both"},
        TRADE | {"marketId": None},
        SNAPSHOT | {"bids": [["1.2", 34, 1]]},
        SNAPSHOT | {"bids": None},
        CHANGE | {"snapshotId": "x"},
        '{"marketId":"BTC-AUD","messageType":"trade","price":NaN}',
    ],
)
def test_a_frame_that_cannot_be_read_ends_the_connection_and_is_not_handed_on(frame):
    heard, fault, books = listening(saying(BEAT, SNAPSHOT, frame, TRADE))
    assert len(heard) == 3
    assert type(fault) is Unreachable
    assert "cannot be read" in str(fault)
    assert "\n" not in str(fault)
    assert len(str(fault)) < 500
    assert not books["BTC-AUD"].valid


def test_a_wrong_book_is_asked_for_anew_on_the_same_socket():
    asked = []

    async def talk(socket, frame):
        await socket.send_json(SNAPSHOT)
        await socket.send_json(CHANGE | {"checksum": "1"})
        asked.append(await socket.receive_json())
        await socket.send_json(CHANGE)  # before the snapshot: of no use
        await socket.send_json(SNAPSHOT | {"snapshotId": 200})
        await socket.send_json(CHANGE | {"snapshotId": 201})
        await socket.close()

    heard, _, _ = listening(talk)
    assert asked == [
        {
            "marketIds": ["BTC-AUD"],
            "channels": ["orderbookUpdate"],
            "messageType": "addSubscription",
        }
    ]
    book = HeardBook("BTC-AUD")
    assert heard == [Listening(), book, book, HeardBeat(), book, book]


def error(code, message):
    return {"messageType": "error", "code": code, "message": message}


def test_a_subscription_that_is_declined_is_told_with_the_nearest_market():
    _, fault, _ = listening(saying(error(3, "invalid marketIds")), pairs=("BTC-AUT",))
    assert type(fault) is UserError
    assert "no market 'BTC-AUT'. Did you mean 'BTC-AUD'?" in str(fault)
    _, fault, _ = listening(saying(error(1, "authentication failed")))
    assert type(fault) is Refused
    assert "1: authentication failed" in str(fault)


def test_an_error_later_on_ends_the_connection_so_that_it_is_made_anew():
    _, fault, _ = listening(saying(BEAT, error(3, "invalid marketIds")))
    assert type(fault) is Unreachable
    _, fault, _ = listening(saying(error(9, "too many requests")))
    assert type(fault) is TooOften


def test_a_socket_that_is_cut_off_is_the_end():
    async def talk(socket, asked):
        await socket.send_json(BEAT)
        socket._req.transport.abort()

    _, fault, _ = listening(talk)
    assert type(fault) is Unreachable


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, Unreachable), (403, Unreachable), (429, TooOften), (503, Unreachable)],
)
def test_a_page_in_place_of_a_socket_is_told_by_its_status(status, kind):
    async def run():
        async with connected(WallClock()) as (server, connection):
            connection._socket._url = server.url.replace("http", "ws") + "/page"
            server.answers["/page"] = lambda request: web.Response(status=status, text="<html>")
            with pytest.raises(kind) as told:
                await connection.listen(["BTC-AUD"], MINUTE, BOTH, lambda heard: None)
            assert type(told.value) is kind

    asyncio.run(run())


def test_nobody_to_connect_to_is_told():
    async def run():
        async with connected(WallClock()) as (_, connection):
            connection._socket._url = "ws://127.0.0.1:9/"
            with pytest.raises(Unreachable, match="Connection refused"):
                await connection.listen(["BTC-AUD"], MINUTE, BOTH, lambda heard: None)

    asyncio.run(run())


def test_listening_can_be_cancelled_and_says_goodbye():
    ended = []

    async def talk(socket, asked):
        await socket.send_json(BEAT)
        ended.append((await socket.receive()).type)

    async def run():
        async with connected(WallClock()) as (server, connection):
            server.talk, heard = talk, asyncio.Event()
            task = asyncio.create_task(
                connection.listen(["BTC-AUD"], MINUTE, BOTH, lambda _: heard.set())
            )
            await heard.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert ended == [WSMsgType.CLOSE]
