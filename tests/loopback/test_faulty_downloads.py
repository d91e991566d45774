"""Downloads from all five exchanges while requests go wrong: what is stored equals the truth."""

import numpy as np
import pytest

from framework.exchange.live_exchange import settled_until
from framework.loopback.script import Fault, Kind
from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import component_of, wire_of
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.market.store import CandleStore
from framework.modes.live_parts import Fetched, fetch_parts, parts_of
from framework.modes.markets import Span
from framework.session.clock import LoopClock
from framework.types import Interval, parse_time

EXCHANGES = ("binance", "bitvavo", "btcmarkets", "coinbase", "kraken")
KINDS = (
    Kind.REFUSE_CONNECTIONS,
    Kind.TOO_OFTEN,
    Kind.SERVER_ERROR,
    Kind.HTML,
    Kind.TRUNCATED,
    Kind.WRONG_TYPES,
    Kind.HUGE_NUMBERS,
    Kind.NOT_A_NUMBER,
    Kind.SLOW_BODY,
    Kind.PAGE_ORDER,
    Kind.LATE_CANDLES,
    Kind.REVISED_CANDLE,
    Kind.SHRUNKEN_CANDLE,
)
NOW = parse_time("2026-01-10T12:00:03")
MINUTE = Interval.parse("1m")
PAIRS = ("BTC-EUR", "ETH-EUR")
START = NOW // MINUTE.ns * MINUTE.ns - 700 * MINUTE.ns


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_what_is_stored_equals_the_truth(name, kind, tmp_path):
    truth = Truth(7, PAIRS, Interval.parse("20s"), first_ns=parse_time("2025-01-01"))
    store = CandleStore(str(tmp_path))
    script = (Fault(kind, at_s=0.05, for_s=20.0),)

    async def download():
        clock = LoopClock(NOW)
        async with LoopbackServer(wire_of(name), truth, clock, script) as server:
            exchange = component_of(name)(
                url=server.url, socket_url=server.socket_url, symbols=PAIRS
            )
            connection = exchange.connect(clock)
            try:
                await clock.sleep(0.1)  # the fault is there
                end = settled_until(MINUTE, NOW)
                parts = [
                    parts_of(connection, exchange, store, Span(pair, MINUTE, START, end), NOW, 200)
                    for pair in PAIRS
                ]
                fetched = Fetched()
                await fetch_parts(
                    connection, clock, exchange, store, parts, fetched, lambda _: None
                )
            finally:
                await connection.close()
            return end, fetched

    end, fetched = run_virtual(download())
    assert fetched.revised == 0
    for pair in PAIRS:
        assert store.covered(name, pair, MINUTE) == [(START, end)]
        stored = store.read(name, pair, MINUTE, 0, 2**62)
        rows = stored.take(np.flatnonzero(stored.volume > 0))  # flat ones of quiet minutes apart
        true = truth.rows(pair, MINUTE, START, end)
        for column in ("time", "open", "high", "low", "close", "volume"):
            assert np.array_equal(getattr(rows, column), getattr(true, column)), (pair, column)
