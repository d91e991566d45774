"""The framework on the work that its peers are timed on; one JSON line per measurement.

usage: peer_ours.py files | proc PAIRS [key=value ...] | single N | stops N | rules N | pairs
       peer_ours.py sweep

N is 10000, 100000 or 1000000 bars. The environment variable PEERS names the folder that holds the
peers' ``common.py`` and ``data/``; left out, it is the working directory.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import numpy as np
import yaml

PEERS = Path(os.environ.get("PEERS", ".")).resolve()
sys.path.insert(0, str(PEERS))
from common import CASH, FAST, FEE, SLOW, combos, emit, load, rss_mb, timeit  # noqa: E402

FILES = PEERS / "data" / "ours"
STOPS = {"stop_loss": 0.02, "take_profit": 0.04}
EVERY_RULE = {
    "fraction": 0.5,
    **STOPS,
    "trailing_stop": 0.02,
    "max_exposure": 0.9,
    "max_pair_exposure": 0.8,
    "max_positions": 4,
    "daily_loss": 0.5,
    "max_drawdown": 0.99,
    "cool_down": 2,
}
ACCOUNT = 10_000.0
"""Cash under every rule: orders are bounded by the volume of these small markets."""


def process(pairs: int, overrides: list[str]) -> None:
    """Become ``python -m framework`` on Parquet files that hold the series."""
    names = ",".join(_symbol(p) for p in range(pairs))
    folder = PEERS / "results" / "ours"
    sys.argv = [
        "framework",
        "exchange=files",
        f"exchange.path={FILES}",
        f"pairs.symbols=[{names}]",
        "execution=ideal",
        f"cash={CASH}",
        f"run_dir={folder}/${{now:%Y-%m-%d_%H-%M-%S-%f}}",
        f"database=sqlite:///{folder}/runs.db",
        *overrides,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    runpy.run_module("framework", run_name="__main__")


def write_files() -> None:
    """Write a Parquet file for each 15-minute series, once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    FILES.mkdir(exist_ok=True)
    for p in range(5):
        columns = load(f"m15_P{p}").T
        arrays = [columns[0].astype(np.int64), *columns[1:6]]
        table = pa.table(
            dict(zip(("time", "open", "high", "low", "close", "volume"), arrays, strict=True))
        )
        pq.write_table(table, FILES / f"{_symbol(p)}_15m.parquet")


def _symbol(p: int) -> str:
    return f"P{'ABCDE'[p]}-USD"


