"""The true market: the same whatever is asked, and candles made of nothing but its trades."""

import itertools

import numpy as np
import pytest

from framework.loopback.order_book import TrueBook
from framework.loopback.true_rows import TrueCandle, TrueMarket, TrueTrades, decimal_text
from framework.loopback.truth import Truth
from framework.types import SECOND_NS, Interval, parse_time

START = parse_time("2026-03-01T10:00")
HOUR, MINUTE, FIVE_S = Interval.parse("1h"), Interval.parse("1m"), Interval.parse("5s")
PAIRS = ("BTC-AUD", "XRP-EUR")


@pytest.fixture(scope="module", params=[MINUTE, FIVE_S], ids=str)
def truth(request):
    return Truth(5, PAIRS, bucket=request.param)


def as_tuples(trades):
    return [tuple(trade) for trade in trades]


def test_parts_of_a_range_add_up_to_the_whole(truth):
    whole = as_tuples(truth.trades("BTC-AUD", START, START + HOUR.ns))
    cuts = [START, START + 1, START + 7 * SECOND_NS, START + 1_234_567_890_123, START + HOUR.ns]
    parts = []
    for start, end in itertools.pairwise(cuts):
        parts += as_tuples(truth.trades("BTC-AUD", start, end))
    assert parts == whole
    assert len(whole) > 60


def test_trades_ascend_by_time_and_id_in_whole_milliseconds(truth):
    trades = truth.trades("XRP-EUR", START, START + 24 * HOUR.ns)
    assert (np.diff(trades.time) >= 0).all()
    assert (np.diff(trades.id) > 0).all()
    assert (trades.time % 1_000_000 == 0).all()
    assert (np.diff(trades.time) == 0).any()  # several at one moment are among them
    assert (trades.price > 0).all()
    assert (trades.units > 0).all()
    assert set(trades.side.tolist()) == {-1, 1}


def test_another_seed_or_pair_is_another_market(truth):
    other = Truth(6, PAIRS, bucket=truth.bucket)
    ours = truth.trades("BTC-AUD", START, START + HOUR.ns)
    assert as_tuples(other.trades("BTC-AUD", START, START + HOUR.ns)) != as_tuples(ours)
    again = Truth(5, PAIRS, bucket=truth.bucket)
    assert as_tuples(again.trades("BTC-AUD", START, START + HOUR.ns)) == as_tuples(ours)


@pytest.mark.parametrize("interval", ["5s", "1m", "7m", "1h"])
def test_candles_are_what_a_loop_over_trades_makes_of_them(truth, interval):
    interval = Interval.parse(interval)
    start, end = interval.ceil(START), interval.ceil(START) + 12 * interval.ns
    expected = {}
    for trade in truth.trades("BTC-AUD", start, end):
        time = trade.time - trade.time % interval.ns
        known = expected.get(time)
        if known is None:
            expected[time] = TrueCandle(time, *[trade.price] * 4, trade.units, 1)
        else:
            expected[time] = TrueCandle(
                time,
                known.open,
                max(known.high, trade.price),
                min(known.low, trade.price),
                trade.price,
                known.volume + trade.units,
                known.trades + 1,
            )
    found = truth.candles("BTC-AUD", interval, start, end, end)
    assert found == list(expected.values())
    rows = truth.rows("BTC-AUD", interval, start, end)
    assert rows.time.tolist() == list(expected)
    assert rows.close.tolist() == [candle.close / 100 for candle in expected.values()]
    assert rows.volume.tolist() == [candle.volume / 1e8 for candle in expected.values()]


def test_candles_by_hand():
    trades = TrueTrades(
        "BTC-AUD",
        *(
            np.array(column)
            for column in (
                [1, 2, 3, 4],
                [MINUTE.ns, MINUTE.ns + 1, 2 * MINUTE.ns - 1, 4 * MINUTE.ns],
                [500, 700, 300, 900],
                [10, 20, 30, 40],
                [1, 1, -1, 1],
            )
        ),
    )
    assert trades.candles(MINUTE) == [
        TrueCandle(MINUTE.ns, 500, 700, 300, 300, 60, 3),
        TrueCandle(4 * MINUTE.ns, 900, 900, 900, 900, 40, 1),
    ]


