import csv
import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from framework import load_run

FORTNIGHT = ("start=2025-01-01", "end=2025-01-15", "report=false")
METRICS = (
    "total_return cagr sharpe sortino calmar max_drawdown max_drawdown_days volatility win_rate "
    "profit_factor expectancy trades exposure turnover fees_paid slippage_paid borrow_paid "
    "final_equity benchmark_return deflated_sharpe break_even_fee_bps bars seconds"
).split()
MARKS = ["orders_hash", "data_hash", "causality", "version"]


def crossover_equity(open_, close, fast, slow, fee, cash):
    """Trade one pair by two averages at next opens: the plain twin of ma_cross."""
    equity, units, want = [], 0.0, None
    before = None
    for bar in range(len(close)):
        if want == "buy" and units == 0:
            units, cash = cash / (open_[bar] * (1 + fee)), 0.0
        elif want == "sell" and units > 0:
            cash, units = units * open_[bar] * (1 - fee), 0.0
        want = None
        equity.append(cash + units * close[bar])
        if bar + 1 < slow:
            continue
        short = sum(close[bar + 1 - fast : bar + 1]) / fast
        long = sum(close[bar + 1 - slow : bar + 1]) / slow
        if before is not None and short > long and before[0] <= before[1]:
            want = "buy"
        elif before is not None and short < long and before[0] >= before[1]:
            want = "sell"
        before = short, long
    return equity


