"""What is stored of what a feed tells, and which spans count as recorded."""

import numpy as np
import pytest

from framework.errors import OutsideFault
from framework.feed.events import BookSeen, CandleClosed, CandleRevised, Traded
from framework.feed.recorder import Recorder
from framework.feed.trade_check import TradeCheck
from framework.market.book_store import BookStore
from framework.market.candles import Standing
from framework.market.live import BookState, Candle, Trade
from framework.market.store import CandleStore
from framework.market.trade_store import TradeStore
from framework.types import Interval

MINUTE = Interval.parse("1m")
NS = MINUTE.ns
EVER = (-(2**62), 2**62)
PAIR = "A-B"


def candle(minute, volume=1.0, close=100.0):
    return Candle(PAIR, minute * NS, close, close, close, close, volume)


def closed(minute, volume=1.0, standing=Standing.CONFIRMED, **values):
    return CandleClosed(candle(minute, volume, **values), standing)


def traded(name, minute, units=1.0, late=False):
    return Traded(Trade(PAIR, str(name), round(minute * NS), 100.0, units, 1), late)


class Place:
    """A recorder in a folder, and readers of what it has stored."""

    def __init__(self, folder, what=("candles", "trades", "books")):
        self.url = str(folder)
        self.recorder = Recorder(self.url, {}, "x", [PAIR], MINUTE, frozenset(what))

    def tell(self, *events):
        for event in events:
            self.recorder.hear(event)
        self.recorder.store(self.recorder.take())

    @property
    def candles(self):
        rows = CandleStore(self.url).read("x", PAIR, MINUTE, *EVER)
        return dict(zip((rows.time // NS).tolist(), rows.volume.tolist(), strict=True))

    @property
    def trades(self):
        return TradeStore(self.url).ids("x", PAIR)

    @property
    def known(self):
        """Minutes [start, end) recorded, of candles and of trades."""
        ranges = (
            CandleStore(self.url).covered("x", PAIR, MINUTE),
            TradeStore(self.url).covered("x", PAIR),
        )
        return tuple([(start // NS, end // NS) for start, end in each] for each in ranges)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_span_counts_when_its_trades_add_up_to_the_candle(place):
    place.tell(traded(1, 0.2), traded(2, 0.7, 0.5), closed(0, 1.5))
    assert (place.trades, place.candles) == (["1", "2"], {0: 1.5})
    assert place.known == ([(0, 1)], [(0, 1)])


def test_a_span_with_a_lost_trade_is_a_hole_until_the_trade_comes_late(place):
    place.tell(traded(1, 0.2), closed(0, 1.5), closed(1, 0.0, Standing.FLAT))
    assert place.known == ([(0, 2)], [(1, 2)])
    place.tell(traded(2, 0.7, 0.5, late=True))
    assert place.known == ([(0, 2)], [(0, 2)])
    assert place.trades == ["1", "2"]


def test_a_flat_candle_is_no_row_and_a_span_without_trades(place):
    place.tell(closed(0, 0.0, Standing.FLAT))
    assert place.candles == {}
    assert place.known == ([(0, 1)], [(0, 1)])


def test_a_provisional_candle_is_a_row_and_a_hole_until_it_is_revised(place):
    place.tell(traded(1, 0.5), closed(0, 1.0, Standing.PROVISIONAL))
    assert place.candles == {0: 1.0}
    assert place.known == ([], [(0, 1)])
    place.tell(CandleRevised(candle(0, 3.0), candle(0, 1.0)), traded(2, 0.6, 2.0, late=True))
    assert place.candles == {0: 3.0}
    assert place.known == ([(0, 1)], [(0, 1)])


def test_a_book_is_stored_at_the_moment_at_which_it_was_found_valid(place):
    levels = np.array([[[99.0, 1.0]], [[101.0, 2.0]]])
    place.tell(BookSeen(BookState(PAIR, 5 * NS, levels), age_ns=7))
    books = BookStore(place.url).read("x", [PAIR], *EVER)
    assert books.time.tolist() == [5 * NS + 7]
    np.testing.assert_array_equal(books.levels, [levels])


def test_only_what_is_asked_for_is_kept(tmp_path):
    levels = np.ones((2, 1, 2))
    events = (traded(1, 0.5), closed(0), BookSeen(BookState(PAIR, NS, levels), 0))
    for what, stored in {"candles": (1, 0, 0), "trades": (0, 1, 0), "books": (0, 0, 1)}.items():
        place = Place(tmp_path / what, [what])
        place.tell(*events)
        found = place.recorder.stored[PAIR]
        assert (found.candles, found.trades, found.books) == stored
        assert len(place.candles) == stored[0]


def test_what_cannot_be_stored_waits_in_its_order_and_counts_nowhere(place, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(TradeStore, "add", lambda *_: (_ for _ in ()).throw(OutsideFault("full")))
        with pytest.raises(OutsideFault, match="full"):
            place.tell(traded(1, 0.2), closed(0))
        place.recorder.hear(traded(2, 1.2))
    assert place.recorder.waiting == 3
    assert place.known == ([], [])
    place.tell(closed(1))
    assert place.trades == ["1", "2"]
    assert place.known == ([(0, 2)], [(0, 2)])
    assert place.recorder.waiting == 0


def test_a_killed_flush_marks_nothing_that_is_not_stored(place, monkeypatch):
    marked = []
    for store in (CandleStore, TradeStore):
        name = "mark_ranges" if store is CandleStore else "mark_covered"
        monkeypatch.setattr(
            store, name, lambda *_: marked.append((dict(place.candles), list(place.trades)))
        )
    place.tell(traded(1, 0.2), closed(0))
    assert marked == [({0: 1.0}, ["1"])] * 2


def test_the_next_recording_begins_at_the_first_hole_within_reach(place):
    now, day = 1_000 * NS + 1, 100 * NS
    assert place.recorder.first_wanted(now, day) == {}
    place.tell(traded(1, 950.5), closed(950))
    assert place.recorder.first_wanted(now, day) == {PAIR: 951 * NS}
    place.tell(closed(951, 0.0, Standing.FLAT), closed(952, 5.0), closed(953, 0.0, Standing.FLAT))
    # the trades of minute 952 are not known, its candle is
    assert place.known == ([(950, 954)], [(950, 952), (953, 954)])
    assert place.recorder.first_wanted(now, day) == {PAIR: 952 * NS}
    assert place.recorder.first_wanted(now, 30 * NS) == {PAIR: 970 * NS}


def test_trades_stored_before_any_candle_closed_are_where_the_next_begins(place):
    place.tell(traded(1, 950.5))
    assert place.recorder.first_wanted(1_000 * NS, 100 * NS) == {PAIR: 950 * NS}


def test_where_all_is_recorded_the_next_begins_with_the_running_candle(place):
    place.tell(*(closed(minute, 0.0, Standing.FLAT) for minute in range(950, 1_000)))
    assert place.recorder.first_wanted(1_000 * NS + 7, 20 * NS) == {PAIR: 1_000 * NS}


def test_sums_are_compared_as_exchanges_round_and_forgotten_in_time():
    check = TradeCheck(MINUTE)
    for number in range(10):
        assert check.trade(traded(number, 0.05 * number, 0.1).trade) == []
    assert check.candle(candle(0, 1.0)) == [(0, NS)]  # ten times 0.1 is not 1 in floats
    assert check.candle(candle(0, 1.1)) == []
    assert check.trade(traded(10, 0.9, 0.1).trade) == [(0, NS)]
    for minute in range(1, 2_000):
        check.candle(candle(minute))
    assert len(check._sums) <= 240
