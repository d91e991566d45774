"""What a session counts as it goes, against the round trips and figures of its whole ledger."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import test_trader
from test_trader import PAIRS, build

from framework.records import EVENT, Kind
from framework.results.metrics import drawdown
from framework.results.trades import trades_from_events
from framework.session.book_keeping import BookKeeping
from framework.session.record import BARS, bars_of
from framework.types import Interval, parse_time

HOUR = Interval.parse("1h")
HOUR_NS = HOUR.ns
START = parse_time("2025-03-01T22:00")
BOTH_WAYS = {
    "enter": "cross_above(ema(close, 3), ema(close, 12))",
    "exit": "cross_below(ema(close, 3), ema(close, 12))",
    "enter_short": "cross_below(ema(close, 3), ema(close, 12))",
    "exit_short": "cross_above(ema(close, 3), ema(close, 12))",
    "direction": "both",
}
STEPS = {"target": "where(hour() < 12, 0.4, 0.1) * where(close > ema(close, 30), 1, -1)"}


def fill(pair: int, hour: int, side: int, units: float, price: float, fee: float, kind=Kind.FILLED):
    event = np.zeros(1, EVENT)
    event["time"], event["pair"], event["kind"], event["side"] = (
        START + hour * HOUR_NS,
        pair,
        kind,
        side,
    )
    event["units"], event["quote"], event["price"], event["fee"] = units, units * price, price, fee
    return event


def keeping() -> BookKeeping:
    return BookKeeping(2, 1_000.0, START, HOUR, HOUR)


def test_a_sale_is_worth_what_it_brings_over_its_buy_and_both_fees() -> None:
    book = keeping()
    (bought,) = book.book(START, 1_000.0, fill(0, 0, 1, 4.0, 10.0, 0.4))
    assert (bought.opened, bought.closed, bought.profit, bought.ended) == (4.0, 0.0, 0.0, None)
    (part,) = book.book(START + HOUR_NS, 1_000.0, fill(0, 1, -1, 1.0, 12.0, 0.1))
    # 12 for what cost 10, less a fee of 0.1 and a quarter of the buy's 0.4
    assert part.profit == pytest.approx(1.8, abs=1e-12)
    assert part.fraction == pytest.approx(0.18, abs=1e-12)
    assert (part.ended, part.parted) == (None, False)
    (rest,) = book.book(START + 2 * HOUR_NS, 1_000.0, fill(0, 2, -1, 3.0, 9.0, 0.3))
    assert rest.profit == pytest.approx(27.0 - 30.0 - 0.3 - 0.3, abs=1e-12)
    assert rest.parted
    assert rest.ended["pnl"] == pytest.approx(1.8 - 3.6, abs=1e-12)
    assert (book.won, book.lost, book.trades) == (0, 1, 1)
    assert book.fees == pytest.approx(0.8, abs=1e-12)


def test_units_bought_after_a_sale_cost_their_own_price() -> None:
    book = keeping()
    book.book(START, 1_000.0, fill(0, 0, 1, 2.0, 10.0, 0.0))
    (first,) = book.book(START, 1_000.0, fill(0, 0, -1, 1.0, 12.0, 0.0))
    book.book(START, 1_000.0, fill(0, 0, 1, 1.0, 20.0, 0.0))
    (second,) = book.book(START, 1_000.0, fill(0, 0, -1, 2.0, 16.0, 0.0))
    assert (first.profit, second.profit) == (2.0, 32.0 - 30.0)
    assert second.ended["pnl"] == 44.0 - 40.0


def test_a_short_bought_back_pays_its_borrowing_and_turns_long_with_the_rest() -> None:
    book = keeping()
    book.book(START, 1_000.0, fill(1, 0, -1, 2.0, 50.0, 1.0))
    both = np.concatenate(
        [fill(1, 1, 1, 3.0, 40.0, 1.5), fill(1, 1, 1, 2.0, 0.25, 0.0, Kind.CHARGED)]
    )
    (turned,) = book.book(START + HOUR_NS, 1_000.0, both)
    assert (turned.closed, turned.opened) == (2.0, 1.0)
    # sold for 100, back for 80, fees 1 and two thirds of 1.5, borrowing 0.5
    assert turned.profit == pytest.approx(100.0 - 80.0 - 1.0 - 1.0 - 0.5, abs=1e-12)
    assert turned.ended["pnl"] == pytest.approx(turned.profit, abs=1e-12)
    assert (book.won, book.lost, book.trades, book.borrowed) == (1, 0, 2, 0.5)


def test_a_day_ends_at_midnight_once_with_what_came_in_it() -> None:
    book = keeping()
    book.book(START, 1_000.0, fill(0, 0, 1, 1.0, 10.0, 0.5))
    assert book.end_day() is None
    book.book(START + HOUR_NS, 1_010.0, fill(0, 1, -1, 1.0, 20.0, 0.5))
    day = book.end_day()
    assert day is not None
    assert (day.begun, day.equity, day.won, day.lost, day.fees) == (1_000.0, 1_010.0, 1, 0, 1.0)
    assert day.end_ns == parse_time("2025-03-02")
    assert book.end_day() is None
    book.book(START + 2 * HOUR_NS, 1_005.0, np.zeros(0, EVENT))
    assert book.end_day() is None


def test_a_drawdown_counts_closes_of_the_strategy_only() -> None:
    book = BookKeeping(1, 100.0, START, HOUR, Interval.parse("30m"))
    bars = np.zeros(4, BARS)
    bars["time"] = START + np.arange(4) * HOUR_NS // 2
    bars["equity"] = [50.0, 120.0, 60.0, 90.0]
    book.add(bars, np.zeros(0, EVENT))
    assert book.max_drawdown == 0.25
    assert (book.equity, book.profit, book.bars) == (90.0, -10.0, 4)


@pytest.fixture
def borrowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let strategies sell short, for half of the value a year."""
    exchange = partial(test_trader.WithBooks, spot_only=False, borrow_rate=0.5)
    monkeypatch.setattr(test_trader, "WithBooks", exchange)
    monkeypatch.setitem(test_trader.RULES, "both", BOTH_WAYS)
    monkeypatch.setitem(test_trader.RULES, "steps", {**STEPS, "direction": "both"})


