"""Bar by bar, all at once, or stopped and gone on with: the same events and the same equity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from framework.backtest.pipeline import Pipeline
from framework.config.component import component
from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.exchange.load import load_candles
from framework.exchange.simulated import Simulated
from framework.market.candles import Candles, Standing
from framework.market.live import BookState
from framework.records import Kind, Reason
from framework.session.bars import Bar
from framework.session.folding import Inputs, fold
from framework.session.history import History
from framework.session.trader import Trader
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec
from framework.types import Interval, parse_time

PAIRS = ("BTC-AUD", "ADA-AUD")
BARS = 150
RULES = {
    "cross": {
        "enter": "cross_above(ema(close, 3), ema(close, 12))",
        "exit": "cross_below(ema(close, 3), ema(close, 12))",
    },
    "weights": {"target": "clip((close / ema(close, 10) - 1) * 40, 0, 1)"},
}


@component
class WithBooks(Simulated):
    """The simulated market, as if somebody recorded its books."""

    @property
    def has_books(self) -> bool:
        return True


def build(rules: str, interval: str = "1h", fills: str | None = None, book: bool = False, **terms):
    exchange = WithBooks()
    spec = StrategySpec(name="own", interval=Interval.parse(interval), **RULES[rules])
    plan = compile_strategy(spec, {"fast": "ema(close, 3)", "up": "close > open"})
    execution = Execution(
        interval=None if fills is None else Interval.parse(fills),
        book=book,
        book_max_age=Interval.parse("2h"),
        **terms,
    )
    risk = Risk(stop_loss=0.02, trailing_stop=0.03, cool_down=2)
    made = make_rules(risk, execution, exchange, PAIRS, spec.terms)
    loaded = load_candles(
        exchange,
        PAIRS,
        spec.interval,
        parse_time("2025-03-01"),
        parse_time("2025-03-20"),
        plan.warmup,
        None,
        fill_interval=execution.interval,
    )
    candles = loaded.candles[: loaded.first + BARS]
    return Pipeline(plan, made, 10_000.0), candles, loaded.first


def bars_of(candles: Candles, first: int) -> list[Bar]:
    return [Bar(candles[t : t + 1]) for t in range(first, len(candles))]


def lived(pipeline: Pipeline, warmup: Candles, bars: list[Bar], quiet: list[bool] | None = None):
    trader = Trader(pipeline, History(warmup))
    acts = [
        trader.act(bar, silent)
        for bar, silent in zip(bars, quiet or [False] * len(bars), strict=True)
    ]
    return np.concatenate([acted.events for acted in acts]), [acted.equity for acted in acts]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(("interval", "fills"), [("1h", None), ("1h", "15m")])
def test_bar_by_bar_is_the_backtest(rules: str, interval: str, fills: str | None) -> None:
    pipeline, candles, first = build(rules, interval, fills)
    whole = pipeline.trade(candles, first).simulation
    events, equity = lived(pipeline, candles[:first], bars_of(candles, first))
    assert np.array_equal(events, whole.events)
    assert equity == whole.equity.tolist()
    assert np.count_nonzero(whole.events["kind"] == Kind.FILLED) > 5


def test_quiet_bars_open_nothing_and_fold_alike() -> None:
    pipeline, candles, first = build("cross")
    quiet = [30 <= t < 90 for t in range(BARS)]
    bars = bars_of(candles, first)
    events, equity = lived(pipeline, candles[:first], bars, quiet)
    folded = fold(pipeline, History(candles[:first]), Inputs(bars, quiet)).simulation
    assert np.array_equal(events, folded.events)
    assert equity == folded.equity.tolist()
    begun = events[(events["kind"] == Kind.DECIDED) & (events["side"] > 0)]
    silent_from, silent_to = candles.time[first + 30], candles.time[first + 90]
    assert not np.any((begun["time"] >= silent_from) & (begun["time"] < silent_to))
    assert np.any(begun["time"] >= silent_to)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(("interval", "fills"), [("1h", None), ("1h", "15m")])
def test_orders_that_wait_to_be_bought_are_called_back(
    rules: str, interval: str, fills: str | None
) -> None:
    pipeline, candles, first = build(rules, interval, fills, max_participation=1e-5)
    bars = bars_of(candles, first)
    free, _ = lived(pipeline, candles[:first], bars)
    bought_at = free[(free["kind"] == Kind.FILLED) & (free["side"] > 0)]["time"]
    begun = int(np.searchsorted(candles.time[first:], bought_at[0]))
    quiet = [t >= begun for t in range(len(bars))]
    events, equity = lived(pipeline, candles[:first], bars, quiet)
    folded = fold(pipeline, History(candles[:first]), Inputs(bars, quiet)).simulation
    assert np.array_equal(events, folded.events)
    assert equity == folded.equity.tolist()
    assert np.any(bought_at > bought_at[0])
    bought = events[(events["kind"] == Kind.FILLED) & (events["side"] > 0)]
    assert set(bought["time"].tolist()) == {bought_at[0]}
    assert Reason.PAUSE in events[events["kind"] == Kind.CANCELLED]["reason"]


def test_nothing_fills_in_a_missing_bar_with_prices() -> None:
    pipeline, candles, first = build("cross")
    standing = candles.standing.copy()
    standing[first + 20 : first + 60] = Standing.MISSING
    holed = replace(candles, standing=standing)
    events, _ = lived(pipeline, holed[:first], bars_of(holed, first))
    assert np.array_equal(events, pipeline.trade(holed, first).simulation.events)
    filled = events[events["kind"] == Kind.FILLED]["time"]
    assert not np.any((filled >= holed.time[first + 20]) & (filled < holed.time[first + 60]))


def test_books_of_the_journal_are_walked_alike() -> None:
    pipeline, candles, first = build("cross", book=True)
    bars = []
    for t in range(first, len(candles)):
        states = {}
        for n, pair in enumerate(PAIRS):
            if (t + n) % 3:
                price = float(candles.open[t, n])
                levels = np.array(
                    [
                        [[price * 0.999, 0.02], [price * 0.99, 500.0]],
                        [[price * 1.001, 0.02], [price * 1.01, 500.0]],
                    ]
                )
                states[pair] = BookState(pair, int(candles.time[t]) - 10**9, levels)
        bars.append(Bar(candles[t : t + 1], states))
    events, equity = lived(pipeline, candles[:first], bars)
    folded = fold(pipeline, History(candles[:first]), Inputs(bars, [False] * BARS)).simulation
    assert np.array_equal(events, folded.events)
    assert equity == folded.equity.tolist()
    assert np.count_nonzero(events["kind"] == Kind.FILLED) > 5
