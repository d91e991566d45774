"""Order books that are recorded after an open are not walked there, and the test would notice."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from test_finer_execution import IDEAL, MINUTE, walk

from framework.backtest.causality import check_causality
from framework.backtest.pipeline import Pipeline
from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.errors import CheckFailed
from framework.exchange.files import Files
from framework.market.books import ASKS, BIDS, BookRows, Books, books_of, side_by_side
from framework.records import Kind, StrategyTerms
from framework.strategy.compile import compile_strategy
from framework.strategy.spec import StrategySpec

CROSSING = StrategySpec(
    name="cross",
    interval=MINUTE,
    enter="cross_above(close, mean(close, 5))",
    exit="cross_below(close, mean(close, 5))",
)


class LateBooks(Books):
    """Books of which the one a second after the open is found."""

    def newest(self, time, max_age_ns):
        return super().newest(time + 1_000_000_000, max_age_ns)


def recorded(candles):
    """Two books a candle of each pair: half a minute before its open and a second after it."""
    made = []
    for n, pair in enumerate(candles.pairs):
        rows = []
        for opened, price in zip(candles.time, candles.open[:, n], strict=True):
            for delay, shift in ((-30, 0.001), (1, 0.002)):
                time = opened + delay * 1_000_000_000
                rows.append((time, BIDS, 0, price * (1 - shift), 1e6))
                rows.append((time, ASKS, 0, price * (1 + shift), 1e6))
        time, side, level, price, units = zip(*rows, strict=True)
        whole = (np.array(column, np.int64) for column in (time, side, level))
        made.append(books_of(BookRows(pair, *whole, np.array(price), np.array(units)), "made"))
    return side_by_side(made)


def checked(kind):
    candles = walk(120)
    books = kind(**{f.name: getattr(recorded(candles), f.name) for f in fields(Books)})
    terms = StrategyTerms(interval=MINUTE)
    venue = Files(path=".", books=".")
    rules = make_rules(Risk(), Execution(**IDEAL, book=True), venue, candles.pairs, terms)
    pipeline = Pipeline(compile_strategy(CROSSING, {}), rules, 1_000.0)
    traded = pipeline.trade(candles, 10, books)
    fills = traded.simulation.events[traded.simulation.events["kind"] == Kind.FILLED]
    assert len(fills) > 10
    lost = fills["slippage"] / (fills["quote"] - fills["side"] * fills["slippage"])
    generator = np.random.default_rng(3)
    return lost, lambda: check_causality(pipeline, candles, 10, traded, generator, 60, books=books)


def test_books_of_the_past_pass():
    lost, check = checked(Books)
    np.testing.assert_allclose(lost, 0.001)
    assert check() == 60


def test_a_book_that_is_walked_too_soon_is_caught():
    lost, check = checked(LateBooks)
    np.testing.assert_allclose(lost, 0.002)
    with pytest.raises(CheckFailed, match=r"causality: an order of P\d-AUD at 1970-01-01T0\d:\d\d"):
        check()
