"""BTC Markets' order book: checksums known from elsewhere, and what makes a book wrong."""

import pytest

from framework.exchange.btcmarkets_book import BookKeeper, Form, Outcome, checksum_form
from framework.exchange.live_book import LiveBook
from framework.types import parse_time

# The CRC32 of "123456789" is 0xCBF43926 in every catalogue of checksums.
CHECK = str(0xCBF43926)


def frame(number, bids=(), asks=(), checksum=None, snapshot=False, time="2026-09-23T04:41:37.689Z"):
    made = {"snapshotId": number, "bids": list(bids), "asks": list(asks), "timestamp": time}
    if snapshot:
        made["snapshot"] = True
    if checksum is not None:
        made["checksum"] = checksum
    return made


def kept():
    """Return a keeper of a book of two levels that spell 12 34 56 789."""
    keeper = BookKeeper(LiveBook("BTC-AUD"))
    snapshot = frame(100, [["1.2", "34", 1]], [["5.6", "0.789", 2]], snapshot=True)
    assert keeper.read(snapshot) is Outcome.VALID
    return keeper


def test_the_documented_sample_passes_without_its_trailing_zeros():
    # https://docs.btcmarkets.net, websocket feed v2, orderbookUpdate: snapshot, then change.
    keeper = BookKeeper(LiveBook("LTC-AUD"))
    bids = [
        ["99.57", "0.55", 1],
        ["97.62", "3.20", 2],
        ["97.07", "0.9", 1],
        ["96.7", "1.9", 1],
        ["95.8", "7.0", 1],
    ]
    asks = [["100", "3.79", 3], ["101", "6.32", 2]]
    assert keeper.read(frame(1578512833978000, bids, asks, snapshot=True)) is Outcome.VALID
    change = frame(
        1578512844045000,
        [["99.81", "1.2", 1], ["95.8", "0", 0]],
        [["100", "3.2", 2]],
        "2513007604",
    )
    assert keeper.read(change) is Outcome.VALID
    assert keeper.form is Form.STRIPPED
    assert keeper.book.best(True, 2) == [("99.81", "1.2"), ("99.57", "0.55")]


@pytest.mark.parametrize(
    ("bids", "asks", "form"),
    [
        ([("1.2", "34")], [("5.6", "0.789")], Form.AS_SENT),
        ([("0.0012", "0.34")], [("0.56", "00789")], Form.AS_SENT),
        ([("0.00000012", "34")], [("5", "6"), ("7", "8"), ("9", "0")], Form.AS_SENT),
        ([("1.20", "34.0")], [("5.6", "0.789")], Form.STRIPPED),
        ([("1.2", "34")], [("5.6", "0.7890")], Form.STRIPPED),
        ([("5.6", "0.789")], [("1.2", "34")], None),  # asks first
        ([("1.2", "34"), ("5.6", "0.78")], [], None),
        ([("1.2", "340")], [("5.6", "0.789")], None),  # zeros before the point count
    ],
)
def test_a_checksum_covers_the_numbers_without_points_and_leading_zeros(bids, asks, form):
    assert checksum_form(bids, asks, CHECK) is form


def test_ten_levels_a_side_count_and_no_more():
    from zlib import crc32

    keeper = BookKeeper(LiveBook("BTC-AUD"))
    bids = [[str(price), "1", 1] for price in range(30, 18, -1)]  # 12 levels, best 30
    asks = [[str(price), "2", 1] for price in range(31, 43)]
    keeper.read(frame(1, bids, asks, snapshot=True))
    text = "".join(f"{30 - i}1" for i in range(10)) + "".join(f"{31 + i}2" for i in range(10))
    assert text.startswith("301291") and text.endswith("402")
    right = str(crc32(text.encode()))
    assert keeper.read(frame(2, [["20", "9", 1]], [], right)) is Outcome.VALID  # the 11th bid
    assert keeper.read(frame(3, [["21", "9", 1]], [], right)) is Outcome.WRONG  # the 10th


