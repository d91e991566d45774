"""The classes of ccxt, pointed at the loopback: judges of whether it speaks as exchanges do."""

import re
from contextlib import asynccontextmanager

from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import wire_of
from framework.loopback.truth import Truth
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, parse_time

NAMES = ("binance", "bitvavo", "kraken", "coinbase")
NOON = parse_time("2026-03-04T12:00:20")
MINUTE_NS = 60 * SECOND_NS


def served(name, *script, start_ns=NOON, bucket="5s", quiet=0.5, lulls=(), **options):
    """Return a server of one exchange; its market began nine days before."""
    wire = wire_of(name)
    truth = Truth(
        7,
        wire.pairs[:2],
        Interval.parse(bucket),
        quiet,
        first_ns=start_ns - 9 * 86_400 * SECOND_NS,
        lulls=lulls,
    )
    return LoopbackServer(wire, truth, LoopClock(start_ns), script, **options)


@asynccontextmanager
async def ccxt_at(server, pro=False):
    """Open ccxt's class for the server's exchange; no name of a host is resolved."""
    import ccxt.async_support
    import ccxt.pro
    from aiohttp import ClientSession, TCPConnector
    from aiohttp.abc import AbstractResolver

    class NoNames(AbstractResolver):
        async def resolve(self, host, port=0, family=0):
            raise OSError(f"{host} must not be asked for")

        async def close(self):
            pass

    def moved(value):
        if isinstance(value, dict):
            return {key: moved(inner) for key, inner in value.items()}
        to = server.socket_url if value.startswith("ws") else server.url
        return re.sub(r"^\w+://[^/]+", to, value)

    kind = getattr(ccxt.pro if pro else ccxt.async_support, server.wire.name)
    async with ClientSession(connector=TCPConnector(resolver=NoNames())) as session:
        options = {"fetchMarkets": {"types": ["spot"]}} if server.wire.name == "binance" else {}
        exchange = kind({"enableRateLimit": False, "session": session, "options": options})
        exchange.urls["api"] = moved(exchange.urls["api"])
        try:
            yield exchange
        finally:
            await exchange.close()


def symbol_of(pair):
    """Return a pair as ccxt writes it."""
    return pair.replace("-", "/")


def filled(rows, start_ns, end_ns, interval_ns, before=None):
    """Return rows (time, open, high, low, close, volume) with flat ones where one is missing."""
    by_time = {row[0]: row for row in rows}
    close, whole = before, []
    for time in range(start_ns, end_ns, interval_ns):
        row = by_time.get(time)
        if row is None and close is not None:
            row = (time, close, close, close, close, 0.0)
        if row is not None:
            whole.append(row)
            close = row[4]
    return whole


def true_rows(server, pair, start_ns, end_ns, interval="1m", until_ns=None):
    """Return the candles that the true trades make, worked out one trade at a time."""
    market = server.truth.markets[pair]
    length = Interval.parse(interval).ns
    rows = {}
    for trade in server.truth.trades(pair, start_ns, min(end_ns, until_ns or end_ns)):
        price = trade.price / 10**market.price_decimals
        time = trade.time // length * length
        old = rows.get(time, (time, price, price, price, price, 0))
        volume = old[5] + trade.units
        rows[time] = (time, old[1], max(old[2], price), min(old[3], price), price, volume)
    return [(*row[:5], row[5] / 10**market.unit_decimals) for row in rows.values()]
