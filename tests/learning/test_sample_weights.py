import numpy as np
import pytest

from framework.learning.labels import Label
from framework.learning.rows import Rows
from framework.learning.weights import sample_weights, uniqueness


def at(*bars, pair=0):
    return Rows(np.full(len(bars), pair, np.int32), np.array(bars, np.int32))


def test_uniqueness_is_the_mean_inverse_concurrency_over_a_label():
    # Bars 0, 1, 3 rest on the returns 1-2, 2-3 and 4: return 2 is shared by two labels.
    counted = np.array([True, True, False, True, False])
    last = np.array([2, 3, 0, 4, 0], np.int32)
    assert uniqueness(counted, last).tolist() == [0.75, 0.75, 0, 1, 0]  # (1 + 1/2) / 2 twice, 1


def test_labels_that_are_not_counted_share_nothing():
    last = np.array([3, 4, 5, 0, 0, 0], np.int32)
    assert uniqueness(np.array([True] + [False] * 5), last).tolist() == [1, 0, 0, 0, 0, 0]
    # Returns 1 2 3 4 5 carry 1 2 3 2 1 labels.
    counted = np.array([True] * 3 + [False] * 3)
    expected = [(1 + 1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3 + 1 / 2) / 3, (1 / 3 + 1 / 2 + 1) / 3]
    assert uniqueness(counted, last)[:3].tolist() == pytest.approx(expected)


def test_weights_are_one_on_average_and_in_proportion_to_uniqueness():
    last_NT = np.array([[2, 3, 0, 4, 0]] * 2, np.int32)
    labels_NT = np.zeros((2, 5), np.float32)
    rows = Rows(np.array([0, 0, 0, 1], np.int32), np.array([0, 1, 3, 0], np.int32))
    found = sample_weights(Label(horizon=2), labels_NT, last_NT, rows)
    mean = (0.75 + 0.75 + 1 + 1) / 4  # the other pair's label shares with nobody
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([0.75 / mean, 0.75 / mean, 1 / mean, 1 / mean])


def test_balanced_classes_weigh_the_same_in_all():
    labels_NT = np.array([[0, 0, 0, 1, 2]], np.float32)
    last_NT = np.array([[1, 2, 3, 4, 5]], np.int32)
    label = Label(kind="triple_barrier", weights="equal", balanced=True)
    found = sample_weights(label, labels_NT, last_NT, at(0, 1, 2, 3))
    assert found.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])  # nobody has class 2


def test_balancing_keeps_uniqueness_within_a_class():
    labels_NT = np.array([[0, 0, 1, 0]], np.float32)
    last_NT = np.array([[2, 2, 3, 0]], np.int32)
    label = Label(horizon=2, balanced=True)
    found = sample_weights(label, labels_NT, last_NT, at(0, 1, 2))
    # Return 1 carries one label, 2 two: 3/4 and 1/2 of class 0; class 1 has as much alone.
    expected = np.array([0.75, 0.5, 1.25]) / (2.5 / 3)
    assert found.tolist() == pytest.approx(expected.tolist())


def test_values_cannot_be_balanced_and_no_label_weighs_one():
    labels_NT = np.array([[0.1, -0.2]], np.float32)
    last_NT = np.array([[1, 2]], np.int32)
    label = Label(kind="return", weights="equal", balanced=True)
    assert sample_weights(label, labels_NT, last_NT, at(0, 1)).tolist() == [1, 1]
    assert sample_weights(None, labels_NT * np.nan, last_NT, at(0, 1)).tolist() == [1, 1]
    assert len(sample_weights(label, labels_NT, last_NT, at())) == 0
