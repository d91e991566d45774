"""What ccxt.pro hears on the sockets of four protocols is the truth."""

import asyncio
import uuid

import pytest
from ccxt_clients import MINUTE_NS, NAMES, NOON, ccxt_at, served, symbol_of, true_rows

from framework.loopback.script import Fault, Kind
from framework.loopback.virtual_time import run_virtual

MS_NS = 1_000_000


def watched(name, watch, *script, **options):
    """Run `watch(server, exchange)` in jumping time, with ccxt's class for sockets."""

    async def run():
        async with (
            served(name, *script, **options) as server,
            ccxt_at(server, pro=True) as exchange,
        ):
            return await watch(server, exchange)

    return run_virtual(run())


async def for_seconds(seconds, hear):
    """Call and await `hear` again and again."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                await hear()
    except TimeoutError:
        return


def id_of(name, trade):
    """Return the id of a true trade as this exchange tells it."""
    if name == "bitvavo":
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{trade.pair} {trade.id}"))
    return str(trade.id)


@pytest.mark.parametrize("name", NAMES)
def test_every_trade_is_heard_once(name):
    async def watch(server, exchange):
        pair, heard = server.wire.pairs[0], []

        async def hear():
            heard.extend(await exchange.watch_trades(symbol_of(pair)))

        await for_seconds(300, hear)
        return heard, list(server.truth.trades(pair, NOON, server.venue.now_ns())), server

    heard, true, server = watched(name, watch)
    market = server.truth.markets[server.wire.pairs[0]]
    # Coinbase begins with trades from before the subscription.
    live = [trade for trade in heard if trade["timestamp"] >= NOON // MS_NS]
    assert len(true) > 50
    assert [
        (trade["id"], trade["timestamp"], trade["side"], trade["price"], trade["amount"])
        for trade in live
    ] == [
        (
            id_of(name, trade),
            trade.time // MS_NS,
            "buy" if trade.side > 0 else "sell",
            trade.price / 10**market.price_decimals,
            trade.units / 10**market.unit_decimals,
        )
        for trade in true
    ]
    assert (len(live) < len(heard)) == (name == "coinbase")


@pytest.mark.parametrize("name", NAMES)
def test_the_book_that_ccxt_keeps_is_the_true_one_after_every_change(name):
    async def watch(server, exchange):
        pair, compared = server.wire.pairs[0], []
        market = server.truth.markets[pair]

        async def hear():
            book = await exchange.watch_order_book(symbol_of(pair))
            true = server.venue.book(pair).view(10)
            for side in ("bids", "asks"):
                read = [tuple(level[:2]) for level in book[side][:10]]
                assert read == [
                    (price / 10**market.price_decimals, units / 10**market.unit_decimals)
                    for price, units in getattr(true, side)
                ]
            compared.append(true.number)

        await for_seconds(120, hear)
        return compared

    compared = watched(name, watch)
    # Kraken shows ten levels: a change below them is not told.
    assert len(set(compared)) > (120 if name == "kraken" else 180)


@pytest.mark.parametrize("name", ["binance", "bitvavo", "kraken"])
def test_candles_end_as_their_trades_make_them(name):
    async def watch(server, exchange):
        pair, last = server.wire.pairs[0], {}

        async def hear():
            for row in await exchange.watch_ohlcv(symbol_of(pair), "1m"):
                last[row[0] * MS_NS] = tuple(row[1:])

        await for_seconds(400, hear)
        first = NOON // MINUTE_NS * MINUTE_NS + MINUTE_NS
        true = true_rows(server, pair, first, first + 5 * MINUTE_NS)
        return {time: row for time, row in last.items() if time in {one[0] for one in true}}, true

    heard, true = watched(name, watch)
    assert len(true) == 5
    assert heard == {row[0]: (*row[1:5], pytest.approx(row[5], rel=1e-12)) for row in true}


@pytest.mark.parametrize("name", NAMES)
def test_ccxt_goes_on_after_a_close_though_it_fills_no_gap(name):
    import ccxt

    async def watch(server, exchange):
        pair, heard, failed = server.wire.pairs[0], [], []

        async def hear():
            try:
                heard.extend(await exchange.watch_trades(symbol_of(pair)))
            except ccxt.NetworkError as error:
                failed.append(type(error).__name__)
                await asyncio.sleep(1)

        await for_seconds(200, hear)
        return heard, failed, server.opened

    heard, failed, opened = watched(name, watch, Fault(Kind.CLOSE, 60))
    assert len(failed) == 1 and opened == 2
    assert any(trade["timestamp"] > NOON // MS_NS + 100_000 for trade in heard)
