"""Books and trades joined too late, as a bug would join them, are caught by the causality test."""

from __future__ import annotations

import numpy as np
import pytest
from test_finer_execution import IDEAL, MINUTE, walk

from framework.backtest.causality import check_causality, with_noise_after
from framework.backtest.pipeline import Pipeline
from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.errors import CheckFailed
from framework.exchange.files import Files
from framework.market.books import Books
from framework.market.recorded import Recorded
from framework.market.trades import Trades
from framework.records import StrategyTerms
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec

FLOW = StrategySpec(
    name="flow",
    interval=MINUTE,
    enter="imbalance > 0.2 and signed_volume > 0",
    exit="order_flow_imbalance < 0 or trade_count < 1",
)


def recorded(candles, max_age_ns=MINUTE.ns):
    """Three books and some trades within each candle of each pair, all at random."""
    generator = np.random.default_rng(2)
    pairs, start = len(candles.pairs), int(candles.time[0])
    end = int(candles.time[-1]) + MINUTE.ns
    time = np.sort(generator.integers(start, end, 3 * len(candles)))
    levels = np.empty((pairs * len(time), 2, 2, 2))
    levels[..., 0] = [[99.0, 98.0], [101.0, 102.0]]
    levels[..., 1] = generator.uniform(1, 9, levels.shape[:-1])
    when = np.sort(generator.integers(start, end, 4 * len(candles)))
    units = generator.uniform(0.1, 2, pairs * len(when))
    first = np.arange(pairs + 1)
    return Recorded(
        Books(candles.pairs, first * len(time), np.tile(time, pairs), levels),
        Trades(
            candles.pairs,
            first * len(when),
            np.tile(when, pairs),
            np.ones(len(units)),
            units,
            generator.integers(-1, 2, len(units)),
            (((start, end),),) * pairs,
        ),
        max_age_ns,
    )


def check(cuts=40):
    from dataclasses import replace

    candles = walk(120)
    candles = replace(candles, recorded=recorded(candles))
    terms = StrategyTerms(interval=MINUTE)
    rules = make_rules(Risk(), Execution(**IDEAL), Files(path="."), candles.pairs, terms)
    features = {"middle": "mid", "flow": "signed_volume"}
    plan = compile_strategy(FLOW, features, records=("books", "trades"))
    pipeline = Pipeline(plan, rules, 1_000.0)
    traded = pipeline.trade(candles, 10)
    assert len(traded.simulation.events) > 20
    generator = np.random.default_rng(3)
    return check_causality(pipeline, candles, 10, traded, generator, cuts)


def test_what_is_known_at_the_close_passes():
    assert check() == 40


def test_a_book_of_after_the_close_is_caught(monkeypatch):
    join = Recorded.bar_books
    monkeypatch.setattr(
        Recorded, "bar_books", lambda self, n, time, interval: join(self, n, time + 20, interval)
    )
    with pytest.raises(CheckFailed, match="looks ahead"):
        # 20 ns beyond the close: only a book in just these 20 ns could tell, so plant one there
        monkeypatch.setattr(Books, "__post_init__", _with_books_after_closes)
        check()


def _with_books_after_closes(self):
    time = self.time.copy()
    nearest = np.unique(time // MINUTE.ns, return_index=True)[1]
    time[nearest] = time[nearest] // MINUTE.ns * MINUTE.ns + 10
    for name, array in (("first", self.first), ("time", time), ("levels", self.levels)):
        object.__setattr__(self, name, np.ascontiguousarray(array))


@pytest.mark.parametrize("late_ns", [MINUTE.ns // 2, 5 * MINUTE.ns])
def test_books_joined_late_are_caught(monkeypatch, late_ns):
    join = Recorded.bar_books
    monkeypatch.setattr(
        Recorded,
        "bar_books",
        lambda self, n, time, interval: join(self, n, time + late_ns, interval),
    )
    with pytest.raises(CheckFailed, match=r"causality: (feature 'middle'|rule 'strategy\.\w+')"):
        check()


def test_trades_of_the_next_candle_are_caught(monkeypatch):
    join = Recorded.bar_trades
    monkeypatch.setattr(
        Recorded,
        "bar_trades",
        lambda self, n, time, interval: join(self, n, time + interval.ns, interval),
    )
    with pytest.raises(CheckFailed, match="causality: feature 'flow' looks ahead"):
        check()


def test_noise_keeps_what_was_known_at_the_close_and_changes_what_came_after():
    from dataclasses import replace

    candles = walk(60)
    candles = replace(candles, recorded=recorded(candles))
    noisy = with_noise_after(candles, 20, np.random.default_rng(1)).recorded
    close = int(candles.time[20]) + MINUTE.ns
    before, after = candles.recorded.until(close), noisy.until(close)
    assert before.digest == after.digest
    whole, found = candles.recorded, noisy
    later = found.books.time > close
    assert 0 < later.sum() < (whole.books.time > close).sum()
    assert not np.isin(found.books.levels[later], whole.books.levels).any()
    later = found.trades.time >= close
    assert 0 < later.sum() < (whole.trades.time >= close).sum()
    assert not np.isin(found.trades.units[later], whole.trades.units).any()
