"""The table of trials: columns from results, results from columns, and a file that keeps both."""

import math

import numpy as np
import pytest

from framework.engine.tally import tally_blocks
from framework.errors import UserError
from framework.sweep.trial import TrialResult, TrialTable


def result(index, params, sharpe=1.0, bars=300, trades=20, **facts):
    metrics = {"sharpe": sharpe, "max_drawdown": 0.25, "bars": bars, "trades": trades}
    blocks = np.full((128, 2), float(index))
    return TrialResult(index, params, metrics, f"h{index}", "d", blocks=blocks, **facts)


RESULTS = [
    result(2, {"strategy.params.fast": 5, "risk": "off", "strategy.params.mixed": "a"}),
    result(0, {"strategy.params.fast": 6, "risk": None, "strategy.params.mixed": 1}, sharpe=2.0),
    result(1, {"strategy.params.fast": 7, "risk": "off", "strategy.params.mixed": 1.5}, bars=150),
    TrialResult(3, {"strategy.params.fast": 8}, {}, error="too slow"),
]


def same(one, other):
    assert one.index.tolist() == other.index.tolist()
    assert one.params == other.params
    assert [list(map(type, values)) for values in one.params.values()] == [
        list(map(type, values)) for values in other.params.values()
    ]
    assert list(one.metrics) == list(other.metrics)
    for name, values in one.metrics.items():
        np.testing.assert_array_equal(values, other.metrics[name])
    np.testing.assert_array_equal(one.blocks, other.blocks)
    assert one.block_bars.tolist() == other.block_bars.tolist()
    for name in ("orders_hash", "data_hash", "errors", "directories"):
        assert getattr(one, name) == getattr(other, name)


def test_columns_are_in_the_order_of_the_trials():
    table = TrialTable.of(RESULTS)
    assert table.index.tolist() == [0, 1, 2, 3]
    assert table.params["strategy.params.fast"] == [6, 7, 5, 8]
    assert table.params["risk"] == [None, "off", "off", None]
    assert table.metrics["sharpe"][:3].tolist() == [2.0, 1.0, 1.0]
    assert math.isnan(table.metrics["sharpe"][3])
    assert table.orders_hash == ("h0", "h1", "h2", "")
    assert table.errors == {3: "too slow"}


def test_blocks_are_of_the_number_of_bars_that_most_trials_have():
    table = TrialTable.of(RESULTS)
    assert table.block_bars.sum() == 299
    assert set(table.block_bars.tolist()) == {2, 3}
    assert np.isnan(table.blocks[[1, 3]]).all()
    assert (table.blocks[2] == 2.0).all()


def test_what_is_written_reads_back(tmp_path):
    table = TrialTable.of(RESULTS)
    table.write(tmp_path / "trials.parquet")
    same(TrialTable.read(tmp_path / "trials.parquet"), table)
    assert [file.name for file in tmp_path.iterdir()] == ["trials.parquet"]


def test_the_table_of_its_own_results_is_the_same():
    table = TrialTable.of([each for each in RESULTS if each.metrics.get("bars") != 150])
    same(TrialTable.of(list(table.results())), table)


def test_an_objective_needs_trades():
    table = TrialTable.of([*RESULTS[:2], result(1, {}, sharpe=9.0, trades=3)])
    values = table.objective("sharpe - 2 * max_drawdown", min_trades=4)
    assert values[[0, 2]].tolist() == [1.5, 0.5]
    assert math.isnan(values[1])
    with pytest.raises(UserError, match="'sharp' is no metric"):
        table.objective("sharp")


def test_blocks_of_an_account():
    blocks = np.zeros((2, 2))
    tally_blocks(np.array([100.0, 110.0, 99.0, 99.0, 198.0]), blocks)
    assert blocks == pytest.approx(np.array([[0.0, 0.02], [1.0, 1.0]]))
    tally_blocks(np.array([100.0, 0.0, 0.0, 0.0, 0.0]), blocks)
    assert np.isnan(blocks).all()
