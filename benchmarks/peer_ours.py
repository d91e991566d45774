"""The framework on the work that its peers are timed on; one JSON line per measurement.

usage: peer_ours.py files MINUTES | proc PAIRS [key=value ...] | long [key=value ...]
       peer_ours.py single BARS | stops BARS | rules BARS | pairs | sweep SETS | compile | load

``files`` writes Parquet files of five pairs: a year of 15-minute bars, which ``proc`` and
``compile`` read, and so many bars of a minute, which ``long`` reads. The environment variable WORK
names the folder for them and for the runs, PEERS that of the peers, whose series are used; without
it they are made.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import every_rule
import numpy as np
import yaml
from series import CASH, FAST, FEE, PAIRS, SLOW, YEAR, Table, load, parameter_sets

ROOT = Path(__file__).resolve().parents[1]
STOPS = {"stop_loss": 0.02, "take_profit": 0.04, "trailing_stop": 0.02}
IDEAL = {"half_spread_bps": 0, "slippage_bps": 0, "impact_bps": 0}
IDEAL |= {"max_participation": None, "rounding": False}


def work_folder() -> Path:
    """Return the folder for files and runs."""
    return Path(os.environ.get("WORK", "runs/benchmarks")).resolve()


def process(pairs: int, minutes: int, overrides: list[str]) -> None:
    """Become ``python -m framework`` on Parquet files that hold the series."""
    names = ",".join(_symbol(p) for p in range(pairs))
    folder = work_folder()
    sys.argv = [
        "framework",
        "exchange=files",
        f"exchange.path={folder / 'candles'}",
        f"exchange.interval={minutes}m",
        f"strategy.interval={minutes}m",
        f"pairs.symbols=[{names}]",
        "execution=ideal",
        f"cash={CASH}",
        f"run_dir={folder}/${{now:%Y-%m-%d_%H-%M-%S-%f}}",
        f"database=sqlite:///{folder}/runs.db",
        *overrides,
    ]
    runpy.run_module("framework", run_name="__main__")


def write_files(minutes: int, bars: int) -> None:
    """Write a Parquet file of each pair."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = work_folder() / "candles"
    folder.mkdir(parents=True, exist_ok=True)
    names = ("time", "open", "high", "low", "close", "volume")
    for p in range(PAIRS):
        columns = load(minutes, bars, p).T
        arrays = [columns[0].astype(np.int64), *columns[1:]]
        table = pa.table(dict(zip(names, arrays, strict=True)))
        pq.write_table(table, folder / f"{_symbol(p)}_{minutes}m.parquet")


def _symbol(p: int) -> str:
    return f"P{'ABCDE'[p]}-USD"


def compile_from_nothing() -> None:
    """Time the first process of a fresh installation, and count the lines that say why it takes."""
    with tempfile.TemporaryDirectory() as empty:
        begun = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, __file__, "proc", "1", "report=false"],
            env=os.environ | {"NUMBA_CACHE_DIR": empty},
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - begun
    said = ended.stdout + ended.stderr
    if ended.returncode:
        sys.exit(said)
    _emit(test="compile", wall=wall, notices=said.count("compiling the engine"))