def test_a_change_is_applied_and_checked():
    keeper = kept()
    assert keeper.read(frame(101, [["1.2", "3", 1]], [], CHECK)) is Outcome.WRONG
    keeper = kept()
    keeper.read(frame(101, [["1.2", "35", 1]], [], "1"))
    assert not keeper.book.valid
    keeper = kept()
    keeper.book.put(True, "1.2", "35")
    assert keeper.read(frame(101, [["1.2", "34", 1]], [], CHECK)) is Outcome.VALID
    assert keeper.book.valid
    assert keeper.book.time == parse_time("2026-09-23T04:41:37.689Z")


def test_changes_from_before_the_snapshot_are_passed_over_even_twice():
    keeper = kept()
    early = frame(99, [["1.1", "7", 1]], [], "12345")
    for _ in range(3):
        assert keeper.read(early) is Outcome.PASSED_OVER
    assert keeper.book.valid
    assert keeper.book.best(True, 5) == [("1.2", "34")]


def test_a_change_of_the_snapshots_own_moment_is_applied():
    keeper = kept()
    assert keeper.read(frame(100, [["1.2", "34", 1]], [], CHECK)) is Outcome.VALID


def test_nothing_is_believed_before_the_first_snapshot_nor_after_a_mistake():
    keeper = BookKeeper(LiveBook("BTC-AUD"))
    assert keeper.read(frame(5, [["1.2", "34", 1]], [], CHECK)) is Outcome.PASSED_OVER
    keeper = kept()
    assert keeper.read(frame(101, [["1.1", "1", 1]], [], CHECK)) is Outcome.WRONG
    assert keeper.read(frame(102, [["1.1", "0", 0]], [], CHECK)) is Outcome.PASSED_OVER
    assert not keeper.book.valid
    again = frame(103, [["1.2", "34", 1]], [["5.6", "0.789", 2]], snapshot=True)
    assert keeper.read(again) is Outcome.VALID
    assert keeper.book.best(True, 5) == [("1.2", "34")]


def test_a_repeated_change_is_passed_over_and_one_out_of_order_is_not():
    keeper = kept()
    first = frame(101, [["1.2", "34", 1]], [], CHECK)
    assert keeper.read(first) is Outcome.VALID
    assert keeper.read(frame(102, [], [["5.6", "0.789", 1]], CHECK)) is Outcome.VALID
    assert keeper.read(first) is Outcome.PASSED_OVER
    assert keeper.book.valid
    assert keeper.read(frame(101, [["0.1", "1", 1]], [], "77")) is Outcome.WRONG


def test_a_change_without_a_checksum_makes_the_book_wrong():
    assert kept().read(frame(101, [["1.2", "34", 1]])) is Outcome.WRONG


def test_a_crossed_book_is_wrong_whatever_its_checksum():
    keeper = BookKeeper(LiveBook("BTC-AUD"))
    assert keeper.read(frame(1, [["5.6", "1"]], [["5.6", "1"]], snapshot=True)) is Outcome.WRONG


def test_an_empty_market_has_a_valid_empty_book_months_old():
    keeper = BookKeeper(LiveBook("MCAU-AUD"))
    empty = frame(1790138497492000, snapshot=True, time="2026-07-23T19:48:04.884Z")
    assert keeper.read(empty) is Outcome.VALID
    assert keeper.book.best(True, 1) == keeper.book.best(False, 1) == []


@pytest.mark.parametrize(
    "level",
    [
        ["1.2", 34, 1],
        [1.2, "34", 1],
        ["NaN", "34", 1],
        ["1.2", "nan", 1],
        ["1.2", "-1", 1],
        ["0", "1", 1],
        ["1.2", "inf", 1],
        ["9" * 400, "1", 1],
        ["1e300", "1", 1],
        ["1.2"],
        "1.2",
        None,
        ["one", "1", 1],
    ],
)
def test_a_level_that_is_none_cannot_be_read(level):
    with pytest.raises(ValueError):
        kept().read(frame(101, [level], [], CHECK))


@pytest.mark.parametrize(
    "broken",
    [
        {"snapshotId": None},
        {"snapshotId": 1.5},
        {"snapshotId": True},
        {"bids": {}},
        {"asks": None},
        {"timestamp": 1790138497689},
        {"timestamp": "yesterday"},
        {"checksum": []},
    ],
)
def test_a_message_of_other_types_cannot_be_read(broken):
    with pytest.raises(ValueError):
        kept().read(frame(101, [["1.2", "34", 1]], [], CHECK) | broken)
