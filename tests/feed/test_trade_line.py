from hypothesis import given
from hypothesis import strategies as st

from framework.feed.events import Traded
from framework.feed.trade_line import TradeLine
from framework.market.live import Trade, in_order


def trade(number, time=None):
    return Trade("BTC-AUD", str(number), number if time is None else time, 100.0, 1.0, 1)


def ids(told):
    return [("late " if event.late else "") + event.trade.id for event in told]


def test_a_trade_is_told_at_the_second_turn():
    line = TradeLine()
    assert line.add(trade(1))
    assert line.turn() == []
    assert line.turn() == [Traded(trade(1), False)]
    assert line.turn() == []


def test_swapped_trades_are_told_in_order():
    line = TradeLine()
    for number in (2, 1, 10, 9):
        line.add(trade(number, time=5))
    line.turn()
    assert ids(line.turn()) == ["1", "2", "9", "10"]  # by value, not letter by letter


def test_what_comes_before_a_told_trade_is_late():
    line = TradeLine()
    line.add(trade(5))
    line.turn()
    line.turn()
    line.add(trade(4))
    line.add(trade(6))
    assert ids(line.turn()) == ["late 4"]
    assert ids(line.turn()) == ["6"]


def test_a_trade_that_sorts_before_a_ripe_one_goes_with_it():
    line = TradeLine()
    line.add(trade(5))
    line.turn()
    line.add(trade(3))
    line.add(trade(7))
    assert ids(line.turn()) == ["3", "5"]
    assert ids(line.turn()) == ["7"]


def test_the_same_id_counts_once():
    line = TradeLine()
    assert line.add(trade(1))
    assert not line.add(trade(1))
    line.turn()
    assert ids(line.turn()) == ["1"]
    assert not line.add(trade(1))
    assert line.turn() == []


def test_all_before_a_moment_is_told_without_waiting():
    line = TradeLine()
    for number in (3, 1, 5):
        line.add(trade(number))
    assert ids(line.tell_before(5)) == ["1", "3"]
    line.turn()
    assert ids(line.turn()) == ["5"]


def test_ids_are_forgotten_beyond_a_bound_and_old_trades_then_refused():
    line = TradeLine(kept=10)
    for number in range(100):
        line.add(trade(number))
        line.forget([])
    assert line.known_from_ns >= 80
    assert not line.add(trade(5))  # maybe told before: refused
    assert line.add(trade(6), missed=True)  # but not where nothing was heard


def test_ids_at_the_ends_of_holes_are_remembered():
    line = TradeLine(kept=10)
    for number in range(100):
        line.add(trade(number))
        line.forget([(20, 25)])
    assert not line.add(trade(22), missed=True)
    assert line.add(trade(30), missed=True)


@given(st.data())
def test_each_trade_once_in_order_or_late_however_they_come(data):
    """Trades in random order, repeated, with turns in between, against a plain account."""
    count = data.draw(st.integers(1, 30))
    trades = [trade(k, time=k // 3) for k in range(count)]
    order = data.draw(st.permutations(trades + data.draw(st.lists(st.sampled_from(trades)))))
    line, told, seen = TradeLine(), [], set()
    for new in order:
        assert line.add(new) == (new.id not in seen)
        seen.add(new.id)
        for _ in range(data.draw(st.integers(0, 2))):
            told += line.turn()
        if data.draw(st.booleans()):
            told += line.tell_before(data.draw(st.integers(0, count)))
    told += line.turn() + line.turn()
    assert sorted(event.trade.id for event in told) == sorted(t.id for t in trades)
    highest = None
    for event in told:
        if event.late:
            assert highest is not None and in_order(event.trade) < highest
        else:
            assert highest is None or in_order(event.trade) > highest
            highest = in_order(event.trade)
