"""The judge finds what is wrong: each of these feeds lies about one thing."""

from dataclasses import replace

import feed_judge
import pytest
from feed_judge import run_and_judge

from framework.feed.events import BookSeen, CandleClosed, Traded


def told_by(lie):
    """Return what is wrong when the feed's events go through `lie` first."""

    class Lying(feed_judge.LiveFeed):
        async def next(self):
            event = await super().next()
            return event and lie(event)

    return Lying


def first_of(kind, change):
    """Return a lie about the first event of a kind."""
    changed = []

    def lie(event):
        if isinstance(event, kind) and not changed:
            changed.append(event)
            return change(event)
        return event

    return lie


def another_close(event):
    return replace(event, candle=replace(event.candle, close=event.candle.close * 1.001))


def another_time(event):
    return replace(event, candle=replace(event.candle, time=event.candle.time + 1))


def another_price(event):
    return replace(event, trade=replace(event.trade, price=event.trade.price + 1))


def another_level(event):
    levels = event.state.levels.copy()
    levels[1, 3, 1] *= 2
    return replace(event, state=replace(event.state, levels=levels))


@pytest.mark.parametrize(
    ("kind", "change", "found"),
    [
        (CandleClosed, another_close, "candles: CONFIRMED"),
        (CandleClosed, another_time, "candles: told"),
        (Traded, another_price, "trades: told, but untrue: 1"),
        (BookSeen, another_level, "not as it was"),
    ],
)
def test_a_lie_is_found(monkeypatch, kind, change, found):
    monkeypatch.setattr(feed_judge, "LiveFeed", told_by(first_of(kind, change)))
    assert any(found in line for line in run_and_judge("btcmarkets", 3, (), 150.0))


def test_without_lies_and_faults_nothing_is_found():
    assert run_and_judge("btcmarkets", 3, (), 150.0) == []