@pytest.fixture(params=["cross", "weights", "both", "steps"])
def traded(request: pytest.FixtureRequest, borrowing: None):
    pipeline, candles, first = build(request.param, "1h", "15m")
    return pipeline.trade(candles, first), candles, first


@pytest.mark.parametrize("step", [1, 7, 1_000])
def test_it_agrees_with_the_round_trips_of_the_whole_ledger(traded, step: int) -> None:
    done, candles, first = traded
    simulation = done.simulation
    bars = bars_of(simulation.time, simulation.equity, simulation.events)
    start = int(simulation.time[0])
    book = BookKeeping(len(PAIRS), 10_000.0, start, HOUR, candles.interval)
    ended, sold = [], 0.0
    for begin in range(0, len(bars), step):
        part = bars[begin : begin + step]
        before = int(bars["events"][begin - 1]) if begin else 0
        events = simulation.events[before : int(part["events"][-1])]
        if step == 1:
            booked = book.book(int(part["time"][0]), float(part["equity"][0]), events)
            ended += [one.ended for one in booked if one.ended is not None]
            sold += math.fsum(one.profit for one in booked)
            book.end_day()
        else:
            ended += list(book.add(part, events))
    close = candles.close[first:]
    end_ns = int(simulation.time[-1]) + candles.interval.ns
    whole = trades_from_events(
        simulation.events, close[-2:], np.array([start, end_ns - HOUR.ns]), HOUR.ns
    )
    kept = np.array([*ended, *book.trips.still_held(close[-1], end_ns)])
    kept = kept[np.lexsort((kept["pair"], kept["entry_time"]))]
    assert np.array_equal(kept, whole)
    closed = whole[~whole["open"]]
    assert len(closed) > 2
    assert book.trades == len(whole)
    assert book.won == np.count_nonzero(closed["pnl"] > 0.0)
    assert book.lost == np.count_nonzero(~(closed["pnl"] > 0.0))
    assert book.pnl == pytest.approx(math.fsum(closed["pnl"]), abs=1e-9)
    kinds = simulation.events["kind"]
    assert book.fills == np.count_nonzero(kinds == Kind.FILLED)
    assert book.vetoes == np.count_nonzero(kinds == Kind.VETOED)
    fees = simulation.events["fee"][kinds == Kind.FILLED]
    assert book.fees == pytest.approx(math.fsum(fees), abs=1e-9)
    hourly = simulation.equity[done.closing[done.closing >= first] - first]
    assert book.max_drawdown == drawdown(hourly, 10_000.0)[0]
    if step == 1 and not whole["open"].any():
        assert sold == pytest.approx(math.fsum(closed["pnl"]), abs=1e-6)


def test_shorts_partial_exits_and_turns_are_among_them(borrowing: None) -> None:
    pipeline, candles, first = build("steps")
    events = pipeline.trade(candles, first).simulation.events
    bars = bars_of(candles.time[first:], np.ones(len(candles) - first), events)
    book = BookKeeping(len(PAIRS), 10_000.0, int(candles.time[first]), HOUR, HOUR)
    booked = []
    for number, bar in enumerate(bars):
        before = int(bars["events"][number - 1]) if number else 0
        booked += book.book(int(bar["time"]), 1.0, events[before : int(bar["events"])])
    assert any(one.closed and one.ended is None for one in booked)
    assert any(one.parted for one in booked)
    assert any(one.ended is not None and one.ended["side"] < 0 for one in booked)
