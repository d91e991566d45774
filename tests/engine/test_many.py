"""Many trials at once: each is the single run of the same signals and rules."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from engine_cases import DISTANCES, random_case
from engine_markets import market_of, rules_of, signals_of

from framework.engine import desk
from framework.engine.make_rules import make_rules
from framework.engine.many import simulate_many
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.engine.tally import FIGURES, SUMS, open_trades, tally_equity, tally_events
from framework.records import EVENT, Kind, Signals
from framework.results.metrics import compute
from framework.results.outcome import Outcome

SHARED = ("final_equity", "total_return", "volatility", "sharpe", "max_drawdown", "trades")
SHARED = (*SHARED, "fees_paid", "slippage_paid", "turnover")


def metrics_of(candles, result, first):
    """What the results' room makes of one simulation."""
    traded = candles[slice(first, None)]
    columns = {n: getattr(traded, n) for n in ("time", "open", "high", "low", "close", "volume")}
    empty = {"certificate": {}, "assumptions": (), "checks": (), "config": "", "overrides": ()}
    words = {"mode": "", "strategy": "", "quote": "", "version": "", "seed": 0}
    return compute(
        Outcome(
            pairs=result.pairs,
            interval=result.interval,
            initial_cash=result.initial_cash,
            equity=result.equity,
            cash=result.cash,
            invested=result.invested,
            events=result.events,
            orders_hash=result.orders_hash,
            **columns,
            **empty,
            **words,
        )
    )


def cases(seed):
    """Candles of a seeded random market, two sets of signals and three of rules."""
    candles, signals, risk, execution, venue, cash, terms, _ = random_case(seed)
    execution = dataclasses.replace(execution, book=False)
    rng = np.random.default_rng(seed)
    shape = candles.close.shape
    distances = {name: getattr(signals, name) for name in DISTANCES}
    flags = Signals(enter=rng.random(shape) < 0.3, exit=rng.random(shape) < 0.3, **distances)
    risks = (risk, Risk(), Risk(stop_loss=0.01, take_profit=0.02, fraction=0.5))
    rules = [make_rules(each, execution, venue, candles.pairs, terms) for each in risks]
    return candles, [signals, flags], rules, cash


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("threads", "stretch"), [(1, 4_096), (2, 7)])
def test_every_trial_is_the_single_run(seed, threads, stretch, monkeypatch):
    monkeypatch.setattr(desk, "EVENTS", stretch)
    candles, signals, rules, cash = cases(seed)
    first = seed % 3
    which = np.array([(s, r) for r in range(3) for s in range(2)]).T
    trials = simulate_many(candles, signals, rules, *which, cash=cash, first=first, threads=threads)
    assert len(trials) == 6
    for p, (s, r) in enumerate(which.T):
        single = simulate(candles, signals[s], rules[r], cash, first=first)
        assert trials.orders_hash[p] == single.orders_hash
        expected = metrics_of(candles, single, first)
        for name in SHARED:
            value = getattr(trials, name)[p]
            if expected[name] is None:
                assert not math.isfinite(value), name
            else:
                assert value == pytest.approx(expected[name], rel=1e-12, abs=1e-12), name


def test_a_round_trip_worked_out_by_hand():
    candles = market_of(10, 10, 10, 12, 12)
    signals = signals_of(candles, enter=[0], exits=[2])
    trials = simulate_many(candles, [signals], [rules_of(fee_bps=100)], cash=1010.0)
    assert trials.fills.tolist() == [2]
    assert trials.trades.tolist() == [1]
    # 100 units for 1,000 and a fee of 10; sold for 1,200 less a fee of 12
    assert trials.final_equity[0] == pytest.approx(1188.0)
    assert trials.fees_paid[0] == pytest.approx(22.0)
    assert trials.traded[0] == pytest.approx(2200.0)
    # the fee takes the account from its cash of 1,010 to 1,000
    assert trials.max_drawdown[0] == pytest.approx(1 - 1000 / 1010)
    assert trials.total_return[0] == pytest.approx(1188 / 1010 - 1)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 128, 129, 130, 1_000, 4_097, 35_040])
def test_figures_of_a_curve_are_those_of_the_results_to_the_last_bits(size):
    from framework.results.metrics import drawdown, sharpe, simple_returns, volatility

    rng = np.random.default_rng(size)
    equity = 1e6 * np.exp(np.cumsum(rng.normal(0, 0.01, size)))
    out = np.zeros(len(FIGURES))
    tally_equity(equity, 1e6, 35_040.0, np.empty(max(size - 1, 0)), out)
    made = dict(zip(FIGURES, out.tolist(), strict=True))
    returns = simple_returns(equity)
    expected = {
        "final_equity": equity[-1],
        "mean_equity": equity.mean(),
        "volatility": volatility(returns, 35_040.0),
        "sharpe": sharpe(returns, 35_040.0),
        "max_drawdown": drawdown(equity, 1e6)[0],
    }
    for name, value in expected.items():
        if value is None:
            assert math.isnan(made[name])
        else:
            assert made[name] == pytest.approx(value, rel=1e-14, abs=1e-15), name


