"""Coinbase's books and the sequence of its frames."""

from __future__ import annotations

from framework.exchange.coinbase_book import CoinbaseBook, FrameSequence
from framework.exchange.live_book import LiveBook


def test_a_sequence_counts_what_is_missing_and_knows_what_it_heard() -> None:
    sequence = FrameSequence()
    assert [sequence.hear(number) for number in (3, 4, 4, 2, 5, 8, 9)] == [0, 0, -1, -1, 0, 2, 0]


def test_a_book_begins_with_a_snapshot() -> None:
    book = CoinbaseBook(LiveBook("BTC-USD"))
    assert not book.update([(True, "99.5", "1")], 1)
    assert not book.book.valid
    book.snapshot([(True, "99", "1"), (False, "101", "2")], 2)
    assert book.update([(True, "99", "0"), (True, "98.5", "4")], 3)
    assert book.book.valid and book.book.time == 3
    assert book.book.best(True, 5) == [("98.5", "4")]


def test_a_crossed_book_is_not_valid_until_it_is_uncrossed() -> None:
    book = CoinbaseBook(LiveBook("BTC-USD"))
    book.snapshot([(True, "99", "1"), (False, "101", "2")], 1)
    book.update([(True, "102", "1")], 2)
    assert not book.book.valid
    book.update([(False, "101", "0")], 3)
    assert book.book.valid


def test_a_new_snapshot_forgets_all_levels() -> None:
    book = CoinbaseBook(LiveBook("BTC-USD"))
    book.snapshot([(True, "99", "1"), (False, "101", "2")], 1)
    book.snapshot([(False, "105", "2")], 2)
    assert book.book.best(True, 5) == [] and book.book.best(False, 5) == [("105", "2")]
