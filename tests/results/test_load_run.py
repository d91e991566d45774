"""Runs read back: exact tables, names and ids, vectorbt's portfolio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_outcomes import START_NS, make_outcome, random_close, random_fills

from framework.errors import OutsideFault, UserError
from framework.results.database import open_database
from framework.results.load import Run, load_run
from framework.results.metrics import compute
from framework.results.outcome import Outcome
from framework.results.run_directory import RunDirectory


def write(path: Path, outcome: Outcome) -> Path:
    directory = RunDirectory.create(path)
    directory.write_config(outcome.config, outcome.overrides)
    directory.write_ledger(outcome)
    directory.write_metrics(outcome, compute(outcome))
    return directory.path


@pytest.fixture
def outcome() -> Outcome:
    close = random_close(4, 300, 3)
    return make_outcome(close, random_fills(close, 4, 200), cash=2_000.0, interval="15m")


@pytest.fixture
def path(tmp_path: Path, outcome: Outcome) -> Path:
    return write(tmp_path / "2024-01-01" / "101500_backtest_made", outcome)


def test_tables_read_back_exactly(path: Path, outcome: Outcome) -> None:
    run = load_run(path)
    for name in ("equity", "cash", "invested", "benchmark"):
        assert run.equity[name].to_numpy().tobytes() == getattr(outcome, name).tobytes()
    assert np.array_equal(run.equity["time"].cast("int64").to_numpy(), outcome.time)
    assert run.fills["units"].to_numpy().tobytes() == outcome.events["units"].tobytes()
    assert np.array_equal(run.fills["order"].to_numpy(), outcome.events["order"])
    assert run.trades["pnl"].to_numpy().tobytes() == outcome.trades["pnl"].tobytes()
    assert np.array_equal(run.trades["open"].to_numpy(), outcome.trades["open"])
    assert run.vetoes.num_rows == 0
    assert run.trades["exit_time"].null_count == int(outcome.trades["open"].sum())


def test_metrics_config_and_facts_read_back(path: Path, outcome: Outcome) -> None:
    run = load_run(path)
    metrics = compute(outcome)
    assert {name: run.metrics[name] for name in metrics} == metrics
    assert run.config == {"cash": 1000, "strategy": {"name": "made", "params": {"fast": 5}}}
    assert run.facts["pairs"] == ["P0-AUD", "P1-AUD", "P2-AUD"]
    assert str(run.interval) == "15m"
    assert run.certificate["sha256"] == "d" * 64
    assert run.name == "101500_backtest_made"


def test_frames_are_pandas(path: Path, outcome: Outcome) -> None:
    run = load_run(path)
    equity = run.frame("equity")
    assert equity.index[1].isoformat() == "2024-01-01T00:15:00+00:00"
    assert equity["equity"].iloc[-1] == outcome.equity[-1]
    assert len(run.frame("fills")) == 200
    with pytest.raises(UserError, match=r"'fill' is no table of a run. Did you mean 'fills'\?"):
        run.frame("fill")


def test_a_file_inside_names_the_run(path: Path) -> None:
    assert load_run(path / "metrics.json").path == path
    assert load_run(str(path)).path == path


def test_names_and_ids_are_looked_up_in_the_database(
    tmp_path: Path, path: Path, outcome: Outcome
) -> None:
    url = f"sqlite:///{tmp_path}/framework.db"
    database = open_database(url)
    run_id = database.begin(
        directory=path,
        mode="backtest",
        strategy="made",
        started_at=START_NS,
        pid=1,
        host="here",
        seed=1,
        version="0.1.0",
        config="",
    )
    assert load_run(run_id, database=url).path == path
    assert load_run(str(run_id), database=url).path == path
    assert load_run("101500_backtest_made", database=url).path == path
    with pytest.raises(UserError, match=r"has no run 99; the last is 1\."):
        load_run(99, database=url)
    with pytest.raises(UserError, match=r"Did you mean '101500_backtest_made'\?"):
        load_run("101500_backtest_mad", database=url)


def test_a_run_whose_directory_is_gone_is_said_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/framework.db"
    open_database(url).begin(
        directory=tmp_path / "gone",
        mode="m",
        strategy="s",
        started_at=0,
        pid=1,
        host="h",
        seed=1,
        version="0",
        config="",
    )
    with pytest.raises(UserError, match="run: 1 has no directory any more"):
        load_run(1, database=url)


def test_an_unknown_path_names_its_neighbour_and_makes_no_database(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = path.with_name("101500_backtest_maid")
    with pytest.raises(UserError, match=r"Did you mean '.*101500_backtest_made'\?"):
        load_run(wrong)
    assert not (tmp_path / "runs").exists()


def test_an_interrupted_run_is_refused(path: Path, tmp_path: Path) -> None:
    (path / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"was interrupted or failed, it has no metrics\.json"):
        load_run(path)
    with pytest.raises(UserError, match="is no run's directory"):
        load_run(tmp_path)


def test_damaged_files_are_one_line(path: Path) -> None:
    (path / "metrics.json").write_text('{"sharpe": 1')
    with pytest.raises(OutsideFault, match=r"metrics\.json is damaged"):
        _ = load_run(path).metrics
    (path / "equity.csv").write_text("time,equity\n2024-01-01T00:00:00Z,x\n")
    with pytest.raises(OutsideFault, match=r"equity\.csv is damaged"):
        _ = load_run(path).equity
    (path / "candles.npz").write_bytes(b"PK")
    (path / "fills.csv").unlink()
    with pytest.raises(OutsideFault, match=r"fills\.csv cannot be read \(No such file"):
        _ = load_run(path).fills


def test_portfolio_ends_at_the_runs_final_equity(
    path: Path, outcome: Outcome, vectorbt: Any
) -> None:
    run = load_run(path)
    portfolio = run.portfolio()
    final = run.metrics["final_equity"]
    assert portfolio.final_value() == pytest.approx(final, rel=1e-9)
    assert portfolio.orders.count() == len(outcome.events)
    assert portfolio.orders.fees.sum() == pytest.approx(run.metrics["fees_paid"], rel=1e-9)
    # several fills of one pair in a bar have rows of their own, all others the bar's
    value = portfolio.value()
    bars = value.groupby(value.index.floor("15min")).last()
    assert len(bars) == len(outcome.equity)
    assert np.abs(bars.to_numpy() - outcome.equity).max() < 1e-6 * 1e-3


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shorts=st.booleans())
def test_any_ledger_becomes_an_equal_portfolio(
    tmp_path_factory: pytest.TempPathFactory, vectorbt: Any, seed: int, shorts: bool
) -> None:
    close = random_close(seed, 40, 3)
    outcome = make_outcome(close, random_fills(close, seed, 60, shorts), cash=5_000.0)
    run = load_run(write(tmp_path_factory.mktemp("run") / "r", outcome))
    value = run.portfolio().value()
    bars = value.groupby(value.index.floor("1D")).last().to_numpy()
    assert np.abs(bars / outcome.equity - 1).max() < 1e-9


def test_sale_pays_for_a_purchase_of_an_earlier_pair_in_the_same_bar(
    tmp_path: Path, vectorbt: Any
) -> None:
    close = np.array([[10.0, 10.0], [10.0, 10.0], [10.0, 20.0], [11.0, 20.0]])
    outcome = make_outcome(
        close,
        [
            (1, 1, 1, 99.0, 10.0, 10.0),
            (2, 1, -1, 99.0, 20.0, 0.0),
            (2, 0, 1, 198.0, 10.0, 0.0),
        ],
        cash=1_000.0,
    )
    portfolio = load_run(write(tmp_path / "run", outcome)).portfolio()
    assert portfolio.orders.count() == 3
    assert portfolio.final_value() == 198.0 * 11.0 == outcome.equity[-1]
    assert len(portfolio.value()) == 4


def test_pair_without_a_price_at_first_and_run_without_trades_have_portfolios(
    tmp_path: Path, vectorbt: Any
) -> None:
    close = np.array([[np.nan, 10.0], [5.0, 10.0], [6.0, 10.0]])
    late = make_outcome(close, [(2, 0, 1, 10.0, 5.0, 1.0)])
    portfolio = load_run(write(tmp_path / "late", late)).portfolio()
    assert portfolio.value().tolist() == [1_000.0, 1_000.0, 1_009.0]
    idle = make_outcome(np.array([[1.0, 2.0], [2.0, 3.0]]))
    assert load_run(write(tmp_path / "idle", idle)).portfolio().final_value() == 1_000.0


def test_loading_imports_neither_pandas_nor_vectorbt(path: Path) -> None:
    import os
    import subprocess
    import sys

    program = (
        "import sys; from framework import load_run; run = load_run(sys.argv[1]);"
        "run.metrics, run.config, run.equity, run.trades, run.fills, run.vetoes;"
        "assert not {'pandas', 'vectorbt'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert isinstance(load_run(path), Run)
