"""Orders on finer candles than the strategy's: where signals go, and what comes of them."""

from dataclasses import dataclass, fields

import numpy as np
import pytest

from framework.backtest.causality import check_causality
from framework.backtest.pipeline import Pipeline
from framework.backtest.spread import closing_bars, spread
from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.errors import CheckFailed
from framework.exchange.simulated import Simulated
from framework.market.candles import COLUMNS, Candles
from framework.market.resample import resample
from framework.records import EVENT, Kind, OrderTerms, Signals, StrategyTerms
from framework.results.trades import trades_from_events
from framework.strategy.compile import compile_strategy
from framework.strategy.plan import Evaluated
from framework.strategy.spec import StrategySpec
from framework.types import Interval

MINUTE, FIVE = Interval.parse("1m"), Interval.parse("5m")
IDEAL = {
    "half_spread_bps": 0,
    "slippage_bps": 0,
    "impact_bps": 0,
    "max_participation": None,
    "rounding": False,
}


def column(*values):
    return np.array(values, float)[:, None]


def walk(bars, pairs=2, seed=1, start=0, interval=MINUTE):
    generator = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(generator.normal(0, 0.01, (bars, pairs)), axis=0))
    opens = np.vstack([close[:1], close[:-1]]) * np.exp(generator.normal(0, 0.003, (bars, pairs)))
    high = np.maximum(opens, close) * (1 + generator.exponential(0.005, (bars, pairs)))
    low = np.minimum(opens, close) * (1 - generator.exponential(0.005, (bars, pairs)))
    names = tuple(f"P{n}-AUD" for n in range(pairs))
    time = start + np.arange(bars) * interval.ns
    volume, standing = np.full((bars, pairs), 1e9), np.zeros((bars, pairs), np.uint8)
    return Candles(names, interval, time, opens, high, low, close, volume, standing)


def rules_of(candles, interval, risk=None, **execution):
    terms = StrategyTerms(interval=interval)
    filled = Execution(**IDEAL, interval=candles.interval, **execution)
    return make_rules(risk or Risk(), filled, Simulated(), candles.pairs, terms)


class TestWhereSignalsGo:
    def test_at_the_bar_that_closes_with_the_strategys_and_nowhere_else(self):
        signals = Signals(
            enter=np.array([[True], [False], [True]]),
            confidence=column(0.5, np.nan, 0.25),
        )
        fine = spread(signals, np.array([2, 5, 8]), 10)
        assert np.flatnonzero(fine.enter).tolist() == [2, 8]
        assert fine.enter.dtype == np.bool_
        assert np.flatnonzero(~np.isnan(fine.confidence)).tolist() == [2, 8]
        assert fine.confidence[[2, 8], 0].tolist() == [0.5, 0.25]
        assert fine.exit is None

    def test_the_distance_of_a_trailing_stop_holds_until_the_next(self):
        signals = Signals(stop_loss=column(1, 2, 3), trailing_stop=column(0.1, np.nan, 0.3))
        fine = spread(signals, np.array([2, 5, 8]), 10)
        nan = np.nan
        expected = column(nan, nan, 0.1, 0.1, 0.1, nan, nan, nan, 0.3, 0.3)
        np.testing.assert_array_equal(fine.trailing_stop, expected)
        np.testing.assert_array_equal(
            fine.stop_loss, column(nan, nan, 1, nan, nan, 2, nan, nan, 3, nan)
        )

    @pytest.mark.parametrize("name", [field.name for field in fields(Signals)])
    def test_no_signal_is_left_behind(self, name):
        flag = name in ("enter", "exit", "enter_short", "exit_short")
        values = np.array([[True], [True]]) if flag else column(0.5, 0.6)
        fine = spread(Signals(**{name: values}), np.array([1, 3]), 4)
        np.testing.assert_array_equal(getattr(fine, name)[[1, 3]], values)

    def test_candles_of_the_strategys_interval_keep_their_signals(self):
        signals = Signals(target=column(0.5, np.nan))
        assert spread(signals, np.array([0, 1]), 2) is signals

    def test_a_strategy_candle_cut_at_either_end_decides_nothing(self):
        candles = walk(19, start=3 * MINUTE.ns)  # 00:03 to 00:21
        decided = resample(candles, FIVE)
        assert decided.time.tolist() == [n * FIVE.ns for n in (1, 2, 3)]
        assert closing_bars(candles, decided).tolist() == [6, 11, 16]  # 00:09, 00:14, 00:19