class Bench:
    """The crossover, compiled, on one series or several.

    Parameters
    ----------
    *tables : (T, 6) float64
        One for each pair.
    risk : dict
        Fields of `Risk`.
    every_rule_on : bool
        Whether all of `every_rule` is on, instead of `risk`.
    """

    def __init__(
        self, *tables: Table, risk: dict[str, Any] | None = None, every_rule_on: bool = False
    ) -> None:
        from framework.engine.execution import Execution
        from framework.engine.make_rules import make_rules
        from framework.engine.risk import Risk
        from framework.exchange.files import Files
        from framework.strategy.compile import compile_strategy
        from framework.strategy.spec import StrategySpec

        every = every_rule if every_rule_on else None
        self.candles = _candles(tables)
        recipe = yaml.safe_load((ROOT / "strategies" / "ma_cross.yaml").read_text())
        changed = {"params": {"fast": FAST, "slow": SLOW}, "interval": str(self.candles.interval)}
        changed |= every.STRATEGY if every else {}
        self.spec, self.features = (
            StrategySpec(**(recipe["strategy"] | changed)),
            recipe["features"],
        )
        self.plan = compile_strategy(self.spec, self.features)
        exchange = Files(path="", taker_fee_bps=FEE * 1e4, **(every.EXCHANGE if every else {}))
        execution = Execution(**(every.EXECUTION if every else IDEAL))
        limits = Risk(**(every.RISK if every else risk or {}))
        turnover = float(np.median(self.candles.close * self.candles.volume, axis=0).mean())
        self.cash = every.CASH_PER_TURNOVER * turnover if every else CASH
        self.rules = make_rules(limits, execution, exchange, self.candles.pairs, self.spec.terms)

    def signals(self):
        """Evaluate features and rules."""
        return self.plan.evaluate(self.candles).signals

    def simulate(self, signals):
        """Trade them."""
        from framework.engine.simulate import simulate

        return simulate(self.candles, signals, self.rules, self.cash)

    def sweep(self, sets: list[dict[str, int]]):
        """Check, evaluate and trade the strategy under each set of parameters."""
        from framework.engine.many import simulate_many
        from framework.strategy.many import evaluate_many

        signals = evaluate_many(self.spec, self.features, sets, self.candles)
        return simulate_many(self.candles, signals, [self.rules], cash=self.cash)

    def measure_sweep(self, sets: list[dict[str, int]]) -> None:
        """Time many crossovers, metrics and orders hashes included, from their texts on."""
        seconds, trials = _timed(lambda: self.sweep(sets), 5)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        _emit(test="sweep", sets=len(sets), cps=len(sets) / seconds, peak_gib=peak,
              best=trials.final_equity.max())  # fmt: skip

    def measure(self, test: str) -> None:
        """Time signals and simulation together, then the simulation alone."""
        bars, size = self.candles.close.shape[0], self.candles.close.size
        runs = max(5, min(201, int(3e6 / size)))
        seconds, result = _timed(lambda: self.simulate(self.signals()), runs)
        fills = result.events["time"][result.events["kind"] == 2]
        if not len(fills) or fills[-1] < self.candles.time[-bars // 10]:
            sys.exit(f"{test}: the account stopped trading at {fills[-1:]}: no measure of speed")
        _emit(test=test, bars=bars, seconds=seconds, bps=size / seconds,
              equity=result.equity[-1], fills=len(fills), events=len(result.events))  # fmt: skip
        signals = self.signals()
        seconds, _ = _timed(lambda: self.simulate(signals), runs)
        _emit(test=f"{test}:kernel", bars=bars, seconds=seconds, bps=size / seconds)

    def measure_load(self) -> None:
        """Time the first call of a process: machine code comes from the cache on disk."""
        from framework.records import Signals

        flags = np.zeros(self.candles.close.shape, np.bool_)
        begun = time.perf_counter()
        self.simulate(Signals(enter=flags, exit=flags))
        _emit(test="load", seconds=time.perf_counter() - begun)


def _candles(tables: tuple[Table, ...]):
    from framework.market.candles import Candles
    from framework.types import Interval

    ms = tables[0][:, 0].astype(np.int64)
    columns = [np.asfortranarray(np.column_stack([x[:, k] for x in tables])) for k in range(1, 6)]
    standing = np.zeros(columns[0].shape, np.uint8, order="F")
    pairs = tuple(_symbol(p) for p in range(len(tables)))
    return Candles(pairs, Interval(int(ms[1] - ms[0]) * 10**6), ms * 10**6, *columns, standing)


def exact_equity(table: Table) -> float:
    """Return the last equity of the crossover in whole cents, where nothing is rounded."""
    cents = np.rint(table[:, 4] * 100).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(cents)])
    ahead = np.zeros(len(cents), np.int64)  # fast average over slow, times FAST * SLOW
    fast, slow = (sums[SLOW:] - sums[SLOW - n : len(sums) - n] for n in (FAST, SLOW))
    ahead[SLOW - 1 :] = SLOW * fast - FAST * slow
    cash, units = CASH, 0.0
    for t in range(SLOW, len(cents) - 1):
        price = table[t + 1, 1]
        if not units and ahead[t] > 0 >= ahead[t - 1]:
            cash, units = 0.0, cash / (price * (1 + FEE))
        elif units and ahead[t] < 0 <= ahead[t - 1]:
            cash, units = units * price * (1 - FEE), 0.0
    return float(cash + units * table[-1, 4])


def _timed(call: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Return the median seconds of a warm call, and its result.

    Calls during which another process held the core, as wall clock beyond processor time shows, are
    made again, up to three times `runs`; those disturbed least count.
    """
    result = call()
    timed: list[tuple[float, float]] = []
    calm = 0
    while calm < runs and len(timed) < 3 * runs:
        begun, used = time.perf_counter(), time.process_time()
        result = call()
        wall, used = time.perf_counter() - begun, time.process_time() - used
        timed.append((wall / max(used, 1e-6) if wall > 0.003 else 0.0, wall))
        calm += wall < 1.15 * used + 0.0005
    return statistics.median(wall for _, wall in sorted(timed)[:runs]), result


def _emit(**fields: Any) -> None:
    print("@@" + json.dumps({"peer": "ours"} | fields, default=float), flush=True)


def main(mode: str = "", *words: str) -> None:
    """Run one of the modes in the module's first lines."""
    if mode == "files":
        write_files(15, YEAR)
        write_files(1, int(words[0]))
    elif mode == "proc":
        process(int(words[0]), 15, list(words[1:]))
    elif mode == "long":
        process(PAIRS, 1, list(words))
    elif mode == "compile":
        compile_from_nothing()
    elif mode == "load":
        Bench(load(15, 96)).measure_load()
    elif mode == "single":
        table = load(1, int(words[0]))
        Bench(table).measure("single")
        _emit(peer="exact", test="single", equity=exact_equity(table))
    elif mode == "stops":
        Bench(load(1, int(words[0])), risk=STOPS).measure("stops")
    elif mode == "rules":
        Bench(load(1, int(words[0])), every_rule_on=True).measure("rules")
    elif mode == "pairs":
        tables = [load(15, YEAR, p) for p in range(PAIRS)]
        Bench(*tables, every_rule_on=True).measure("pairs")
    elif mode == "sweep":
        Bench(load(15, YEAR)).measure_sweep(parameter_sets(int(words[0])))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
