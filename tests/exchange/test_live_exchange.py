"""History of live exchanges: settled candles by the exchange's time, asked for from anywhere."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from made_live import MINUTE, OFFERS, MadeConnection, MadeLive, World, market

from framework.errors import OutsideFault, UserError
from framework.exchange import candle_history
from framework.exchange.candle_history import past_candles
from framework.types import DAY_NS, Interval, format_time, parse_time

START = parse_time("2026-01-10T11:00")


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(candle_history, "_WAIT_S", 0.0)


def same(rows, expected):
    return all(
        np.array_equal(getattr(rows, name), getattr(expected, name))
        for name in ("time", "open", "high", "low", "close", "volume")
    )


def test_history_ends_with_the_newest_candle_that_is_settled():
    exchange = MadeLive(world=World())  # 12:00:30 there: 11:57 closed 2 min 30 s ago
    rows = exchange.rows("BTC-AUD", MINUTE, START, parse_time("2027-01-01"))
    assert same(rows, market("BTC-AUD", MINUTE, START, parse_time("2026-01-10T11:58")))
    assert exchange.available_span("BTC-AUD", MINUTE)[1] == parse_time("2026-01-10T11:58")
    assert exchange.available_span("BTC-AUD", Interval.parse("1h"))[1] == START
    assert exchange.world.opened == 0


def test_default_range_is_as_long_as_history_and_the_available_one_begins_with_the_exchange():
    exchange = MadeLive(world=World(), history="2d")
    hour = Interval.parse("1h")
    assert exchange.default_span("BTC-AUD", hour) == (START - 2 * DAY_NS, START)
    assert exchange.available_span("BTC-AUD", hour)[0] == parse_time("2010-01-01")


def test_nothing_is_asked_for_a_range_that_is_not_settled_yet():
    exchange = MadeLive(world=World())
    late = parse_time("2026-01-10T11:59")
    assert len(exchange.rows("BTC-AUD", MINUTE, late, late + DAY_NS)) == 0
    assert exchange.world.asked == []


def test_interval_that_is_not_offered_names_the_nearest():
    exchange = MadeLive(world=World())
    for asked, near in (("10m", "5m"), ("4h", "1h"), ("1w", "1d")):
        with pytest.raises(UserError, match=f"'made' has no candles of {asked}. Nearest: {near}."):
            exchange.rows("BTC-AUD", Interval.parse(asked), START, START + DAY_NS)
    assert exchange.world.asked == []


def test_unknown_pair_is_the_exchanges_own_word():
    exchange = MadeLive(world=World())
    with pytest.raises(UserError, match="Did you mean 'BTC-AUD'"):
        exchange.rows("BTC-AUE", MINUTE, START, START + DAY_NS)
    assert exchange.world.opened == 0


def test_rows_are_the_same_from_threads_and_within_a_running_loop():
    exchange = MadeLive(world=World())
    asked = ("BTC-AUD", MINUTE, START, START + 30 * MINUTE.ns)
    expected = market(*asked)

    async def within():
        return exchange.rows(*asked)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: exchange.rows(*asked), range(8)))
    answers.append(asyncio.run(within()))
    assert all(same(rows, expected) for rows in answers)
    assert exchange.world.opened == 0


def bent(rows, **columns):
    rows = replace(rows, **{name: getattr(rows, name).copy() for name in columns})
    for name, value in columns.items():
        getattr(rows, name)[3] = value
    return rows


@pytest.mark.parametrize(
    "wrong",
    [{"close": np.nan}, {"open": -1.0}, {"close": 1e9}, {"volume": 1e300}, {"high": 0.5}],
    ids=str,
)
def test_wrong_values_that_pass_are_not_believed(wrong):
    exchange = MadeLive(world=World())
    exchange.world.answers = [lambda rows: bent(rows, **wrong)] * 1
    rows = exchange.rows("BTC-AUD", MINUTE, START, START + 30 * MINUTE.ns)
    assert same(rows, market("BTC-AUD", MINUTE, START, START + 30 * MINUTE.ns))
    assert len(exchange.world.asked) == 2


def test_odd_values_that_are_given_twice_are_handed_on():
    exchange = MadeLive(world=World(always=lambda rows: bent(rows, close=1e9, high=1e9)))
    rows = exchange.rows("BTC-AUD", MINUTE, START, START + 30 * MINUTE.ns)
    assert rows.close[3] == 1e9
    assert len(exchange.world.asked) == 2


def test_asking_again_ends():
    values = iter(range(1, 100))
    exchange = MadeLive(world=World(always=lambda rows: bent(rows, open=-next(values))))
    exchange.rows("BTC-AUD", MINUTE, START, START + 30 * MINUTE.ns)
    assert len(exchange.world.asked) == 7


LIMITED = replace(OFFERS, oldest_candles=20)


def test_an_exchange_that_serves_new_candles_only_has_no_more():
    exchange = MadeLive(world=World(offers=LIMITED))
    # 12:00 is running and the 20th of those served opened at 11:41; the next may open any moment.
    first = parse_time("2026-01-10T11:42")
    assert exchange.available_span("BTC-AUD", MINUTE)[0] == first
    assert exchange.default_span("BTC-AUD", MINUTE)[0] == first


def test_older_candles_are_made_of_trades():
    world = World(offers=replace(LIMITED, trade_history=True))
    exchange = MadeLive(world=world)
    start = parse_time("2026-01-09T23:50")
    rows = exchange.rows("BTC-AUD", MINUTE, start, parse_time("2026-01-10T11:50"))
    assert same(rows, market("BTC-AUD", MINUTE, start, parse_time("2026-01-10T11:50")))
    asked = [(what, format_time(first), format_time(last)) for what, _, first, last in world.asked]
    assert asked == [
        ("c", "2026-01-10T11:42:00Z", "2026-01-10T11:50:00Z"),
        ("t", "2026-01-09T23:50:00Z", "2026-01-10T11:42:00Z"),
    ]
    assert exchange.default_span("BTC-AUD", MINUTE)[0] == parse_time("2026-01-10T11:42")
    assert exchange.available_span("BTC-AUD", MINUTE)[0] == parse_time("2010-01-01")


def test_candles_that_are_forgotten_while_they_are_asked_for_are_made_of_trades():
    world = World(offers=replace(LIMITED, trade_history=True))

    class Passing:
        """Five minutes pass before the answer comes."""

        def now_ns(self):
            return world.now_ns

    def late(rows):
        world.now_ns += 5 * MINUTE.ns
        return rows.take(np.flatnonzero(rows.time >= parse_time("2026-01-10T11:46")))

    world.answers.append(late)
    exchange = MadeLive(world=world)
    start, end = parse_time("2026-01-10T11:30"), parse_time("2026-01-10T11:55")
    rows = asyncio.run(
        past_candles(
            MadeConnection(world), Passing(), "BTC-AUD", MINUTE, start, end, exchange.faults
        )
    )
    assert same(rows, market("BTC-AUD", MINUTE, start, end))


def test_trades_that_do_not_reach_back_are_no_history(monkeypatch):
    async def short(self, pair, start_ns, end_ns):
        return [], start_ns + MINUTE.ns

    monkeypatch.setattr(MadeConnection, "trades", short)
    exchange = MadeLive(world=World(offers=replace(LIMITED, trade_history=True)))
    with pytest.raises(OutsideFault, match="neither candles nor trades before 2026-01-10T11:01"):
        exchange.rows("BTC-AUD", MINUTE, START, START + DAY_NS)
