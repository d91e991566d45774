"""Small markets, signals and rules for the engine's tests."""

from __future__ import annotations

import numpy as np

from framework.engine.execution import Execution
from framework.engine.make_rules import make_rules
from framework.engine.risk import Risk
from framework.engine.rules import Rules
from framework.exchange.contract import Exchange
from framework.market.books import ASKS, BIDS, BookRows, books_of
from framework.market.candles import Candles, Standing
from framework.market.rules import MarketRules
from framework.records import Signals, StrategyTerms
from framework.types import Interval

IDEAL = Execution(
    half_spread_bps=0, slippage_bps=0, impact_bps=0, max_participation=None, rounding=False
)
MINUTE_NS = 60_000_000_000
MINUTE = Interval(MINUTE_NS)


class Venue(Exchange):
    """An exchange that has fees and market rules, and no candles."""

    has_books = True

    def pairs(self):
        return ()

    def interval(self):
        return None

    def span(self, pair, interval):
        return (0, 0)

    def rows(self, pair, interval, start_ns, end_ns):
        raise NotImplementedError


def rules_of(
    risk=None, execution=IDEAL, pairs=("A-Q",), fee_bps=0.0, market=None, interval=MINUTE
) -> Rules:
    venue = Venue(name="venue", taker_fee_bps=fee_bps, market=market or MarketRules())
    return make_rules(risk or Risk(), execution, venue, pairs, StrategyTerms(interval=interval))


def terms_of(candles, **terms) -> StrategyTerms:
    """Terms of a strategy that decides on these candles."""
    return StrategyTerms(interval=candles.interval, **terms)


def market_of(*bars, volume=1e9, start=0, flat=(), interval="1m") -> Candles:
    """One pair from (open, high, low, close) or (o, h, l, c, volume) tuples or single prices."""
    rows = [(b,) * 4 if isinstance(b, int | float) else b for b in bars]
    rows = np.array([(*r, volume)[:5] for r in rows], float)
    standing = np.zeros(len(rows), np.uint8)
    standing[list(flat)] = Standing.FLAT
    return candles_of(rows[:, :, None], standing[:, None], start, interval)


def candles_of(rows, standing, start=0, interval="1m") -> Candles:
    """Candles from (T, 5, N) and (T, N)."""
    step = Interval.parse(interval)
    pairs = tuple(f"{chr(65 + n)}-Q" for n in range(rows.shape[2]))
    time = start + step.ns * np.arange(len(rows))
    return Candles(pairs, step, time, *(rows[:, k] for k in range(5)), standing)


def signals_of(candles, enter=(), exits=(), confidence=None) -> Signals:
    """Signals of (bar) or (bar, pair)."""
    shape = candles.close.shape
    flags = {"enter": np.zeros(shape, bool), "exit": np.zeros(shape, bool)}
    for name, places in (("enter", enter), ("exit", exits)):
        for place in places:
            flags[name][place if isinstance(place, tuple) else (place, 0)] = True
    return Signals(**flags, confidence=confidence)


def book_of(snapshots, pair="A-Q"):
    """Books of one pair from {time: (bids, asks)}, each a list of (price, units)."""
    rows = [
        (time, side, level, *values)
        for time, sides in snapshots.items()
        for side, levels in zip((BIDS, ASKS), sides, strict=True)
        for level, values in enumerate(levels)
    ]
    columns = np.array(rows, dtype=object).reshape(-1, 5).T
    types = (np.int64, np.int64, np.int64, float, float)
    made = (column.astype(kind) for column, kind in zip(columns, types, strict=True))
    return books_of(BookRows(pair, *made), "a test")


def random_market(seed, bars, pairs, quiet=0.1):
    """Candles with jumps, flat and missing bars, gaps at the open and volumes near order sizes."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, (bars, pairs)), axis=0))
    before = np.vstack([np.full(pairs, 100.0), close[:-1]])
    opens = before * np.exp(rng.normal(0, 0.005, (bars, pairs)))
    high = np.maximum(opens, close) * (1 + rng.exponential(0.01, (bars, pairs)))
    low = np.minimum(opens, close) * (1 - np.minimum(rng.exponential(0.01, (bars, pairs)), 0.5))
    volume = rng.exponential(200.0, (bars, pairs))
    standing = rng.choice([0, 1, 2, 3], (bars, pairs), p=[0.9 - quiet, quiet / 2, quiet / 2, 0.1])
    for t in range(1, bars):
        for n in range(pairs):
            if standing[t, n] in (1, 2):
                opens[t, n] = high[t, n] = low[t, n] = close[t, n] = close[t - 1, n]
                volume[t, n] = 0.0
                if t + 1 < bars:
                    opens[t + 1, n] = min(max(opens[t + 1, n], low[t + 1, n]), high[t + 1, n])
    rows = np.stack([opens, high, low, close, volume], axis=1)
    return candles_of(rows, standing.astype(np.uint8), interval="1h")
