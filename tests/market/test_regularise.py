"""Rows onto one grid: flat, missing and confirmed candles."""

import numpy as np
import pytest
from market_rows import MINUTE, plain, rows_of, seeded

from framework.errors import UserError
from framework.market.candles import Standing
from framework.market.regularise import find_interval, regularise
from framework.types import Interval

C, F, M = Standing.CONFIRMED, Standing.FLAT, Standing.MISSING


def lay(*rows, start=None, end=None, max_gap=2):
    start, end = (None if slot is None else slot * MINUTE.ns for slot in (start, end))
    return regularise(rows, MINUTE, start, end, max_gap * MINUTE.ns)


def test_short_hole_is_flat_and_long_hole_missing():
    candles = lay(rows_of((0, 1, 3, 1, 2, 9), (3, 4, 6, 4, 5, 9), (7, 7, 9, 7, 8, 9)))
    assert candles.standing[:, 0].tolist() == [C, F, F, C, M, M, M, C]
    assert candles.close[:, 0].tolist() == [2, 2, 2, 5, 5, 5, 5, 8]
    assert candles.open[:, 0].tolist() == [1, 2, 2, 4, 5, 5, 5, 7]
    assert candles.high[:, 0].tolist() == [3, 2, 2, 6, 5, 5, 5, 9]
    assert candles.volume[:, 0].tolist() == [9, 0, 0, 9, 0, 0, 0, 9]


def test_pairs_share_the_union_of_their_ranges():
    candles = lay(plain([2, 3], 5.0, "A-B"), plain([0, 1, 2], 7.0, "C-D"))
    assert candles.pairs == ("A-B", "C-D")
    assert (candles.time // MINUTE.ns).tolist() == [0, 1, 2, 3]
    assert candles.standing.T.tolist() == [[M, M, C, C], [C, C, C, M]]
    assert np.isnan(candles.close[:2, 0]).all() and np.isnan(candles.open[:2, 0]).all()
    assert candles.volume[:2, 0].tolist() == [0, 0]
    assert candles.close[:, 1].tolist() == [7, 7, 7, 7]


def test_row_without_volume_is_flat():
    assert lay(plain([0]), plain([0], volume=0.0)).standing.tolist() == [[C, F]]


def test_start_and_end_cut_and_extend():
    candles = lay(plain([0, 1, 2, 3]), start=2, end=6)
    assert (candles.time // MINUTE.ns).tolist() == [2, 3, 4, 5]
    assert candles.standing[:, 0].tolist() == [C, C, M, M]
    assert candles.close[:, 0].tolist() == [10] * 4


def test_rows_before_start_are_carried_into_it():
    candles = lay(plain([0, 3], 4.0), plain([1, 2, 3], 5.0, "C-D"), start=1)
    assert candles.close[:, 0].tolist() == [4, 4, 4]
    assert candles.standing[:, 0].tolist() == [F, F, C]


def test_start_off_the_grid_is_the_next_candle():
    candles = regularise([plain([0, 1, 2])], MINUTE, 1, None, 0)
    assert candles.time[0] == MINUTE.ns


def test_pair_without_rows_is_missing_throughout():
    candles = lay(plain([0, 1]), plain([], pair="C-D"))
    assert candles.standing[:, 1].tolist() == [M, M]
    assert np.isnan(candles.close[:, 1]).all()


@pytest.mark.parametrize("rows", [[], [plain([])]])
def test_no_rows_at_all_are_refused(rows):
    with pytest.raises(UserError, match="no candles"):
        regularise(rows, MINUTE, None, None, 0)


def test_range_without_rows_is_refused_with_its_times():
    with pytest.raises(UserError, match=r"BTC-AUD 1m: no candles from 1970-01-01T00:09:00Z"):
        lay(plain([0, 1]), start=9, end=12)


@pytest.mark.parametrize("slots", [[1, 0], [0, 0], [0, 0.5]])
def test_unclean_rows_are_a_mistake_of_the_caller(slots):
    with pytest.raises(ValueError, match="clean the rows first"):
        lay(plain(slots), start=0, end=9)


def test_gapless_rows_keep_every_value():
    rows = seeded(100)
    candles = lay(rows)
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(candles, name)[:, 0], getattr(rows, name))
    assert not candles.standing.any()


@pytest.mark.parametrize(
    ("slots", "minutes"), [([0, 1, 2, 9], 1), ([0, 15, 30, 60], 15), ([30, 0, 15, 15], 15)]
)
def test_interval_is_the_commonest_spacing(slots, minutes):
    assert find_interval(plain(slots).time) == Interval(minutes * MINUTE.ns)


@pytest.mark.parametrize("slots", [[], [3], [3, 3]])
def test_interval_needs_two_times(slots):
    with pytest.raises(UserError, match="interval"):
        find_interval(plain(slots).time)
