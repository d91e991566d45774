"""Speed of the engine on the seeded series of the peers' benchmark.

Run as ``python benchmarks/engine.py FOLDER``; FOLDER holds ``m1_10000.npy`` and the others made by
the peers' ``gen_data.py`` (columns: milliseconds, open, high, low, close, volume).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.engine.rules import Rules, make_rules
from framework.exchange.contract import Exchange
from framework.market.candles import Candles
from framework.records import Signals
from framework.types import Interval

CASH, FAST, SLOW = 1_000_000.0, 20, 50
IDEAL = Execution(
    half_spread_bps=0, slippage_bps=0, impact_bps=0, max_participation=None, rounding=False
)
STOPS = Risk(stop_loss=0.02, take_profit=0.04, trailing_stop=0.02)
EVERYTHING = Risk(
    fraction=0.5,
    stop_loss=0.02,
    take_profit=0.04,
    trailing_stop=0.02,
    max_exposure=0.9,
    max_pair_exposure=0.8,
    max_positions=4,
    daily_loss=0.5,
    max_drawdown=0.99,
    cool_down=2,
)


class Venue(Exchange):
    """Ten basis points a fill, no rounding."""

    def pairs(self):
        """None of its own."""
        return ()

    def interval(self):
        """Any."""
        return None

    def span(self, pair, interval):
        """Empty."""
        return (0, 0)

    def rows(self, pair, interval, start_ns, end_ns):
        """Nothing to read."""
        raise NotImplementedError


def candles_of(folder: Path, *names: str) -> Candles:
    tables = [np.load(folder / f"{name}.npy") for name in names]
    step = int(tables[0][1, 0] - tables[0][0, 0]) * 1_000_000
    columns = [np.asfortranarray(np.column_stack([x[:, k] for x in tables])) for k in range(1, 6)]
    standing = np.zeros(columns[0].shape, np.uint8, order="F")
    time_ns = tables[0][0, 0].astype(np.int64) * 1_000_000 + step * np.arange(len(tables[0]))
    return Candles(names, Interval(step), time_ns, *columns, standing)


def crossover(candles: Candles) -> Signals:
    """Moving averages from running sums and their crossings, in NumPy."""
    shape = candles.close.shape
    enter, leave = np.zeros(shape, bool, order="F"), np.zeros(shape, bool, order="F")
    for n in range(shape[1]):
        total = np.cumsum(candles.close[:, n])
        fast, slow = _mean(total, FAST), _mean(total, SLOW)
        above = fast > slow
        enter[SLOW:, n] = above[1:] & ~above[:-1]
        leave[SLOW:, n] = above[:-1] & ~above[1:]
    return Signals(enter=enter, exit=leave)


def _mean(total, bars):
    """Means of `bars` values for bars SLOW - 1 and later."""
    means = total[SLOW - 1 :].copy()
    means[0 if bars < SLOW else 1 :] -= total[SLOW - 1 - bars if bars < SLOW else 0 : -bars]
    return means / bars


def median(call, least=7, seconds=1.0):
    times = []
    while len(times) < least or (sum(times) < seconds and len(times) < 200):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main(folder: Path) -> None:
    start = time.perf_counter()
    from framework.engine.simulate import is_compiled, simulate

    imported = time.perf_counter() - start
    cached = is_compiled()
    small = candles_of(folder, "m1_10000")
    start = time.perf_counter()
    simulate(small, crossover(small), rules_of(Risk(), IDEAL, small), CASH)
    print(f"import {imported:.2f} s, first call {'cached' if cached else 'compiling'} ", end="")
    print(f"{time.perf_counter() - start:.2f} s\n")
    print(f"{'run':34}{'ms':>10}{'M pair-bars/s':>15}{'events':>9}{'with signals, M/s':>19}")
    series = [("m1_10000",), ("m1_100000",), ("m1_1000000",), tuple(f"m15_P{p}" for p in range(5))]
    for names in series:
        candles = candles_of(folder, *names)
        signals = crossover(candles)
        for label, risk, execution in (
            ("bare", Risk(), IDEAL),
            ("stops", STOPS, IDEAL),
            ("every rule", EVERYTHING, Execution()),
        ):
            rules = rules_of(risk, execution, candles)
            bare = median(lambda c=candles, s=signals, r=rules: simulate(c, s, r, CASH))
            whole = median(lambda c=candles, r=rules: simulate(c, crossover(c), r, CASH))
            events = len(simulate(candles, signals, rules, CASH).events)
            size, name = candles.close.size, f"{label}, {len(candles):,} x {len(names)}"
            print(f"{name:34}{bare * 1e3:10.3f}{size / bare / 1e6:15.1f}{events:9}", end="")
            print(f"{size / whole / 1e6:19.1f}")


def rules_of(risk: Risk, execution: Execution, candles: Candles) -> Rules:
    return make_rules(risk, execution, Venue(name="venue", taker_fee_bps=10), candles.pairs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