@dataclass
class Made:
    """A plan whose signals the test gives, by the strategy candle's index from the epoch."""

    interval: Interval
    signals: Signals

    def evaluate(self, candles, predicted):
        bars = (candles.time // self.interval.ns).astype(int)
        given = {field.name: getattr(self.signals, field.name) for field in fields(Signals)}
        cut = {name: None if rows is None else rows[bars] for name, rows in given.items()}
        return Evaluated({}, Signals(**cut))


def traded_in_the_first_minute(coarse):
    """Five minutes for each candle: all of it in the first, the rest at its close."""
    arrays = {name: np.repeat(getattr(coarse, name), 5, axis=0) for name in COLUMNS}
    for minute in range(1, 5):
        for name in ("open", "high", "low"):
            arrays[name][minute::5] = coarse.close
    time = int(coarse.time[0]) + MINUTE.ns * np.arange(5 * len(coarse))
    standing = np.repeat(coarse.standing, 5, axis=0)
    return Candles(coarse.pairs, MINUTE, time, **arrays, standing=standing)


@pytest.mark.parametrize("seed", range(8))
def test_minutes_that_say_no_more_than_the_strategys_candle_change_nothing(seed):
    """Stops, targets, time stop and cool-down act at the same prices in the same candles."""
    coarse = walk(300, seed=seed, interval=FIVE)
    generator = np.random.default_rng(seed)
    shape = coarse.close.shape
    if seed % 2:
        aims = generator.choice([0.0, 0.2, 0.5], shape)
        signals = Signals(target=np.where(generator.random(shape) < 0.8, np.nan, aims))
    else:
        enter, leave = generator.random((2, *shape)) < 0.1
        signals = Signals(enter=enter, exit=leave, confidence=generator.random(shape))
    risk = Risk(
        stop_loss=0.03, take_profit=0.04, time_stop=1 + seed, cool_down=seed, max_exposure=0.9
    )
    fine = traded_in_the_first_minute(coarse)
    results = [
        Pipeline(Made(FIVE, signals), rules_of(candles, FIVE, risk), 1_000.0).trade(candles, 0)
        for candles in (coarse, fine)
    ]
    one, other = (
        result.simulation.events[result.simulation.events["kind"] == Kind.FILLED]
        for result in results
    )
    assert len(one) > 30
    assert np.array_equal(one["time"], other["time"] - other["time"] % FIVE.ns)
    for name in ("order", "pair", "side", "reason", "units", "price", "fee"):
        np.testing.assert_array_equal(one[name], other[name])
    closing = results[1].closing
    assert closing.tolist() == list(range(4, 1_500, 5))
    equity = results[1].simulation.equity[closing]
    np.testing.assert_array_equal(results[0].simulation.equity, equity)


FEATURES = {"fast": "ema(close, 3)", "slow": "ema(close, 8)"}
CROSSING = StrategySpec(
    name="made",
    interval=FIVE,
    enter="cross_above(fast, slow)",
    exit="cross_below(fast, slow)",
)


def crossing():
    candles = walk(240)
    plan = compile_strategy(CROSSING, FEATURES)
    risk = Risk(trailing_stop=0.02)
    return candles, Pipeline(plan, rules_of(candles, FIVE, risk), 1_000.0)


def test_noise_in_later_minutes_changes_nothing_before_them():
    candles, pipeline = crossing()
    traded = pipeline.trade(candles, 50)
    assert (traded.simulation.events["kind"] == Kind.FILLED).sum() > 10
    generator = np.random.default_rng(5)
    assert check_causality(pipeline, candles, 50, traded, generator, 200) == 189


def test_a_signal_a_minute_before_its_close_is_found(monkeypatch):
    from framework.backtest import pipeline as module

    monkeypatch.setattr(
        module, "spread", lambda signals, closing, bars: spread(signals, closing - 1, bars)
    )
    candles, pipeline = crossing()
    traded = pipeline.trade(candles, 50)
    with pytest.raises(
        CheckFailed, match=r"causality: an order of P\d-AUD at 1970-01-01T0\d:\d[38]"
    ):
        check_causality(pipeline, candles, 50, traded, np.random.default_rng(5), 200)


@pytest.mark.parametrize(("entry", "leave", "bars"), [(5, 9, 0), (9, 10, 1), (4, 14, 2)])
def test_a_trade_counts_the_strategys_candles_that_its_minutes_lie_in(entry, leave, bars):
    events = np.zeros(2, EVENT)
    events["kind"], events["units"], events["quote"] = Kind.FILLED, 1.0, 100.0
    events["time"], events["side"] = [entry * MINUTE.ns, leave * MINUTE.ns], [1, -1]
    time = FIVE.ns * np.arange(4)
    close = np.full((4, 1), 100.0)
    assert trades_from_events(events, close, time, FIVE.ns)["bars"].tolist() == [bars]
    (held,) = trades_from_events(events[:1], close, time, FIVE.ns)
    assert held["bars"] == 4 - entry // 5


def minutes_of(*prices):
    """One pair from (open, high, low, close), or a single price, of each minute."""
    rows = np.array([(p,) * 4 if isinstance(p, int) else p for p in prices], float)
    names = ("open", "high", "low", "close")
    columns = {name: rows[:, [k]] for k, name in enumerate(names)}
    shape = (len(rows), 1)
    time = MINUTE.ns * np.arange(len(rows))
    return Candles(
        ("A-AUD",), MINUTE, time, **columns, volume=np.full(shape, 1e9),
        standing=np.zeros(shape, np.uint8),
    )  # fmt: skip


def flags(*values):
    return np.array(values, bool)[:, None]


def ledger(candles, signals, risk=None, entry_order=None):
    """Minutes, kinds and prices of the events of a strategy of five minutes, free of costs."""
    terms = StrategyTerms(interval=FIVE, entry_order=entry_order or OrderTerms())
    venue = Simulated(maker_fee_bps=0, taker_fee_bps=0)
    filled = Execution(**IDEAL, interval=MINUTE)
    rules = make_rules(risk or Risk(), filled, venue, candles.pairs, terms)
    events = Pipeline(Made(FIVE, signals), rules, 1_000.0).trade(candles, 0).simulation.events
    return [
        (int(event["time"]) // MINUTE.ns, Kind(event["kind"]).name, float(event["price"]))
        for event in events
    ]


def test_a_trailing_stop_by_expression_follows_each_minute_at_the_last_close_s_distance():
    """Best 110 from minute 6 on: 10 % below it is 99, from minute 9 on 5 % below it is 104.5."""
    candles = minutes_of(
        *(100,) * 6, (100, 110, 100, 110), (110, 110, 100, 106), 106, 106,
        (106, 106, 104, 105), *(105,) * 4,
    )  # fmt: skip
    signals = Signals(
        enter=flags(1, 0, 0), exit=flags(0, 0, 0), trailing_stop=column(0.10, 0.05, 0.05)
    )
    found = ledger(candles, signals, Risk(trailing_stop="distance"))
    assert [row[:2] for row in found] == [
        (4, "DECIDED"), (5, "FILLED"), (10, "DECIDED"), (10, "FILLED"),
    ]  # fmt: skip
    assert [row[2] for row in found] == pytest.approx([100, 100, 104.5, 104.5])


def test_a_limit_order_fills_in_the_minute_that_trades_through_it():
    candles = minutes_of(*(100,) * 6, 99, (99, 99, 97, 98), *(98,) * 7)
    signals = Signals(enter=flags(1, 0, 0), exit=flags(0, 0, 0), entry_limit=column(98, 98, 98))
    assert ledger(candles, signals) == [(4, "DECIDED", 98.0), (7, "FILLED", 98.0)]


def test_a_limit_order_waits_for_bars_of_the_strategy():
    candles = minutes_of(*(100,) * 15)
    signals = Signals(enter=flags(1, 0, 0), exit=flags(0, 0, 0), entry_limit=column(98, 98, 98))
    found = ledger(candles, signals, entry_order=OrderTerms(bars=1))
    assert [row[:2] for row in found] == [(4, "DECIDED"), (9, "EXPIRED")]
