"""Candles of one pair, told by hand-worked evidence, and against a plain market at random."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.feed.bucket import Closing
from framework.feed.candle_line import CandleLine
from framework.feed.coverage import Coverage
from framework.feed.events import CandleClosed, CandleRevised
from framework.feed.verdict import Judge
from framework.market.candles import Standing
from framework.market.live import Candle, Trade
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, Interval

PAIR = "BTC-AUD"
TEN = Interval.parse("10s")
CONFIRMED, FLAT, PROVISIONAL = Standing.CONFIRMED, Standing.FLAT, Standing.PROVISIONAL


def s(seconds):
    return round(seconds * SECOND_NS)


def trade(id_, seconds, price, units=1.0):
    return Trade(PAIR, str(id_), s(seconds), price, units, 1)


def candle(seconds, o, h, low, c, volume):
    return Candle(PAIR, s(seconds), o, h, low, c, volume)


def rows(*candles):
    table = np.array([(c.open, c.high, c.low, c.close, c.volume) for c in candles]).reshape(-1, 5)
    return CandleRows(PAIR, np.array([c.time for c in candles], np.int64), *table.T)


BEFORE = candle(-10, 9.0, 9.0, 9.0, 9.0, 1.0)


@pytest.fixture
def coverage():
    heard = Coverage(s(0))
    heard.begin(s(0))
    return heard


@pytest.fixture
def line(coverage):
    made = CandleLine(Judge(PAIR, TEN, coverage, True, Closing()), s(0))
    made.read(rows(BEFORE), s(-10), s(0), s(0.1))
    return made


def test_a_row_that_holds_the_trades_heard_confirms(line):
    for heard in (trade(2, 3, 11.0), trade(1, 1, 10.0), trade(3, 8, 10.5, 0.5)):
        line.add(heard)
    true = candle(0, 10.0, 11.0, 10.0, 10.5, 2.5)
    assert line.tell(s(11)) == []
    line.read(rows(true), s(0), s(10), s(10.9))
    assert line.tell(s(11)) == [CandleClosed(true, CONFIRMED)]
    assert line.tell(s(11)) == []


def test_the_running_candle_is_not_taken_for_a_closed_one(line):
    line.add(trade(1, 1, 10.0))
    line.read(rows(candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)), s(0), s(10), s(9.9))
    assert line.tell(s(10.5)) == []


def test_a_row_older_than_the_trades_waits_and_the_bar_is_told_at_the_deadline(line):
    line.add(trade(1, 1, 10.0))
    line.add(trade(2, 9, 12.0))
    line.read(rows(candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)), s(0), s(10), s(11))
    assert [b.time for b in line.waiting(s(11), live=True)] == [0]
    assert line.tell(s(20.9)) == []
    told = line.tell(s(21))  # 10 s after it could be asked for
    assert told == [CandleClosed(candle(0, 10.0, 12.0, 10.0, 12.0, 2.0), PROVISIONAL)]
    # The true row comes: nothing changed, nothing is said, and nothing is out any more.
    line.read(rows(candle(0, 10.0, 12.0, 10.0, 12.0, 2.0)), s(0), s(20), s(25))
    assert line.tell(s(25)) == []
    assert [b.time for b in line.waiting(s(25), live=True)] == [s(10)]


def test_which_of_two_trades_with_one_stamp_was_first_is_the_exchange_s_to_say(line):
    line.add(trade(1, 1, 10.0))
    line.add(trade(2, 1, 12.0))
    line.read(rows(candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)), s(0), s(10), s(11))
    assert [b.time for b in line.waiting(s(11), live=True)] == [0]
    told = line.tell(s(21))
    assert told == [CandleClosed(candle(0, 10.0, 12.0, 10.0, 12.0, 2.0), PROVISIONAL)]
    true = candle(0, 12.0, 12.0, 10.0, 10.0, 2.0)
    line.read(rows(true), s(0), s(20), s(25))
    assert line.tell(s(25)) == [CandleRevised(true, told[0].candle)]
    assert line.tell(s(26)) == []


def test_a_row_with_more_than_was_heard_asks_for_trades_and_is_believed_with_them(line):
    line.add(trade(1, 1, 10.0))
    true = candle(0, 10.0, 12.0, 10.0, 12.0, 3.0)
    line.read(rows(true), s(0), s(10), s(11))
    assert line.tell(s(11)) == []
    (bucket,) = line.waiting(s(11), live=True)
    assert line._judge.needs_trades(bucket, s(11))
    line.add(trade(2, 5, 12.0, 2.0))
    assert line.tell(s(11.1)) == [CandleClosed(true, CONFIRMED)]


def test_nobody_traded_where_neither_rows_nor_trades_say_so(line):
    line.read(rows(), s(0), s(10), s(11))
    assert line.tell(s(11)) == []  # a row may be late
    line.complete(s(0), s(10))
    assert line.tell(s(11)) == [CandleClosed(candle(0, 9.0, 9.0, 9.0, 9.0, 0.0), FLAT)]


def test_a_closed_candle_of_an_unbroken_socket_is_told_at_once(line):
    closed = candle(0, 10.0, 12.0, 10.0, 12.0, 3.0)
    assert not line.stream(closed, None)
    assert line.stream(closed, True)
    assert line.tell(s(9.99)) == [CandleClosed(closed, CONFIRMED)]


def test_a_closed_candle_after_a_hole_is_proven_first(line, coverage):
    coverage.lose(s(3))
    coverage.begin(s(5))
    assert not line.stream(candle(0, 10.0, 12.0, 10.0, 12.0, 3.0), True)
    assert line.tell(s(11)) == []


def test_without_trades_an_answer_must_stay_the_same(line, coverage):
    coverage.lose(s(3))
    coverage.begin(s(5))
    coverage.give_up(s(0), s(5))
    small, true = candle(0, 10.0, 10.0, 10.0, 10.0, 1.0), candle(0, 10.0, 12.0, 10.0, 12.0, 3.0)
    line.read(rows(small), s(0), s(10), s(11))
    line.read(rows(true), s(0), s(10), s(13))
    line.read(rows(true), s(0), s(10), s(16.9))
    assert line.tell(s(17)) == []
    line.read(rows(true), s(0), s(10), s(17))
    assert line.tell(s(17)) == [CandleClosed(true, CONFIRMED)]


def test_only_grown_rows_revise(line):
    line.add(trade(1, 1, 10.0))
    told = candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)
    line.read(rows(told), s(0), s(10), s(11))
    assert line.tell(s(11)) == [CandleClosed(told, CONFIRMED)]
    # The last trade was lost, and the row of then was old.
    grown = candle(0, 10.0, 12.0, 10.0, 12.0, 3.0)
    line.read(rows(grown), s(0), s(10), s(12))
    assert line.tell(s(12)) == []
    line.add(trade(2, 9, 12.0, 2.0))
    assert line.tell(s(12)) == [CandleRevised(grown, told)]
    line.read(rows(told), s(0), s(10), s(30))
    assert line.tell(s(30)) == []


def test_a_revised_close_moves_the_flat_candles_after_it(line):
    line.add(trade(1, 1, 10.0))
    first = candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)
    line.read(rows(first), s(0), s(20), s(21))
    line.complete(s(10), s(20))
    line.tell(s(10.9))
    line.tell(s(21))
    line.add(trade(2, 9, 12.0, 2.0))
    grown = candle(0, 10.0, 12.0, 10.0, 12.0, 3.0)
    line.read(rows(grown), s(0), s(20), s(22))
    flat_before = candle(10, 10.0, 10.0, 10.0, 10.0, 0.0)
    flat_after = candle(10, 12.0, 12.0, 12.0, 12.0, 0.0)
    assert line.tell(s(22)) == [
        CandleRevised(grown, first),
        CandleRevised(flat_after, flat_before),
    ]
    assert line.last_close == 12.0


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 1e18, -1.0, 0.0])
def test_a_row_that_cannot_be_is_passed_over(line, wrong):
    line.add(trade(1, 1, 10.0))
    true = candle(0, 10.0, 10.0, 10.0, 10.0, 1.0)
    line.read(rows(candle(0, 10.0, wrong, 10.0, 10.0, 1.0)), s(0), s(10), s(11))
    line.read(rows(candle(0, 10.0, wrong, 10.0, 10.0, 1.0)), s(0), s(10), s(16))
    assert line.tell(s(16)) == []
    line.read(rows(true), s(0), s(10), s(17))
    assert line.tell(s(17)) == [CandleClosed(true, CONFIRMED)]


@given(st.data())
def test_whatever_is_heard_and_served_ends_in_the_truth(data):
    """Trades late, lost and repeated by requests; rows absent, old or whole; a hole or two."""
    count = 6
    trades = [
        trade(k, data.draw(st.integers(0, count * 100 - 1)) / 10, 10.0 + k % 5, 1.0 + k % 3)
        for k in range(data.draw(st.integers(0, 20)))
    ]
    true = _candles(trades)
    coverage = Coverage(s(0))
    coverage.begin(s(0))
    line = CandleLine(Judge(PAIR, TEN, coverage, True, Closing()), s(0))
    line.read(rows(BEFORE), s(-10), s(0), s(0.1))
    unheard, told = list(trades), []

    def hear(some):
        for one in some:
            unheard.remove(one)
            line.add(one)

    for moment in range(1, count * 10 + 15):
        now = s(moment)
        past = [t for t in unheard if t.time < now]
        heard = [t for t in past if data.draw(st.booleans())]
        hear(heard)
        action = data.draw(st.sampled_from(["none", "rows", "old rows", "trades", "hole"]))
        cut = now if action == "rows" else now - s(data.draw(st.integers(0, 8)))
        if action in ("rows", "old rows"):
            served = _candles([t for t in trades if t.time < cut])
            line.read(rows(*served.values()), s(0), now, now)
        elif action == "trades":
            hear([t for t in unheard if t.time < now])
            line.complete(s(0), TEN.floor(now))
            coverage.fill(s(0), now)
        elif action == "hole":
            coverage.lose(now - s(2))
            coverage.begin(now)
        line.waiting(now, live=True)
        told += line.tell(now)
    # In the end all is served, and what was not heard is told by a request.
    hear(list(unheard))
    line.complete(s(0), s(count * 10))
    coverage.fill(s(0), s(1_000))
    for moment in (300, 310):
        line.read(rows(*_candles(trades).values()), s(0), s(count * 10), s(moment))
        line.waiting(s(moment), live=True)
        told += line.tell(s(moment))
    last, close = {}, 9.0
    for event in told:
        if isinstance(event, CandleClosed):
            assert event.candle.time == s(10 * len(last))
            last[event.candle.time] = event.candle
        else:
            assert event.before == last[event.candle.time]
            last[event.candle.time] = event.candle
    for k in range(count):
        expected = true.get(s(10 * k), candle(10 * k, close, close, close, close, 0.0))
        close = expected.close
        assert last[s(10 * k)] == expected


def _candles(trades):
    found = {}
    for one in sorted(trades, key=lambda t: (t.time, int(t.id))):
        opens = TEN.floor(one.time)
        old = found.get(opens)
        p, u = one.price, one.units
        found[opens] = (
            Candle(PAIR, opens, p, p, p, p, u)
            if old is None
            else Candle(PAIR, opens, old.open, max(old.high, p), min(old.low, p), p, old.volume + u)
        )
    return found