@pytest.mark.parametrize(
    ("curve", "defined"),
    [
        ([1.0, np.nan, 1.0], ()),
        ([1.0, 0.0, 1.0], ("max_drawdown",)),
        ([1.0, -1.0, 1.0], ("max_drawdown",)),
        ([1.0, 1.0, 1.0], ("max_drawdown", "volatility")),
    ],
)
def test_figures_that_mean_nothing_are_nan(curve, defined):
    out = np.zeros(len(FIGURES))
    tally_equity(np.array(curve), 1.0, 365.0, np.empty(2), out)
    found = {n for n, v in zip(FIGURES, out, strict=True) if not math.isnan(v)}
    assert found & {"volatility", "sharpe", "max_drawdown"} == set(defined)


def random_ledger(seed):
    """Fills of two pairs, long and short, through zero and back to it; closes; times."""
    rng = np.random.default_rng(seed)
    events = np.zeros(60, EVENT)
    events["time"] = 60 * np.arange(60)
    events["kind"] = Kind.FILLED
    events["pair"] = rng.integers(0, 2, 60)
    events["side"] = rng.choice([-1, 1], 60)
    events["units"] = rng.integers(0, 4, 60) * 0.1
    events["fee"] = rng.random(60)
    return events, np.ones((60, 2)), events["time"]


@pytest.mark.parametrize("seed", range(20))
def test_round_trips_are_counted_as_the_results_count_them(seed):
    from framework.results.trades import trades_from_events

    events, close, time = random_ledger(seed)
    units, entered = np.zeros((2, close.shape[1]))
    sums = np.zeros(len(SUMS))
    for part in np.array_split(events, 3):
        tally_events(part, np.empty((3, len(events))), units, entered, sums)
    counted = sums[SUMS.index("trades")] + open_trades(units)
    assert counted == len(trades_from_events(events, close, time, 60))
    assert sums[SUMS.index("fees_paid")] == pytest.approx(events["fee"].sum(), rel=1e-12)


def test_signals_are_asked_for_once_however_many_rules_share_them():
    candles = market_of(*range(10, 60))
    asked = []

    class Asked(list):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    signals = Asked([signals_of(candles, [k], [k + 5]) for k in range(4)])
    rules = [rules_of(Risk(fraction=f / 100)) for f in range(1, 41)]
    which = [(s, r) for r in range(40) for s in range(4)]
    trials = simulate_many(candles, signals, rules, *zip(*which, strict=True), cash=1e3, threads=2)
    assert sorted(asked) == [0, 1, 2, 3]
    assert len(set(trials.orders_hash)) == 160


def test_a_small_memory_cap_changes_nothing_but_the_threads():
    candles, signals, rules, cash = cases(3)
    small = simulate_many(candles, signals, rules[:1], cash=cash, memory_cap_bytes=1)
    large = simulate_many(candles, signals, rules[:1], cash=cash, hashes=False)
    assert small.orders_hash != () == large.orders_hash
    for field in dataclasses.fields(small):
        if isinstance(getattr(small, field.name), np.ndarray):
            np.testing.assert_array_equal(getattr(small, field.name), getattr(large, field.name))


@pytest.mark.parametrize("threads", [1, 2])
def test_what_does_not_fit_is_refused(threads):
    candles = market_of(10, 11, 12)
    good, rules = signals_of(candles), [rules_of()]
    bad = Signals(enter=np.zeros((2, 1), bool), exit=np.zeros((2, 1), bool))
    options = {"cash": 1.0, "threads": threads}
    with pytest.raises(ValueError, match="enter must be"):
        simulate_many(candles, [good, bad, good], rules, **options)
    with pytest.raises(ValueError, match="rules are for 2 pairs"):
        simulate_many(candles, [good], [rules_of(pairs=("A-Q", "B-Q"))], **options)
    with pytest.raises(ValueError, match="which_signals must lie below 1"):
        simulate_many(candles, [good], rules, [1], [0], **options)
    with pytest.raises(ValueError, match="which_rules must be for 2 trials"):
        simulate_many(candles, [good], rules, [0, 0], [0], **options)
    with pytest.raises(ValueError, match="first must be between"):
        simulate_many(candles, [good], rules, first=3, **options)
    assert len(simulate_many(candles, [], rules, [], [], **options)) == 0