class Bench:
    """One strategy, compiled, on one set of series.

    Parameters
    ----------
    series : list of str
        Names of the peers' series, one for each pair.
    risk : dict
        Fields of `Risk`.
    costs : bool
        Whether spread, slippage, impact and a bound on participation are on, too.
    """

    def __init__(self, *series: str, risk: dict | None = None, costs: bool = False) -> None:
        from framework.engine.execution import Execution
        from framework.engine.make_rules import make_rules
        from framework.engine.risk import Risk
        from framework.exchange.files import Files
        from framework.strategy.compile import compile_strategy
        from framework.strategy.spec import StrategySpec

        self.candles = _candles(series)
        path = Path(__file__).parents[1] / "strategies" / "ma_cross.yaml"
        recipe = yaml.safe_load(path.read_text())
        changed = {"params": {"fast": FAST, "slow": SLOW}, "interval": str(self.candles.interval)}
        spec = StrategySpec(**(recipe["strategy"] | changed))
        self.spec, self.features = spec, recipe["features"]
        self.plan = compile_strategy(spec, self.features)
        exchange = Files(path=str(FILES), taker_fee_bps=FEE * 1e4)
        ideal = {"half_spread_bps": 0, "slippage_bps": 0, "impact_bps": 0}
        ideal |= {"max_participation": None, "rounding": False}
        execution = Execution(**({} if costs else ideal))
        self.cash = ACCOUNT if costs else CASH
        self.rules = make_rules(
            Risk(**(risk or {})), execution, exchange, self.candles.pairs, spec.terms
        )

    def signals(self):
        """Evaluate features and rules."""
        return self.plan.evaluate(self.candles).signals

    def simulate(self, signals):
        """Trade them."""
        from framework.engine.simulate import simulate

        return simulate(self.candles, signals, self.rules, self.cash)

    def whole(self):
        """Do both."""
        return self.simulate(self.signals())

    def sweep(self, sets):
        """Check, evaluate and trade the strategy under each set of parameters."""
        from framework.engine.many import simulate_many
        from framework.strategy.many import evaluate_many

        signals = evaluate_many(self.spec, self.features, sets, self.candles)
        return simulate_many(self.candles, signals, [self.rules], cash=self.cash)

    def measure_sweep(self) -> None:
        """Time a thousand crossovers, metrics and orders hashes included, from their texts on."""
        sets = [{"fast": int(f), "slow": int(s)} for f, s in zip(*combos(), strict=True)]
        median, times, trials, first = timeit(lambda: self.sweep(sets), 9)
        best = trials.final_equity.max()
        emit(peer="ours", test="sweep", threads=len(os.sched_getaffinity(0)), combos=len(sets),
             med=median, ts=times, cps=len(sets) / median, best=best, first=first,
             rss=rss_mb())  # fmt: skip

    def measure(self, test: str, **extra) -> None:
        """Time signals and simulation together, then the simulation alone."""
        size = self.candles.close.size
        runs = max(5, min(201, int(3e6 / size)))
        median, times, result, first = timeit(self.whole, runs)
        fills = int((result.events["kind"] == 2).sum())
        common = {"peer": "ours", "n": len(self.candles), **extra}
        rate, equity = size / median, result.equity[-1]
        emit(test=test, **common, med=median, ts=times[:9], bps=rate, equity=equity, trades=fills,
             events=len(result.events), first=first, rss=rss_mb())  # fmt: skip
        signals = self.signals()
        median, times, *_ = timeit(lambda: self.simulate(signals), runs)
        emit(test=f"{test}:kernel", **common, med=median, ts=times[:9], bps=size / median)


def _candles(series: tuple[str, ...]):
    from framework.market.candles import Candles
    from framework.types import Interval

    tables = [load(name) for name in series]
    ms = tables[0][:, 0].astype(np.int64)
    columns = [np.asfortranarray(np.column_stack([x[:, k] for x in tables])) for k in range(1, 6)]
    standing = np.zeros(columns[0].shape, np.uint8, order="F")
    pairs = tuple(_symbol(p) for p in range(len(series)))
    return Candles(pairs, Interval(int(ms[1] - ms[0]) * 10**6), ms * 10**6, *columns, standing)


def _exact_equity(table) -> float:
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


def main(mode: str, *words: str) -> None:
    """Run one of the modes in the module's first lines."""
    if mode == "files":
        write_files()
    elif mode == "proc":
        process(int(words[0]), list(words[1:]))
    elif mode == "single":
        Bench(f"m1_{words[0]}").measure("single", fill=1)
        emit(peer="exact", test="single", fill=1, equity=_exact_equity(load(f"m1_{words[0]}")))
    elif mode == "stops":
        for trail in (0.0, 0.02):
            risk = STOPS | ({"trailing_stop": trail} if trail else {})
            Bench(f"m1_{words[0]}", risk=risk).measure("stops", trail=trail)
    elif mode == "rules":
        Bench(f"m1_{words[0]}", risk=EVERY_RULE, costs=True).measure("every rule")
    elif mode == "pairs":
        series = [f"m15_P{p}" for p in range(5)]
        Bench(*series, risk=EVERY_RULE, costs=True).measure("every rule", pairs=5)
    elif mode == "sweep":
        Bench("m15_P0").measure_sweep()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