def test_a_crossover_on_real_candles_equals_its_plain_twin(program, shared_data):
    import pyarrow.parquet as pq

    file = shared_data / "ohlcv" / "binance-spot_BTCUSDT_15m_2024b.parquet"
    ended = program(
        "exchange=files", f"exchange.path={file}", "exchange.pair=BTC-USDT",
        "exchange.interval=15m", "execution=ideal", "risk=off", "cash=5000", "report=false",
        "strategy.params.fast=30", "strategy.params.slow=120",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    table = pq.read_table(file)
    open_, close = (table[name].to_pylist() for name in ("open", "close"))
    expected = crossover_equity(open_, close, 30, 120, 10 / 1e4, 5000.0)
    with (ended.run / "equity.csv").open() as rows:
        found = [float(row["equity"]) for row in csv.DictReader(rows)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert len(set(found)) > 1_000


def test_a_run_leaves_every_file_and_row_it_promises(program):
    ended = program(*FORTNIGHT, "report=true")
    assert ended.code == 0, ended.err
    files = {path.name for path in ended.run.iterdir()}
    assert files >= {
        "config", "metrics.json", "trades.csv", "fills.csv", "equity.csv", "vetoes.csv",
        "report.html", "run.log",
    }  # fmt: skip
    metrics = json.loads((ended.run / "metrics.json").read_text())
    assert list(metrics) == [*METRICS, *MARKS]
    assert metrics["bars"] == 14 * 96
    assert metrics["causality"] == "passed"

    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        ((status, orders_hash),) = database.execute("select status, orders_hash from run")
        stored = dict(database.execute("select name, value from metric"))
        ((trades,),) = database.execute("select count(*) from trade")
    database.close()
    assert (status, orders_hash) == ("done", metrics["orders_hash"])
    assert stored == {name: metrics[name] for name in METRICS}
    assert trades == metrics["trades"] > 0


def test_a_run_repeats_itself_to_the_last_bit(program):
    first = program(*FORTNIGHT, "run_dir=one")
    again = program(*FORTNIGHT, "run_dir=two")
    assert (first.code, again.code) == (0, 0)
    one, two = (json.loads((first.folder / name / "metrics.json").read_text())
                for name in ("one", "two"))  # fmt: skip
    assert one.pop("seconds") > 0
    assert two.pop("seconds") > 0
    assert one == two


def test_a_finished_run_is_never_overwritten(program):
    program(*FORTNIGHT, "run_dir=same")
    ended = program(*FORTNIGHT, "run_dir=same", "cash=50")
    assert (ended.folder / "same_2" / "metrics.json").is_file()
    assert load_run(ended.folder / "same").facts["initial_cash"] == 10_000


def test_a_loaded_run_is_a_vectorbt_portfolio_of_the_same_value(program):
    ended = program(*FORTNIGHT)
    run = load_run(ended.run)
    assert float(run.portfolio().value().iloc[-1]) == pytest.approx(
        run.metrics["final_equity"], rel=1e-9
    )


LEAK = """
import numpy as np
from framework import function
from framework.types import FloatArray

@function(warm_up=0)
def tomorrow(x: FloatArray) -> FloatArray:
    \"\"\"Return the next value of x: a leak.\"\"\"
    return np.append(x[1:], np.nan)

@function(warm_up=0)
def whole(x: FloatArray) -> FloatArray:
    \"\"\"Return x over its mean of all time: a leak.\"\"\"
    return x / np.nanmean(x)
"""


@pytest.mark.parametrize("name", ["tomorrow", "whole"])
def test_a_feature_that_looks_ahead_stops_the_run_and_is_named(program, tmp_path, name):
    (tmp_path / f"leaky_{name}.py").write_text(LEAK)
    ended = program(*FORTNIGHT, f"plugins=[leaky_{name}]", f"+features.oracle='{name}(close)'")
    assert ended.code == 1
    last = ended.err.splitlines()[-1]
    assert last.startswith("causality: feature 'oracle' looks ahead: its value for ")
    assert not list(tmp_path.rglob("metrics.json"))
    with sqlite3.connect(tmp_path / "runs" / "framework.db") as database:
        ((status, code),) = database.execute("select status, exit_code from run")
    database.close()
    assert (status, code) == ("failed", 1)


FORGETFUL = """
from framework import function
from framework.types import FloatArray

@function(warm_up=2, memory=1)
def change(x: FloatArray) -> FloatArray:
    \"\"\"Return the change over two bars, which rests on more than the one that it says.\"\"\"
    made = x * float("nan")
    made[2:] = x[2:] - x[:-2]
    return made
"""


def test_a_function_that_rests_on_more_than_it_says_stops_the_run(program, tmp_path):
    (tmp_path / "forgetful.py").write_text(FORGETFUL)
    ended = program(*FORTNIGHT, "plugins=[forgetful]", "+features.step='change(close)'")
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(
        "causality: feature 'step' rests on more bars than its functions say (memory): its value "
        "for "
    )
    assert not list(tmp_path.rglob("metrics.json"))


def test_without_the_test_of_causality_the_run_says_so(program):
    ended = program(*FORTNIGHT, "mode.causality_cuts=0")
    metrics = json.loads((ended.run / "metrics.json").read_text())
    assert metrics["causality"] is None
    facts = json.loads((ended.run / "run.json").read_text())
    assert "Causality was not tested: mode.causality_cuts is 0." in facts["assumptions"]


def test_two_runs_are_compared_side_by_side(program):
    program(*FORTNIGHT, "run_dir=a")
    program(*FORTNIGHT, "run_dir=b", "strategy.params.fast=10")
    ended = program("mode=report", "runs=[a,b]")
    assert ended.code == 0, ended.err
    assert "strategy.params.fast" in ended.out
    assert "no difference" in ended.out
    assert "orders_hash" in ended.out


def test_a_multirun_of_single_runs_makes_one_directory_for_each_combination(program):
    axes = ("strategy.params.fast=5,10", "strategy.params.slow=30,40")
    ended = program("-m", *FORTNIGHT, *axes, "hydra/launcher=basic")
    assert ended.code == 0, ended.err
    found = sorted(
        path.parent.name for path in ended.folder.glob("runs/*/*_sweep_*/*/metrics.json")
    )
    assert found == ["0", "1", "2", "3"]
    with sqlite3.connect(ended.folder / "runs" / "framework.db") as database:
        rows = database.execute("select params from trial order by id").fetchall()
    database.close()
    assert [json.loads(params) for (params,) in rows] == [
        {"fast": fast, "slow": slow} for fast in (5, 10) for slow in (30, 40)
    ]


TELLER = """
from pydantic import SecretStr
from framework.config.component import component

@component
class Teller:
    name: str = "teller"
    token: SecretStr

    def send(self, message: str) -> None:
        from loguru import logger
        logger.info(f"with {self.token.get_secret_value()}: {message}")
"""


@pytest.mark.parametrize("written", ["${oc.env:TELLER_TOKEN}", "hunter2secret"])
def test_a_secret_is_written_nowhere(program, tmp_path, monkeypatch, written):
    monkeypatch.setenv("TELLER_TOKEN", "hunter2secret")
    (tmp_path / "teller.py").write_text(TELLER)
    ended = program(
        *FORTNIGHT, "report=true", "plugins=[teller]", "notify=none",
        "notify._target_=teller.Teller", f"+notify.token={written}",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "with **********: done in" in ended.err
    places = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(places) > 8
    assert [path for path in places if b"hunter2secret" in path.read_bytes()] == []
    assert "hunter2secret" not in ended.out + ended.err


def test_a_secret_in_a_fault_is_masked(program, tmp_path, monkeypatch):
    monkeypatch.setenv("STORE_SECRET", "hunter2secret")
    ended = program(
        *FORTNIGHT, "exchange.from_store=true", "store=hunter2secret/market",
        "+store_options.key=${oc.env:STORE_SECRET}",
    )  # fmt: skip
    assert ended.code == 2
    assert "run mode=download" in ended.err
    with sqlite3.connect(tmp_path / "runs" / "framework.db") as database:
        ((error,),) = database.execute("select error from run")
    database.close()
    assert "hunter2secret" not in ended.err + error


def test_the_way_from_candles_to_metrics_needs_neither_pandas_nor_vectorbt(tmp_path):
    code = (
        "import sys; from framework.__main__ import main\n"
        "try: main()\n"
        "finally: print('LOADED', {'pandas', 'vectorbt', 'plotly', 'alembic'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, *FORTNIGHT]
    for expected in ("{'alembic'}", "set()"):  # the first run makes the database
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert f"LOADED {expected}" in ended.stdout


def test_help_lists_every_group_and_choice_and_is_short(program):
    ended = program("--help")
    assert ended.code == 0
    for line in (
        *("strategy: ", "exchange: binance, bitvavo", "mode: backtest, collect, download"),
        "report verify run runs",
    ):
        assert line in ended.out
    assert len(ended.out.splitlines()) < 50


def test_functions_are_listed(program):
    ended = program("--functions")
    assert ended.code == 0
    assert "cross_above(" in ended.out
    assert "macd(" in ended.out
