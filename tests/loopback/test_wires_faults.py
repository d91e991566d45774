"""Each fault shows on the wire of each exchange, and without it nothing is wrong."""

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace

import pytest
from ccxt_clients import MINUTE_NS, NOON, served, true_rows
from wire_speakers import SPEAKERS, candles_path, read

from framework.loopback.script import Fault, Kind, lulls_of
from framework.loopback.virtual_time import run_virtual
from framework.types import SECOND_NS

NAMES = tuple(SPEAKERS)
FIRST = NOON // MINUTE_NS * MINUTE_NS  # the minute that runs when a server starts, at its :20
FLAT_WHEN_QUIET = {"binance", "kraken"}


@asynccontextmanager
async def client_of(name, *script, **options):
    """Serve an exchange and open a client's session."""
    from aiohttp import ClientSession

    async with served(name, *script, **options) as server, ClientSession() as session:
        yield server, session


async def get(server, session, path):
    async with session.get(server.url + path) as answer:
        return SimpleNamespace(status=answer.status, text=await answer.text())


async def listen(server, session, seconds=60):
    """Subscribe to trades and the book; return all texts with their moments, and how it ended."""
    speaker, loop = SPEAKERS[server.wire.name], asyncio.get_running_loop()
    heard = SimpleNamespace(texts=[], moments=[], ended=None, code=None)
    async with session.ws_connect(server.socket_url + speaker.socket) as socket:
        for ask in speaker.asks:
            await socket.send_json(ask)
        try:
            async with asyncio.timeout(seconds):
                async for message in socket:
                    heard.texts.append(message.data)
                    heard.moments.append(loop.time())
            heard.ended, heard.code = loop.time(), socket.close_code
        except TimeoutError:
            pass
    return heard


def listened(name, *script, seconds=60, **options):
    """Return what one socket heard, and the true trades of the time."""

    async def run():
        async with client_of(name, *script, **options) as (server, session):
            heard = await listen(server, session, seconds)
            venue, pair = server.venue, SPEAKERS[name].pair
            true = server.truth.trades(pair, venue.start_ns, venue.now_ns())
            heard.true = [SPEAKERS[name].id_of(trade) for trade in true]
            return heard

    return run_virtual(run())


def frames(heard):
    return [read(text) for text in heard.texts]


def ids(name, heard):
    return [one for frame in frames(heard) for one in SPEAKERS[name].trades(frame)]


def candle_readings(name, *script, moments, **options):
    """Return the row of the first minute, as (close, volume) or None, asked for at moments (s)."""

    async def run():
        async with client_of(name, *script, **options) as (server, session):
            speaker, found = SPEAKERS[name], []
            path = candles_path(speaker, FIRST, FIRST + MINUTE_NS)
            for moment in moments:
                await asyncio.sleep(moment - asyncio.get_running_loop().time())
                answer = await get(server, session, path)
                rows = {row[0]: row[1:] for row in speaker.rows(read(answer.text))}
                found.append(rows.get(FIRST))
            true = true_rows(server, speaker.pair, FIRST, FIRST + MINUTE_NS)[0]
            return found, (Decimal(repr(true[4])), true[5])

    return run_virtual(run())


@pytest.mark.parametrize("name", NAMES)
def test_without_faults_all_is_told_once_in_order_and_whole(name):
    heard = listened(name)
    assert ids(name, heard) == heard.true
    assert len(heard.true) >= 10
    assert SPEAKERS[name].is_whole(frames(heard))
    assert heard.ended is None


@pytest.mark.parametrize("name", NAMES)
def test_close_ends_the_socket_without_a_word(name):
    heard = listened(name, Fault(Kind.CLOSE, 25))
    assert (heard.ended, heard.code) == (25.0, 1006)


@pytest.mark.parametrize("name", NAMES)
def test_close_at_boundary_ends_the_socket_with_the_minute(name):
    heard = listened(name, Fault(Kind.CLOSE_AT_BOUNDARY, 25))
    assert (heard.ended, heard.code) == (40.0, 1001)


@pytest.mark.parametrize("name", NAMES)
def test_refused_connections_get_no_answer_and_sockets_end(name):
    from aiohttp import ClientError

    async def run():
        async with client_of(name, Fault(Kind.REFUSE_CONNECTIONS, 10, 20)) as (server, session):
            path = candles_path(SPEAKERS[name], FIRST, FIRST + MINUTE_NS)
            heard = await listen(server, session)
            with pytest.raises(ClientError):
                await get(server, session, path)
            with pytest.raises(ClientError):
                await listen(server, session)
            await asyncio.sleep(25)
            again = await listen(server, session, 5)
            return heard, again, (await get(server, session, path)).status

    heard, again, status = run_virtual(run())
    assert heard.ended == 10.0
    assert (status, again.ended, bool(again.texts)) == (200, None, True)


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_neither_an_end_nor_a_frame(name):
    heard = listened(name, Fault(Kind.SILENCE, 25, 10), seconds=70)
    assert heard.ended is None
    assert 23 < heard.moments[-1] <= 25


