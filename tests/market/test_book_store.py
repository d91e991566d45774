"""Snapshots in the store: one for each pair and moment, read back as they were."""

import tempfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.market.book_store import BookStore
from framework.market.live import BookState

SECOND = 1_000_000_000
EVER = (-(2**62), 2**62)
NAN = np.nan


def state(second, bids, asks, depth=3, pair="A-B"):
    levels = np.full((2, depth, 2), NAN)
    for side, given_ in enumerate((bids, asks)):
        for level, numbers in enumerate(given_):
            levels[side, level] = numbers
    return BookState(pair, round(second * SECOND), levels)


ONE = state(1, [(99, 1), (98, 2)], [(101, 3)])
TWO = state(2, [(99.5, 4)], [(101, 3), (102, 5), (103, 6)])


def test_snapshots_come_back_with_their_levels(tmp_path):
    assert BookStore(str(tmp_path)).add("x", "A-B", [TWO, ONE]) == 2
    books = BookStore(str(tmp_path)).read("x", ["A-B"], *EVER)
    assert books.time.tolist() == [SECOND, 2 * SECOND]
    np.testing.assert_array_equal(books.levels, [ONE.levels, TWO.levels])


def test_a_moment_is_stored_once_and_the_first_counts(tmp_path):
    store = BookStore(str(tmp_path))
    other = state(1, [(1, 1)], [(2, 2)])
    assert store.add("x", "A-B", [ONE, other]) == 1
    assert store.add("x", "A-B", [other, TWO]) == 1
    assert store.add("x", "A-B", [other, TWO]) == 0
    store.compact("x")
    books = store.read("x", ["A-B"], *EVER)
    np.testing.assert_array_equal(books.levels, [ONE.levels, TWO.levels])


def test_depths_may_differ_and_an_empty_book_is_a_snapshot_too(tmp_path):
    store = BookStore(str(tmp_path))
    empty, flat = state(3, [], []), state(4, [(99, 1)], [(101, 3)], depth=1)
    assert store.add("x", "A-B", [ONE]) == 1
    assert store.add("x", "A-B", [empty, flat]) == 2
    books = store.read("x", ["A-B"], *EVER)
    assert books.levels.shape == (3, 2, 2, 2)  # as deep as the deepest that has anything
    np.testing.assert_array_equal(books.levels[0], ONE.levels[:, :2])
    assert np.isnan(books.levels[1]).all()
    np.testing.assert_array_equal(books.levels[2, :, 0], flat.levels[:, 0])


def test_pairs_are_side_by_side_and_cut_by_time(tmp_path):
    store = BookStore(str(tmp_path))
    for pair in ("A-B", "C-D"):
        store.add("x", pair, [state(n, [(99, n + 1)], [(101, 1)], pair=pair) for n in range(5)])
    books = store.read("x", ["C-D", "E-F", "A-B"], SECOND, 4 * SECOND)
    assert books.pairs == ("C-D", "E-F", "A-B")
    assert books.first.tolist() == [0, 3, 3, 6]
    assert (books.time // SECOND).tolist() == [1, 2, 3, 1, 2, 3]
    assert books.levels[:, 0, 0, 1].tolist() == [2, 3, 4, 2, 3, 4]


def test_coverage_tells_from_when_to_when_books_were_recorded(tmp_path):
    store = BookStore(str(tmp_path))
    assert store.covered("x", "A-B", SECOND) == []
    store.add("x", "A-B", [state(n, [(99, 1)], [(101, 1)]) for n in (1, 2, 3, 10, 11, 50)])
    assert store.covered("x", "A-B", SECOND) == [
        (SECOND, 3 * SECOND + 1),
        (10 * SECOND, 11 * SECOND + 1),
        (50 * SECOND, 50 * SECOND + 1),
    ]
    assert store.covered("x", "A-B", 39 * SECOND) == [(SECOND, 50 * SECOND + 1)]


def test_many_snapshots_are_joined_into_few_files_by_themselves(tmp_path):
    store = BookStore(str(tmp_path))
    for n in range(70):
        store.add("x", "A-B", [state(n, [(99, n + 1)], [(101, 1)])])
    table = store._books("x")
    table.refresh()
    assert table.files("A-B") <= 33
    books = store.read("x", ["A-B"], *EVER)
    assert books.levels[:, 0, 0, 1].tolist() == list(range(1, 71))
    store.vacuum("x", 0)
    np.testing.assert_array_equal(store.read("x", ["A-B"], *EVER).levels, books.levels)


numbers = st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6))
sides = st.lists(numbers, max_size=3)
snapshot = st.tuples(st.integers(0, 12), sides, sides)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.just("compact"), st.lists(snapshot, max_size=5)), max_size=6))
def test_any_sequence_of_batches_equals_a_dictionary(steps):
    known = {}
    with tempfile.TemporaryDirectory() as folder:
        store = BookStore(folder)
        for step in steps:
            if step == "compact":
                store.compact("x")
                continue
            states = [state(*each) for each in step]
            fresh = {each.time: each for each in reversed(states) if each.time not in known}
            assert store.add("x", "A-B", states) == len(fresh)
            known |= fresh
        books = BookStore(folder).read("x", ["A-B"], *EVER)
        assert books.time.tolist() == sorted(known)
        depth = books.levels.shape[2]
        for time, levels in zip(books.time.tolist(), books.levels, strict=True):
            np.testing.assert_array_equal(levels, known[time].levels[:, :depth])
            assert np.isnan(known[time].levels[:, depth:]).all()
