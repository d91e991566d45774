"""Books that are begun by a snapshot and go on by numbered changes."""

import numpy as np
import pytest

from framework.exchange.chained_book import ChainedBook, Change, Taken
from framework.exchange.live_book import LiveBook

BIDS = [("99.0", "1"), ("98.0", "2")]
ASKS = [("101.0", "3"), ("102.0", "4")]


@pytest.fixture
def chain():
    return ChainedBook(LiveBook("BTC-EUR"), full=1_000)


def change(first, last=None, bids=(), asks=(), time=None):
    last = first if last is None else last
    return Change(first, last, last * 1_000 if time is None else time, list(bids), list(asks))


def levels(chain, depth=3):
    return [chain.book.best(bid, depth) for bid in (True, False)]


def test_changes_wait_for_the_snapshot_and_those_it_holds_are_passed_over(chain):
    for number in (5, 6, 7, 8):
        assert chain.take(change(number, bids=[(f"9{number}.5", "1")])) is Taken.KEPT
        assert not chain.book.valid
    assert chain.begin(6, BIDS, ASKS)
    assert chain.book.valid and chain.book.time == 8_000
    assert levels(chain) == [
        [("99.0", "1"), ("98.5", "1"), ("98.0", "2")],
        [("101.0", "3"), ("102.0", "4")],
    ]


def test_a_first_change_may_reach_back_into_the_snapshot_but_no_later_one(chain):
    assert chain.begin(10, BIDS, ASKS)
    assert chain.take(change(8, 12, asks=[("101.0", "0")])) is Taken.APPLIED
    assert chain.take(change(12, 13, asks=[("102.0", "0")])) is Taken.BROKEN
    assert not chain.book.valid
    assert levels(chain) == [[], []]


def test_a_snapshot_alone_is_not_valid_until_a_change_ties_it_to_a_moment(chain):
    assert chain.begin(10, BIDS, ASKS)
    assert not chain.book.valid
    assert chain.take(change(9)) is Taken.OLD
    assert not chain.book.valid
    assert chain.take(change(10, time=77)) is Taken.APPLIED
    assert chain.book.valid and chain.book.time == 77
    assert chain.take(change(11, bids=[("99.5", "1")])) is Taken.APPLIED
    assert chain.book.time == 11_000


def test_a_hole_breaks_the_book_and_what_follows_it_is_kept_for_the_next_snapshot(chain):
    chain.begin(10, BIDS, ASKS)
    chain.take(change(11))
    assert chain.take(change(13, bids=[("99.5", "7")])) is Taken.BROKEN
    assert not chain.begun and not chain.book.valid
    assert chain.take(change(14, bids=[("99.6", "8")])) is Taken.KEPT
    assert chain.begin(12, BIDS, ASKS)
    assert chain.book.valid
    assert levels(chain)[0] == [("99.6", "8"), ("99.5", "7"), ("99.0", "1")]


def test_a_snapshot_older_than_what_was_kept_does_not_begin_the_book(chain):
    chain.take(change(20))
    chain.take(change(21, bids=[("99.5", "7")]))
    assert not chain.begin(15, BIDS, ASKS)
    assert not chain.begun and not chain.book.valid
    assert chain.begin(20, BIDS, ASKS)
    assert chain.book.valid
    assert levels(chain)[0][0] == ("99.5", "7")


def test_the_same_change_twice_is_passed_over(chain):
    chain.begin(10, BIDS, ASKS)
    chain.take(change(11, bids=[("99.5", "1")]))
    chain.take(change(12, bids=[("99.5", "0")]))
    assert chain.take(change(12, bids=[("99.5", "0")])) is Taken.OLD
    assert chain.book.valid


