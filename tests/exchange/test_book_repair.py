"""How often a broken book is asked for."""

from framework.exchange.book_repair import BookRepair
from framework.exchange.live_book import LiveBook


def rounds_asked(repair, rounds, before_each=lambda number: None):
    asked = []
    for number in range(1, rounds + 1):
        before_each(number)
        if repair.due():
            asked.append(number)
    return asked


def test_a_first_snapshot_that_does_not_come_is_asked_for_after_five_seconds_and_then_more_rarely():
    repair = BookRepair([LiveBook("BTC-AUD")])
    # 10 rounds of half a second; then after 1, 2, 4, 8, 16, 32, 60, 60 more rounds between.
    assert rounds_asked(repair, 210) == [10, 12, 15, 20, 29, 46, 79, 140, 201]


def test_a_book_that_breaks_is_asked_for_in_the_next_round_and_nobody_else_is():
    good, bad = LiveBook("BTC-AUD"), LiveBook("ETH-AUD")
    good.valid = bad.valid = True
    repair = BookRepair([good, bad])
    assert rounds_asked(repair, 30) == []
    bad.valid = False
    assert repair.due() == ["ETH-AUD"]
    bad.valid = True
    assert rounds_asked(repair, 30) == []


def test_a_book_that_breaks_again_and_again_is_asked_for_more_and_more_rarely_until_it_is_calm():
    book = LiveBook("BTC-AUD")
    book.valid = True
    repair = BookRepair([book])
    rounds_asked(repair, 30)

    def flutter(number):
        book.valid = number % 2 == 0  # valid for a moment after each answer

    few = rounds_asked(repair, 120, flutter)
    assert few[:4] == [1, 3, 7, 13]
    assert len(few) <= 7
    book.valid = True
    rounds_asked(repair, 80)
    book.valid = False
    assert rounds_asked(repair, 4) == [1, 3]


def test_a_book_that_breaks_right_after_its_first_snapshot_is_asked_for_in_the_next_round():
    book = LiveBook("BTC-AUD")
    repair = BookRepair([book])
    assert rounds_asked(repair, 3) == []
    book.time = 1  # the snapshot came, and broke within the round
    assert rounds_asked(repair, 2) == [1]