def test_the_running_candle_has_the_trades_so_far(truth):
    now = START + 100 * SECOND_NS
    (candle,) = truth.candles("BTC-AUD", HOUR, START, START + HOUR.ns, now)
    assert candle.trades == len(truth.trades("BTC-AUD", START, now))


def test_some_intervals_are_quiet_and_a_lull_is(truth):
    rows = truth.rows("BTC-AUD", truth.bucket, START, START + 1_000 * truth.bucket.ns)
    assert 700 < len(rows) < 950  # a tenth is quiet, and lulls
    end = START + 300 * SECOND_NS
    lulled = Truth(5, PAIRS, bucket=truth.bucket, lulls=[("BTC-AUD", START, end)])
    assert len(lulled.trades("BTC-AUD", START, end)) == 0
    assert len(lulled.trades("XRP-EUR", START, end)) > 0
    assert as_tuples(lulled.trades("BTC-AUD", end, end + HOUR.ns)) == as_tuples(
        truth.trades("BTC-AUD", end, end + HOUR.ns)
    )


def test_the_newest_trades_are_the_last_of_all(truth):
    day = as_tuples(truth.trades("BTC-AUD", START - 24 * HOUR.ns, START))
    assert as_tuples(truth.newest("BTC-AUD", START, 7)) == day[-7:]


def test_nothing_was_traded_before_the_beginning():
    young = Truth(5, PAIRS, first_ns=START)
    assert len(young.trades("BTC-AUD", START - HOUR.ns, START)) == 0
    assert len(young.newest("BTC-AUD", START + HOUR.ns, 10_000)) == len(
        young.trades("BTC-AUD", START, START + HOUR.ns)
    )


@pytest.mark.parametrize(
    ("whole", "decimals", "padded", "text"),
    [
        (1050, 2, True, "10.50"),
        (1050, 2, False, "10.5"),
        (1000, 2, False, "10"),
        (13, 8, False, "0.00000013"),
        (7, 0, True, "7"),
        (0, 2, True, "0.00"),
    ],
)
def test_decimals_are_exact(whole, decimals, padded, text):
    assert decimal_text(whole, decimals, padded) == text


def test_any_pair_is_a_market():
    assert TrueMarket.of("BTC-AUD") == TrueMarket("BTC-AUD", 95_000.0, 2, 8)
    assert TrueMarket.of("DOGE-NZD") == TrueMarket("DOGE-NZD", 10.0, 2, 6)


def test_deltas_lead_from_one_view_of_a_book_to_the_next(truth):
    book = TrueBook(truth, "BTC-AUD", START)
    before = book.view()
    sides = {True: dict(before.bids), False: dict(before.asks)}
    deltas = book.move(START + 300 * SECOND_NS)
    for number, delta in enumerate(deltas, 1):
        assert delta.number == number
        assert len(delta.levels) == delta.last - delta.first + 1
        for level in delta.levels:
            sides[level.bid].pop(level.price, None)
            if level.units:
                sides[level.bid][level.price] = level.units
        assert max(sides[True]) < min(sides[False])
    assert [delta.first for delta in deltas[1:]] == [delta.last + 1 for delta in deltas[:-1]]
    assert (np.diff([delta.time for delta in deltas]) > 0).all()
    after = book.view()
    assert after.bids == sorted(sides[True].items(), reverse=True)
    assert after.asks == sorted(sides[False].items())
    assert 400 < len(deltas) < 800  # two a second


def test_a_book_moved_step_by_step_is_the_same(truth):
    one, other = (TrueBook(truth, "XRP-EUR", START) for _ in range(2))
    one.move(START + 60 * SECOND_NS)
    for second in range(1, 61):
        other.move(START + second * SECOND_NS)
    assert one.view() == other.view()
    assert one.view(3).bids == one.view().bids[:3]