def test_lower_numbers_after_the_join_are_an_exchange_that_counts_anew(chain):
    chain.begin(1_000, BIDS, ASKS)
    chain.take(change(1_001))
    assert chain.take(change(1)) is Taken.BROKEN
    assert chain.take(change(2, asks=[("100.5", "9")])) is Taken.KEPT
    assert chain.begin(1, BIDS, ASKS)
    assert chain.book.valid and levels(chain)[1][0] == ("100.5", "9")


def test_endlessly_lower_numbers_after_a_snapshot_do_not_freeze_the_book(chain):
    chain.begin(1_000_000, BIDS, ASKS)
    taken = [chain.take(change(number)) for number in range(1, 1_002)]
    assert taken == [Taken.OLD] * 1_000 + [Taken.BROKEN]


def test_a_crossed_book_is_wrong_whatever_its_numbers_say(chain):
    chain.begin(10, BIDS, ASKS)
    assert chain.take(change(11, bids=[("101.0", "1")])) is Taken.BROKEN
    assert not chain.begin(11, [("102", "1")], ASKS)


def test_levels_are_the_same_padded_or_not(chain):
    chain.begin(10, [("99", "1")], [("101", "1")])
    chain.take(change(11, bids=[("99.00", "2")], asks=[("101.000", "0"), ("101.50", "1")]))
    assert levels(chain) == [[("99.00", "2")], [("101.50", "1")]]


def test_what_a_full_snapshot_does_not_reach_is_left_out_and_asked_for_when_little_is_left():
    full = 60
    chain = ChainedBook(LiveBook("BTC-EUR"), full)
    bids = [(f"{1_000 - level}", "1") for level in range(full)]
    chain.begin(10, bids, ASKS_HIGH)
    chain.take(change(11, bids=[("940", "5"), ("941", "5")]))
    assert ("940", "5") not in chain.book.best(True, 100)  # 941 is the worst that is known
    assert ("941", "5") in chain.book.best(True, 100)
    gone = [(f"{1_000 - level}", "0") for level in range(11)]
    for number, level in enumerate(gone[:10]):
        assert chain.take(change(12 + number, bids=[level])) is Taken.APPLIED
    assert chain.take(change(22, bids=[gone[10]])) is Taken.BROKEN  # 49 are left


ASKS_HIGH = [("1001", "1")]


def test_more_is_not_kept_than_can_be_needed(chain):
    for number in range(1, 10_001):
        chain.take(change(number))
    assert not chain.begin(5_000, BIDS, ASKS)  # what followed on it is forgotten
    assert chain.begin(9_000, BIDS, ASKS)
    assert chain.book.valid


def test_a_chain_with_random_holes_is_valid_only_while_it_equals_its_twin(chain):
    """The twin is a plain dictionary that never misses a change."""
    rng = np.random.default_rng(4)
    twin = {True: {}, False: {}}
    twin_at_snapshot, ever_valid, broken = None, 0, 0
    for number in range(1, 5_001):
        bid = bool(rng.integers(2))
        price = float(rng.integers(50, 99) if bid else rng.integers(101, 150))
        units = int(rng.integers(3))
        twin[bid].pop(price, None) if units == 0 else twin[bid].update({price: units})
        sides = ([(str(price), str(units))], []) if bid else ([], [(str(price), str(units))])
        if rng.random() > 0.02:  # else it is lost
            broken += chain.take(Change(number, number, number, *sides)) is Taken.BROKEN
        if chain.book.valid and chain.book.time == number:
            ever_valid += 1
            for side in (True, False):
                seen = {float(p): int(u) for p, u in chain.book.best(side, 1_000)}
                assert seen == twin[side]
        if not chain.begun and twin_at_snapshot is None:
            snapshot = [[(str(p), str(u)) for p, u in twin[side].items()] for side in (True, False)]
            twin_at_snapshot = (number, snapshot)
        elif twin_at_snapshot is not None and rng.random() < 0.2:  # the answer is there
            chain.begin(twin_at_snapshot[0], *twin_at_snapshot[1])
            twin_at_snapshot = None
    assert broken > 50 and ever_valid > 2_000
