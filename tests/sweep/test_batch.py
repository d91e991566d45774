"""A trial in a batch is, figure for figure and order for order, the trial run alone."""

import json
import math
from itertools import pairwise

import pytest

from framework.sweep.trial import TrialTable

SPAN = ("start=2025-03-01", "end=2025-03-22", "pairs.symbols=[BTC-AUD,ETH-AUD]", "report=false")
AXES = {
    "ma_cross": (
        *("strategy.params.fast=5,14", "risk=off,balanced", "risk.stop_loss=0.011,0.03"),
        *("execution.slippage_bps=0,3.5", "exchange.taker_fee_bps=0,20"),
    ),
    "macd_momentum": (
        *("strategy.params.smooth=5,9", "strategy.params.trend=50,150"),
        *("risk=off,balanced", "execution.slippage_bps=0,3.5"),
    ),
}


def swept(program, *words):
    ended = program("-m", *SPAN, *words)
    assert ended.code == 0, ended.err
    (table,) = ended.folder.glob("runs/*/*/trials.parquet")
    return TrialTable.read(table), table.parent, ended


@pytest.mark.parametrize("strategy", AXES)
def test_a_batch_equals_its_trials_run_one_by_one(program, tmp_path, monkeypatch, strategy):
    words = (f"strategy={strategy}", *AXES[strategy], "sweep.min_trades=1")
    many, _, _ = swept(program, *words)
    monkeypatch.chdir(tmp_path / "runs")
    ended = program("-m", *SPAN, *words, "hydra/launcher=basic", "mode.causality_cuts=0")
    assert ended.code == 0, ended.err
    (file,) = (tmp_path / "runs").glob("runs/*/*/trials.parquet")
    alone = TrialTable.read(file)

    assert len(many) == len(alone) == 2 ** len(AXES[strategy])
    assert many.orders_hash == alone.orders_hash
    assert many.data_hash == alone.data_hash
    assert len(set(many.orders_hash)) > len(many) // 3
    for name in set(many.metrics) - {"fills"}:
        for one, other in zip(many.metrics[name], alone.metrics[name], strict=True):
            same = math.isnan(one) and math.isnan(other)
            assert same or one == pytest.approx(other, rel=1e-12, abs=0), name
    assert many.block_bars.sum() == 21 * 96 - 1
    assert many.blocks == pytest.approx(alone.blocks, rel=1e-12, abs=1e-18, nan_ok=True)


def test_the_best_trial_is_run_again_as_a_full_backtest(program):
    table, directory, _ = swept(program, "strategy.params.fast=5,9,14", "sweep.min_trades=1")
    figures = json.loads((directory / "sweep.json").read_text())
    metrics = json.loads((directory / "best" / "metrics.json").read_text())
    row = int(table.metrics["sharpe"].argmax())
    assert figures["best_trial"] == row
    assert figures["best_objective"] == table.metrics["sharpe"][row]
    assert metrics["orders_hash"] == table.orders_hash[row]
    assert metrics["causality"] == "passed"
    assert figures["trials"] == 3


def test_the_best_trial_is_a_strategy_file_that_trades_the_same(program, tmp_path):
    axes = ("strategy.params.fast=5,9", "risk.stop_loss=0.01,0.02", "sweep.min_trades=1")
    _, directory, _ = swept(program, *axes)
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "mine.yaml").write_text((directory / "best.yaml").read_text())
    ended = program(*SPAN, "strategy=mine", "run_dir=again")
    assert ended.code == 0, ended.err
    one = json.loads((tmp_path / "again" / "metrics.json").read_text())
    other = json.loads((directory / "best" / "metrics.json").read_text())
    assert one["orders_hash"] == other["orders_hash"]


def test_blocks_hold_the_returns_of_equal_stretches(program):
    table, directory, _ = swept(program, "strategy.params.fast=5,9", "sweep.min_trades=1")
    figures = json.loads((directory / "sweep.json").read_text())
    lines = (directory / "best" / "equity.csv").read_text().splitlines()[1:]
    equity = [float(line.split(",")[1]) for line in lines]
    returns = [after / before - 1.0 for before, after in pairwise(equity)]
    blocks = table.blocks[figures["best_trial"]]
    assert table.block_bars.tolist() == [
        (k + 1) * len(returns) // 128 - k * len(returns) // 128 for k in range(128)
    ]
    start = 0
    for block, bars in zip(blocks, table.block_bars, strict=True):
        part = returns[start : start + bars]
        assert block[0] == pytest.approx(math.fsum(part), abs=1e-15)
        assert block[1] == pytest.approx(math.fsum(r * r for r in part), abs=1e-15)
        start += bars


def test_trials_that_cannot_go_together_are_runs_with_a_folder_each(program):
    axes = ("strategy.params.fast=5,9", "verify=null,vectorbt", "sweep.min_trades=1")
    table, directory, _ = swept(program, *axes)
    assert table.directories == {1: str(directory / "1"), 3: str(directory / "3")}
    assert table.orders_hash[0] == table.orders_hash[1] != table.orders_hash[2]
    assert table.blocks[1] == pytest.approx(table.blocks[0], rel=1e-12, abs=1e-18)