@pytest.mark.parametrize("name", NAMES)
def test_duplicates_are_told_again_after_the_next_trade(name):
    told = ids(name, heard := listened(name, Fault(Kind.DUPLICATE_TRADES, 10, 30)))
    assert len(told) > len(set(told)) and set(told) == set(heard.true)
    assert list(dict.fromkeys(told)) == heard.true


@pytest.mark.parametrize("name", NAMES)
def test_swapped_trades_are_told_in_another_order(name):
    told = ids(name, heard := listened(name, Fault(Kind.SWAP_TRADES, 10, 30, value=3)))
    assert told != heard.true and sorted(told) == sorted(heard.true)


@pytest.mark.parametrize("name", NAMES)
def test_lost_trades_are_not_told(name):
    told = ids(name, heard := listened(name, Fault(Kind.LOSE_TRADES, 10, 30), quiet=0.0))
    missing = set(heard.true) - set(told)
    assert len(missing) > 3
    assert told == [one for one in heard.true if one not in missing]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [Kind.LOSE_DELTAS, Kind.BAD_CHECKSUM])
def test_the_sign_of_the_exchange_tells_of_a_book_that_is_not_whole(name, kind):
    heard = listened(name, Fault(kind, 10, 30))
    assert not SPEAKERS[name].is_whole(frames(heard))
    early = [read(text) for text, at in zip(heard.texts, heard.moments, strict=True) if at < 10]
    assert SPEAKERS[name].is_whole(early)


@pytest.mark.parametrize("name", ["binance", "bitvavo", "btcmarkets"])
def test_early_deltas_are_older_than_the_book(name):
    """Kraken and Coinbase send the book over the same socket: nothing older can follow it."""

    async def run(*script):
        async with client_of(name, *script) as (server, session):
            await asyncio.sleep(20)
            return await listen(server, session, 20)

    usual = run_virtual(run())
    heard = run_virtual(run(Fault(Kind.EARLY_DELTAS, 10, 30)))
    assert SPEAKERS[name].old_after_whole(frames(heard)) >= 2
    assert SPEAKERS[name].old_after_whole(frames(usual)) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_candle_is_final_at_once_where_nothing_is_wrong(name):
    (soon,), true = candle_readings(name, moments=[40.1])
    assert soon == (true[0], pytest.approx(Decimal(repr(true[1])), rel=Decimal("1e-12")))


