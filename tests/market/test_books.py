"""Recorded order books: which one is the newest, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from framework.errors import UserError
from framework.market.books import ASKS, BIDS, BookRows, books_of, side_by_side

SECOND = 1_000_000_000


def rows_of(*rows, pair="A-Q"):
    """Rows of (time, side, level, price, units)."""
    time, side, level, price, units = np.array(rows, float).reshape(-1, 5).T
    whole = (column.astype(np.int64) for column in (time, side, level))
    return BookRows(pair, *whole, price, units)


def simple(*times, pair="A-Q", levels=1):
    """A book of one or more levels at each of these times."""
    return books_of(
        rows_of(
            *(
                (time, side, level, 100 + way * (level + 1), 5)
                for time in times
                for side, way in ((BIDS, -1), (ASKS, 1))
                for level in range(levels)
            ),
            pair=pair,
        ),
        "made",
    )


def test_levels_lie_by_snapshot_side_and_depth_whatever_the_order_of_rows():
    books = books_of(
        rows_of((20, ASKS, 1, 103, 3), (10, BIDS, 0, 99, 1), (20, ASKS, 0, 101, 2)), "made"
    )
    assert books.time.tolist() == [10, 20]
    nan = np.nan
    np.testing.assert_array_equal(
        books.levels,
        [
            [[[99, 1], [nan, nan]], [[nan, nan], [nan, nan]]],
            [[[nan, nan], [nan, nan]], [[101, 2], [103, 3]]],
        ],
    )


def test_the_newest_is_never_later_and_never_too_old():
    books = side_by_side([simple(10, 20, 40), simple(35, pair="B-Q", levels=3)])
    time = np.array([5, 9, 10, 19, 20, 30, 31, 39, 40, 41])
    assert books.newest(time, 10).tolist() == [
        [-1, -1, 0, 0, 1, 1, -1, -1, 2, 2],
        [-1, -1, -1, -1, -1, -1, -1, 3, 3, 3],
    ]


def test_only_what_is_used_is_kept_and_found_again():
    books = side_by_side([simple(10, 11, 20, 40), simple(35, 36, pair="B-Q")])
    time = np.array([12, 38, 39])
    used = books.used_at(time, 10)
    assert used.time.tolist() == [11, 36]
    assert used.first.tolist() == [0, 1, 2]
    assert used.newest(time, 10).tolist() == [[0, -1, -1], [-1, 1, 1]]
    assert used.digest != books.digest
    assert used.digest == side_by_side([simple(11), simple(36, pair="B-Q")]).digest


def test_later_ones_are_dropped_pair_by_pair():
    books = side_by_side([simple(10, 20), simple(20, 21, pair="B-Q")])
    known = books.until(20)
    assert (known.time.tolist(), known.first.tolist()) == ([10, 20, 20], [0, 2, 3])


def test_the_digest_covers_every_number():
    rows = (10, ASKS, 0, 101, 2), (10, ASKS, 1, 103, 3)
    digests = {books_of(rows_of(*rows), "made").digest}
    for row in range(2):
        for column in (3, 4):
            changed = [list(each) for each in rows]
            changed[row][column] += 0.5
            digests.add(books_of(rows_of(*changed), "made").digest)
    digests.add(books_of(rows_of(*((11, *row[1:]) for row in rows)), "made").digest)
    digests.add(books_of(rows_of(*((10, BIDS, *row[2:]) for row in rows[:1])), "made").digest)
    assert len(digests) == 7


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [(SECOND, BIDS, 0, 101, 1), (SECOND, ASKS, 0, 100, 1)],
            "the best bid must be below the best ask (bid 101, ask 100)",
        ),
        (
            [(SECOND, BIDS, 0, 100, 1), (SECOND, ASKS, 0, 100, 1)],
            "the best bid must be below the best ask (bid 100, ask 100)",
        ),
        (
            [(SECOND, ASKS, 0, 100, 1), (SECOND, ASKS, 1, 99, 1)],
            "ask level 1: prices must get worse from level to level (was 99)",
        ),
        (
            [(SECOND, BIDS, 0, 100, 1), (SECOND, BIDS, 1, 100, 1)],
            "bid level 1: prices must get worse from level to level (was 100)",
        ),
        (
            [(SECOND, BIDS, 0, 100, 0)],
            "bid level 0: units must be finite and greater than 0 (was 0)",
        ),
        (
            [(SECOND, BIDS, 0, 100, np.inf)],
            "bid level 0: units must be finite and greater than 0 (was inf)",
        ),
        (
            [(SECOND, ASKS, 0, np.nan, 1)],
            "ask level 0: price must be finite and greater than 0 (was nan)",
        ),
        (
            [(SECOND, ASKS, 0, -5, 1)],
            "ask level 0: price must be finite and greater than 0 (was -5)",
        ),
        (
            [(SECOND, ASKS, 0, 5, 1), (SECOND, ASKS, 0, 6, 1)],
            "ask level 0: level is there twice (was 0)",
        ),
        (
            [(SECOND, ASKS, 0, 5, 1), (SECOND, ASKS, 2, 6, 1)],
            "ask level 2: levels must count up from 0 without a gap (was 2)",
        ),
        (
            [(SECOND, ASKS, 1, 5, 1)],
            "ask level 1: levels must count up from 0 without a gap (was 1)",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_pair_time_rule_and_value(rows, said):
    with pytest.raises(UserError) as refused:
        books_of(rows_of((0, ASKS, 0, 7, 1), *rows), "exchange.books: a.csv")
    assert str(refused.value) == f"exchange.books: a.csv: A-Q at 1970-01-01T00:00:01Z: {said}."
