"""Figures of parts of a run, each worked out from its own closes."""

import math

import numpy as np
import pytest
from made_outcomes import make_outcome

from framework.records import Part
from framework.results.folds import fold_rows, folds_csv

PARTS = (Part(1, "train", 0, 4), Part(1, "test", 4, 7))


def outcome(parts=PARTS):
    """Buy 100 units at 10 in the first bar for all cash, sell them in the fifth, and buy again."""
    close = np.array([[10.0], [12.0], [9.0], [10.0], [11.0], [8.8], [9.9]])
    fills = [(0, 0, 1, 100.0, 10.0, 0.0), (4, 0, -1, 100.0, 11.0, 0.0), (4, 0, 1, 100.0, 11.0, 0.0)]
    return make_outcome(close, fills, cash=1_000.0, parts=parts)


def test_each_part_begins_with_the_equity_before_it():
    train, test = fold_rows(outcome())
    assert (train.fold, train.part, train.bars, train.trades) == (1, "train", 4, 1)
    assert (train.start, train.end) == ("2024-01-01T00:00:00Z", "2024-01-05T00:00:00Z")
    assert train.total_return == pytest.approx(0.0, abs=1e-15)  # 1000 to 1000
    assert train.max_drawdown == pytest.approx(0.25)  # 1200 to 900
    assert (test.fold, test.part, test.bars, test.trades) == (1, "test", 3, 1)
    assert (test.start, test.end) == ("2024-01-05T00:00:00Z", "2024-01-08T00:00:00Z")
    assert test.total_return == pytest.approx(-0.01)  # 1000, before it, to 990
    assert test.max_drawdown == pytest.approx(0.2)  # 1100 to 880
    # returns into its bars: 0.1, -0.2, 0.125; mean 0.025/3, squares about it 0.0654167
    returns = (0.1, -0.2, 0.125)
    mean = math.fsum(returns) / 3
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in returns) / 2)
    assert test.sharpe == pytest.approx(mean / deviation * math.sqrt(365))


def test_returns_of_parts_multiply_to_that_of_the_whole():
    made = outcome()
    product = math.prod(1 + row.total_return for row in fold_rows(made))
    assert product == pytest.approx(made.equity[-1] / 1_000.0)


def test_a_drop_at_once_counts_from_the_close_before_the_part():
    (row,) = fold_rows(outcome((Part(2, "test", 5, 6),)))
    assert row.total_return == row.max_drawdown * -1 == pytest.approx(-0.2)  # 1100 to 880
    assert row.sharpe is None
    assert row.trades == 0


def test_the_file_has_a_row_for_each_part_and_empty_cells_for_what_is_not_defined():
    lines = folds_csv(outcome((Part(2, "test", 5, 6),))).splitlines()
    assert lines[0] == "fold,part,start,end,bars,total_return,sharpe,max_drawdown,trades"
    cells = lines[1].split(",")
    assert cells[:5] == ["2", "test", "2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z", "1"]
    assert cells[6] == ""
    assert float(cells[7]) == pytest.approx(0.2)
