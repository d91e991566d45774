"""What must be true of everything that a feed told, whatever happened meanwhile."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from framework.feed.events import (
    BookSeen,
    CandleClosed,
    CandleRevised,
    FeedEvent,
    StateChanged,
    Traded,
)
from framework.market.candles import Standing
from framework.market.live import Candle, Trade, in_order
from framework.types import Interval


@dataclass
class Told:
    """Events of one pair, sorted by kind."""

    closed: list[CandleClosed] = field(default_factory=list)
    revised: list[CandleRevised] = field(default_factory=list)
    traded: list[Traded] = field(default_factory=list)
    books: list[BookSeen] = field(default_factory=list)

    def last_candles(self) -> dict[int, Candle]:
        """Return each candle as it was told last."""
        last = {event.candle.time: event.candle for event in self.closed}
        for event in self.revised:
            assert event.before == last[event.candle.time]
            last[event.candle.time] = event.candle
        return last


def sort(events: Sequence[FeedEvent]) -> tuple[dict[str, Told], list[StateChanged]]:
    """Return what was told of each pair, and the changes of state."""
    told: dict[str, Told] = {}
    states: list[StateChanged] = []
    for event in events:
        match event:
            case CandleClosed(candle):
                told.setdefault(candle.pair, Told()).closed.append(event)
            case CandleRevised(candle):
                told.setdefault(candle.pair, Told()).revised.append(event)
            case Traded(trade):
                told.setdefault(trade.pair, Told()).traded.append(event)
            case BookSeen(state):
                told.setdefault(state.pair, Told()).books.append(event)
            case StateChanged():
                states.append(event)
    return told, states


def check_candles(
    told: Told,
    truth: dict[int, Candle],
    interval: Interval,
    first_ns: int,
    close_before: float,
    revisable: bool = False,
) -> None:
    """Assert that candles are contiguous from `first_ns`, once, and in the end what was true.

    One told as confirmed or flat is true when it is told, unless `revisable`.
    """
    times = [event.candle.time for event in told.closed]
    assert times == [first_ns + k * interval.ns for k in range(len(times))]
    last = told.last_candles()
    close = close_before
    for event in told.closed:
        time = event.candle.time
        true = truth.get(time) or Candle(event.candle.pair, time, *[close] * 4, 0.0)
        close = true.close
        assert same(last[time], true), (event, last[time], true)
        if event.standing is not Standing.PROVISIONAL and not revisable:
            assert same(event.candle, true), (event, true)
            assert event.standing is _standing(true)


def _standing(true: Candle) -> Standing:
    if math.isnan(true.close):
        return Standing.MISSING  # nobody ever traded
    return Standing.CONFIRMED if true.volume > 0 else Standing.FLAT


def same(a: Candle, b: Candle) -> bool:
    """Tell whether two candles are equal but for the rounding of sums."""
    prices_a, prices_b = (a.open, a.high, a.low, a.close), (b.open, b.high, b.low, b.close)
    return (
        (a.pair, a.time) == (b.pair, b.time)
        and prices_a == pytest.approx(prices_b, rel=0, abs=0, nan_ok=True)
        and a.volume == pytest.approx(b.volume, rel=1e-9)
    )


def check_trades(
    told: Told, truth: Sequence[Trade], from_ns: int, to_ns: int, gone: bool = False
) -> None:
    """Assert that each trade of [from, to) was told once, in order unless late.

    With `gone`, the exchange may not have had all of them any more.
    """
    ids = [event.trade.id for event in told.traded]
    assert len(ids) == len(set(ids))
    in_time = [in_order(event.trade) for event in told.traded if not event.late]
    assert in_time == sorted(in_time)
    expected = Counter(_what(t) for t in truth if from_ns <= t.time < to_ns)
    found = Counter(_what(e.trade) for e in told.traded if from_ns <= e.trade.time < to_ns)
    if gone:
        assert found <= expected
    else:
        assert found == expected


def _what(trade: Trade) -> tuple[int, float, float, int]:
    """Return a trade without its id: an exchange may have one of its own for each way to ask."""
    return trade.time, trade.price, trade.units, trade.side
