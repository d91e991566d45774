"""Whether the deflated Sharpe ratio holds: sweeps with nothing to find, and with something.

usage: python benchmarks/noise_sweep.py MARKET [SEEDS] [FIRST] [ideal|default]

MARKET is one of

    martingale   the simulated market with every bar's move turned up or down by a coin, so that
                 volatility clusters and jumps as it does there and no rule can gain
    simulated    the simulated market as it comes: its regimes last weeks, so it trends a little
    momentum     prices whose drift changes slowly: a crossover can gain

Each seed is one market of 10,000 candles of 15 minutes and 1,000 crossovers on it. The last word is
the execution: without any costs, the harder test, or with those that runs have by default. One line
of JSON a seed, and one for all of them.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.many import simulate_many
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.exchange.simulated import Simulated
from framework.market.candles import Candles
from framework.market.regularise import regularise
from framework.results.metrics import simple_returns
from framework.results.statistics import skew_and_kurtosis
from framework.results.sweep.judgement import Tried, judge
from framework.strategy.many import evaluate_many
from framework.strategy.spec import StrategySpec
from framework.types import YEAR_NS, Interval, parse_time

BARS = 10_000
BLOCKS = 128
CASH = 10_000.0
PAIR = "BTC-AUD"
INTERVAL = Interval.parse("15m")
START = parse_time("2024-01-01")
CONVINCING = 0.95
SETS = [{"fast": fast, "slow": slow} for fast in range(4, 44, 2) for slow in range(50, 300, 5)]
SPEC = StrategySpec(
    name="ma_cross",
    interval="15m",
    params=SETS[0],
    enter="cross_above(ma_fast, ma_slow)",
    exit="cross_below(ma_fast, ma_slow)",
)
FEATURES = {"ma_fast": "mean(close, fast)", "ma_slow": "mean(close, slow)"}
IDEAL = Execution(
    half_spread_bps=0, slippage_bps=0, impact_bps=0, max_participation=None, rounding=False
)
MOMENTUM = {"volatility": 0.003, "drift": 0.0005, "lasts": 200.0}
"""Of the planted market: deviation of noise and of drift per bar, and bars that a drift lasts."""


def simulated(seed: int) -> Candles:
    """Return the simulated market as it comes."""
    market = Simulated(seed=seed)
    end = START + BARS * INTERVAL.ns
    rows = market.rows(PAIR, INTERVAL, START, end)
    return regularise([rows], INTERVAL, START, end, max_gap_ns=YEAR_NS)


def martingale(seed: int) -> Candles:
    """Return the simulated market's moves, each turned up or down by a coin."""
    close = simulated(seed).close[:, 0]
    moves = np.zeros(BARS)
    moves[1:] = np.nan_to_num(np.diff(close) / close[:-1])  # NaN before the first trade
    coin = np.random.default_rng(seed).choice([-1.0, 1.0], BARS)
    return _candles(np.abs(moves) * coin)


def momentum(seed: int) -> Candles:
    """Return prices with a drift that changes slowly."""
    rng = np.random.default_rng(seed)
    keep = 1.0 - 1.0 / MOMENTUM["lasts"]
    drift, drifts = 0.0, np.empty(BARS)
    for t, step in enumerate(rng.normal(0.0, (1.0 - keep**2) ** 0.5, BARS)):
        drift = keep * drift + step
        drifts[t] = drift
    return _candles(MOMENTUM["drift"] * drifts + rng.normal(0.0, MOMENTUM["volatility"], BARS))


def _candles(moves: np.ndarray) -> Candles:
    """Return candles that open where the last one closed."""
    close = 50_000.0 * np.cumprod(1.0 + moves)
    opened = np.concatenate([[50_000.0], close[:-1]])
    columns = [opened, np.maximum(opened, close), np.minimum(opened, close), close]
    columns.append(np.full(BARS, 1_000.0))
    grid = START + np.arange(BARS, dtype=np.int64) * INTERVAL.ns
    shaped = [column[:, None] for column in columns]
    return Candles((PAIR,), INTERVAL, grid, *shaped, np.zeros((BARS, 1), np.uint8))


MARKETS = {"martingale": martingale, "simulated": simulated, "momentum": momentum}


def sweep(candles: Candles, costs: str) -> dict[str, Any]:
    """Return the figures of one sweep."""
    exchange = Simulated(taker_fee_bps=0, maker_fee_bps=0) if costs == "ideal" else Simulated()
    execution = IDEAL if costs == "ideal" else Execution()
    rules = make_rules(Risk(), execution, exchange, candles.pairs, SPEC.terms)
    first = max(one["slow"] for one in SETS)
    signals = evaluate_many(SPEC, FEATURES, SETS, candles)
    trials = simulate_many(
        candles, signals, [rules], cash=CASH, first=first, hashes=False, blocks=BLOCKS
    )
    best = int(np.nanargmax(trials.sharpe))
    again = simulate(candles, signals[best], rules, CASH, first=first)
    skew, kurtosis = skew_and_kurtosis(simple_returns(again.equity))
    tried = Tried(
        params={name: [one[name] for one in SETS] for name in SETS[0]},
        metrics={"sharpe": trials.sharpe},
        objective=trials.sharpe,
        blocks=trials.blocks,
        block_bars=np.diff(np.arange(BLOCKS + 1) * (trials.bars - 1) // BLOCKS),
        per_year=YEAR_NS / INTERVAL.ns,
        skew=skew,
        kurtosis=kurtosis,
    )
    return judge(tried).figures()


def main(market: str, seeds: int, first: int, costs: str) -> None:
    """Sweep each seed's market and print what came of it."""
    found = []
    begun = time.perf_counter()
    for seed in range(first, first + seeds):
        figures = sweep(MARKETS[market](seed), costs)
        found.append(figures)
        print(json.dumps({"seed": seed, **figures}), flush=True)
    names = ("deflated_sharpe", "deflated_sharpe_effective")
    below = {name: sum(each[name] < CONVINCING for each in found) for name in names}
    middle = {
        name: float(np.median([figures[name] for figures in found if figures[name] is not None]))
        for name in ("best_sharpe", "expected_maximum_sharpe", "effective_trials", "pbo", "decay")
    }
    print(
        json.dumps(
            {
                "market": market,
                "costs": costs,
                "seeds": seeds,
                "trials": len(SETS),
                "below": below,
                "median": middle,
                "seconds": round(time.perf_counter() - begun, 1),
            }
        )
    )


if __name__ == "__main__":
    _, name, *rest = sys.argv
    main(
        name,
        int(rest[0]) if rest else 100,
        int(rest[1]) if len(rest) > 1 else 1,
        rest[2] if len(rest) > 2 else "ideal",
    )
