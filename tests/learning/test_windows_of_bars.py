import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.learning.rows import Rows
from framework.learning.windows import complete, gather

NAN = np.nan


def test_a_window_is_complete_once_all_its_bars_have_all_inputs():
    first_TF = [[1, 1], [1, 1], [1, NAN], [1, 1], [1, 1], [np.inf, 1], [1, 1]]
    inputs_NTF = np.array([first_TF, np.ones((7, 2))], np.float32)
    assert complete(inputs_NTF, 2).tolist() == [
        [False, True, False, False, True, False, False],
        [False, True, True, True, True, True, True],
    ]
    assert complete(inputs_NTF, 1)[0].tolist() == [True, True, False, True, True, False, True]
    assert not complete(inputs_NTF, 8).any()


def test_with_missing_inputs_as_zero_only_a_bar_without_any_breaks_a_window():
    inputs_NTF = np.array([[[NAN, NAN], [1, NAN], [NAN, 1], [NAN, NAN], [1, 1]]], np.float32)
    assert complete(inputs_NTF, 2, "zero").tolist() == [[False, False, True, False, False]]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 7), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_complete_windows_are_those_all_of_whose_values_are_finite(window, bars, seed):
    random = np.random.default_rng(seed)
    inputs_NTF = random.random((2, bars, 2), np.float32)
    inputs_NTF[random.random(inputs_NTF.shape) < 0.1] = NAN
    expected = [
        [
            t >= window - 1 and bool(np.isfinite(inputs_NTF[n, t - window + 1 : t + 1]).all())
            for t in range(bars)
        ]
        for n in range(2)
    ]
    assert complete(inputs_NTF, window).tolist() == expected


def test_gathered_windows_are_slices_of_the_matrix_in_the_order_asked_for():
    matrix_NTF = np.arange(2 * 9 * 3, dtype=np.float32).reshape(2, 9, 3)
    rows = Rows(np.array([1, 0, 1], np.int32), np.array([8, 3, 3], np.int32))
    expected = [matrix_NTF[1, 5:9], matrix_NTF[0, 0:4], matrix_NTF[1, 0:4]]
    windows_KWF = gather(matrix_NTF, rows, 4)
    assert windows_KWF.dtype == np.float32
    assert windows_KWF.tolist() == [window.tolist() for window in expected]
    cut_NTF = np.full((2, 20, 3), -1, np.float32)
    cut_NTF[:, 6:15] = matrix_NTF
    assert np.array_equal(gather(cut_NTF[:, 6:15], rows, 4), windows_KWF)


def test_windows_are_gathered_into_the_array_given():
    matrix_NTF = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    rows = Rows(np.array([0], np.int32), np.array([2], np.int32))
    out = np.zeros((1, 2, 1), np.float32)
    assert gather(matrix_NTF, rows, 2, out) is out
    assert out.ravel().tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"out must be \(1, 3, 1\), was \(1, 2, 1\)"):
        gather(matrix_NTF, rows, 3, out)


@pytest.mark.parametrize(("pair", "bar"), [(0, 1), (0, 6), (1, 4), (-1, 4)])
def test_a_window_outside_the_matrix_is_refused(pair, bar):
    rows = Rows(np.array([pair], np.int32), np.array([bar], np.int32))
    with pytest.raises(IndexError, match="a window of 3 bars lies outside 1 pairs of 6 bars"):
        gather(np.zeros((1, 6, 1), np.float32), rows, 3)