@pytest.mark.parametrize("name", NAMES)
def test_a_late_candle_is_not_served_before_its_time(name):
    late = Fault(Kind.LATE_CANDLES, 10, 100, value=5)
    (soon, later), _ = candle_readings(name, late, moments=[44.0, 45.5])
    assert soon is None and later is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_revised_candle_is_smaller_first(name):
    revised = Fault(Kind.REVISED_CANDLE, 10, 100, value=5)
    (soon, later), _ = candle_readings(name, revised, moments=[44.0, 45.5], quiet=0.0)
    assert soon[1] < later[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_shrunken_candle_is_smaller_for_a_while_after_it_was_whole(name):
    shrunken = Fault(Kind.SHRUNKEN_CANDLE, 10, 100, value=5)
    moments = [44.0, 46.0, 51.0]
    (first, old, last), _ = candle_readings(name, shrunken, moments=moments, quiet=0.0)
    assert first == last and old[1] < first[1]


@pytest.mark.parametrize("name", NAMES)
def test_empty_buckets_have_no_trade(name):
    script = (Fault(Kind.EMPTY_BUCKETS, 10, 30),)
    heard = listened(name, *script, lulls=lulls_of(script, NOON), quiet=0.0)
    told = [at for at, frame in zip(heard.moments, frames(heard), strict=True)
            if SPEAKERS[name].trades(frame)]  # fmt: skip
    assert any(at < 10 for at in told) and any(at > 40 for at in told)
    assert not any(10 <= at < 40 for at in told)


def answers(name, *script, moments=(5.0,), start_ns=FIRST - 60 * MINUTE_NS, **options):
    """Return the answers to a request for an hour's candles, and how long each took."""

    async def run():
        async with client_of(name, *script, **options) as (server, session):
            loop, found = asyncio.get_running_loop(), []
            for moment in moments:
                await asyncio.sleep(moment - loop.time())
                began = loop.time()
                answer = await get(server, session, candles_path(SPEAKERS[name], start_ns, FIRST))
                answer.took = loop.time() - began
                found.append(answer)
            return found

    return run_virtual(run())


def closed_rows(name, answer):
    """Return the candles before the running one, which Kraken cannot be asked to leave out."""
    return [row for row in SPEAKERS[name].rows(read(answer.text)) if row[0] < FIRST]


@pytest.mark.parametrize("name", NAMES)
def test_html_comes_instead_of_json(name):
    (answer,) = answers(name, Fault(Kind.HTML, 0, 30))
    assert (answer.status, answer.text.startswith("<html>")) == (502, True)
    heard = listened(name, Fault(Kind.HTML, 10, 30))
    assert any(text.startswith("<html>") for text in heard.texts)


@pytest.mark.parametrize("name", NAMES)
def test_truncated_json_cannot_be_read(name):
    (answer,) = answers(name, Fault(Kind.TRUNCATED, 0, 30))
    with pytest.raises(ValueError, match=r"line 1"):
        json.loads(answer.text)
    heard = listened(name, Fault(Kind.TRUNCATED, 10, 30))
    with pytest.raises(ValueError, match=r"line 1"):
        frames(heard)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("kind", "is_wrong"),
    [
        (Kind.NOT_A_NUMBER, lambda text: "NaN" in text),
        (Kind.HUGE_NUMBERS, lambda text: "1e400" in text or "9" * 400 in text),
        (Kind.WRONG_TYPES, None),
    ],
)
def test_a_number_is_wrong_in_answers_and_frames(name, kind, is_wrong):
    good, bad = (answers(name, *script)[0].text for script in ((), (Fault(kind, 0, 30),)))
    heard = listened(name, Fault(kind, 10, 30))
    usual = listened(name)
    assert len(good) > 1_000
    if is_wrong is None:
        assert good != bad and heard.texts != usual.texts
        json.loads(bad)
    else:
        assert is_wrong(bad) and not is_wrong(good)
        assert any(map(is_wrong, heard.texts)) and not any(map(is_wrong, usual.texts))


@pytest.mark.parametrize("name", NAMES)
def test_a_market_that_is_unknown_cannot_be_subscribed_to(name):
    heard = listened(name, Fault(Kind.UNKNOWN_MARKET, 0, 100))
    texts = [text for text in heard.texts if '"status"' not in text]
    if name == "binance":
        # A stream of what is not there is confirmed, and silent.
        assert texts == ['{"result":null,"id":1}']
    else:
        assert texts and all("error" in text for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_a_slow_body_takes_its_time(name):
    slow, quick = answers(name, Fault(Kind.SLOW_BODY, 0, 10, value=3), moments=(5, 20))
    assert (slow.took, quick.took) == (3.0, 0.0)
    assert closed_rows(name, slow) == closed_rows(name, quick)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_a_page_is_turned(name):
    turned, usual = answers(name, Fault(Kind.PAGE_ORDER, 0, 10), moments=(5, 20))
    turned, usual = (closed_rows(name, answer) for answer in (turned, usual))
    assert turned == usual[::-1] and len(usual) > 30


@pytest.mark.parametrize("name", NAMES)
def test_quiet_intervals_are_flat_where_they_were_absent_and_the_other_way_round(name):
    lull = (None, FIRST - 30 * MINUTE_NS, FIRST - 20 * MINUTE_NS)
    found = answers(name, Fault(Kind.OTHER_QUIET, 0, 10), moments=(5, 20), lulls=[lull])
    other, usual = (SPEAKERS[name].rows(read(answer.text)) for answer in found)
    flat, absent = (usual, other) if name in FLAT_WHEN_QUIET else (other, usual)
    spans = {FIRST - minute * MINUTE_NS for minute in range(21, 31)}
    assert spans <= {time for time, _, volume in flat if volume == 0}
    assert not spans & {time for time, _, _ in absent}


@pytest.mark.parametrize("name", NAMES)
def test_a_clock_ahead_stamps_what_is_told(name):
    """Trades are told at their time by the exchange's clock, seconds early by ours."""
    heard = listened(name, Fault(Kind.SKEW, 0, value=8))
    stamps = [
        (stamp - NOON - round(at * SECOND_NS)) / SECOND_NS
        for frame, at in zip(frames(heard), heard.moments, strict=True)
        for stamp in SPEAKERS[name].stamps(frame)
    ]
    assert len(stamps) >= 10
    assert stamps == pytest.approx([8.0] * len(stamps), abs=0.01)
    assert ids(name, heard) == heard.true
