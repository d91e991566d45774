"""A strategy that switches runs and sweeps like the strategies that it uses."""

import json
from itertools import product

import pytest

from framework.sweep.trial import TrialTable

SPAN = ("start=2025-03-01", "end=2025-03-22", "pairs.symbols=[BTC-AUD,ETH-AUD]", "report=false")
PARAMS = {
    "strategy.params.rsi_reversion_oversold": (25, 40),
    "strategy.params.breakout_entry": (24, 96),
}


def metrics_of(program, *words):
    ended = program(*SPAN, *words)
    assert ended.code == 0, ended.err
    directory = next(word for word in words if word.startswith("run_dir=")).partition("=")[2]
    return json.loads((ended.folder / directory / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ("ma_cross", ()),
        ("multi_trend", ()),
        ("trend_both", ("exchange.spot_only=false",)),
    ],
)
def test_one_case_that_always_holds_trades_as_the_strategy_alone(program, tmp_path, used, words):
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "one.yaml").write_text(
        "# @package _global_\n"
        f"strategy: {{name: one, interval: 15m, switch: [{{when: true, use: {used}}}]}}\n"
    )
    alone = metrics_of(program, f"strategy={used}", "run_dir=alone", *words)
    switched = metrics_of(program, "strategy=one", "run_dir=switched", *words)
    assert switched["orders_hash"] == alone["orders_hash"]
    assert switched["causality"] == "passed"
    assert alone["trades"] >= 3


def test_a_sweep_over_used_strategies_parameters_equals_single_runs(program):
    axes = [f"{key}={','.join(map(str, values))}" for key, values in PARAMS.items()]
    ended = program("-m", *SPAN, "strategy=volatility_switch", *axes, "sweep.min_trades=1")
    assert ended.code == 0, ended.err
    (file,) = ended.folder.glob("runs/*/*/trials.parquet")
    table = TrialTable.read(file)
    assert table.directories == {}  # all in one batch
    assert len(set(table.orders_hash)) == 4
    for row, values in enumerate(product(*PARAMS.values())):
        words = [f"{key}={value}" for key, value in zip(PARAMS, values, strict=True)]
        single = metrics_of(program, "strategy=volatility_switch", *words, f"run_dir=single_{row}")
        assert single["orders_hash"] == table.orders_hash[row]
        assert single["total_return"] == pytest.approx(
            table.metrics["total_return"][row], rel=1e-12, abs=0
        )
