"""Test that nothing decided before a moment depends on what came after it.

At random cuts the future is replaced by noise and its length changed: candles, and the order books
and trades that expressions read. Later order books that fills walk are dropped. Every feature,
signal, order and fill before the cut must stay equal bit for bit. What a session would compute at
the cut, from the bars that the functions say they rest on, must be the same, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import CheckFailed
from framework.market.books import Books
from framework.market.candles import Candles, Standing
from framework.market.recorded import Recorded
from framework.strategy.rules import RULES
from framework.types import BoolArray, FloatArray, format_time

if TYPE_CHECKING:
    from framework.backtest.pipeline import Pipeline, Traded
    from framework.strategy.plan import Evaluated

Column = FloatArray | BoolArray

LONGEST_NOISE = 5_000
"""Bars of noise kept after a cut: enough to disturb any window, whatever the run's length."""


def check_causality(
    pipeline: Pipeline,
    candles: Candles,
    first: int,
    traded: Traded,
    generator: np.random.Generator,
    cuts: int,
    advance: Callable[[], None] = lambda: None,
    books: Books | None = None,
) -> int:
    """Corrupt the future at random cuts and compare everything before them.

    Parameters
    ----------
    pipeline : Pipeline
        What produced `traded`.
    candles : Candles
        T bars, those that orders fill on.
    first : int
        First bar traded.
    traded : Traded
        The run under test.
    generator : numpy Generator
        Chooses cuts and noise.
    cuts : int
        How many moments to test.
    advance : callable
        Called after each cut.
    books : Books, optional
        Recorded order books that the fills of `traded` walked.

    Returns
    -------
    int
        Number of cuts tested; fewer than asked for when there are fewer bars.

    Raises
    ------
    CheckFailed
        Naming the feature, signal or order that changed, its pair and the moment.
    """
    choices = np.arange(first, len(candles) - 1)
    if not len(choices) or not cuts:
        return 0
    moments = np.sort(generator.choice(choices, size=min(cuts, len(choices)), replace=False))
    for cut in moments:
        known = None if books is None else books.until(int(candles.time[cut]))
        again = pipeline.trade(with_noise_after(candles, int(cut), generator), first, known)
        _compare(candles, int(cut), first, traded, again)
        _compare_newest(pipeline, int(cut), traded)
        advance()
    return len(moments)


def with_noise_after(candles: Candles, cut: int, generator: np.random.Generator) -> Candles:
    """Return `candles` up to and including bar `cut`, followed by noise.

    What was recorded beside them is noise from the close of that bar on.

    Parameters
    ----------
    candles : Candles
        T bars.
    cut : int
        Last bar that is kept.
    generator : numpy Generator
        Source of the noise.
    """
    length = min(len(candles) - cut - 1, LONGEST_NOISE)
    kept = candles[: cut + 1 + length]
    shape = (length, len(candles.pairs))
    level = np.nan_to_num(candles.close[cut], nan=1.0)
    between = level * np.exp(generator.normal(0.0, 0.5, size=(4, *shape)))
    noise = {
        "open": between[1],
        "high": between.max(axis=0),
        "low": between.min(axis=0),
        "close": between[2],
        "volume": generator.exponential(1_000.0, size=shape),
        "standing": np.full(shape, Standing.CONFIRMED, dtype=np.uint8),
    }
    columns: dict[str, Any] = {}
    for name, values in noise.items():
        column = np.empty((len(candles.pairs), len(kept)), values.dtype).T  # stored pair by pair
        column[: cut + 1] = getattr(kept, name)[: cut + 1]
        column[cut + 1 :] = values
        columns[name] = column
    if kept.recorded is not None:
        close = int(candles.time[cut]) + candles.interval.ns
        columns["recorded"] = _noise_since(kept.recorded, close, generator)
    return replace(kept, **columns)


def _noise_since(recorded: Recorded, close_ns: int, generator: np.random.Generator) -> Recorded:
    """Replace books after a close, and trades from it on, by half as many that are noise."""
    books, trades = recorded.books, recorded.trades
    if books is not None:
        later = books.time > close_ns
        levels = books.levels.copy()
        levels[later] *= np.exp(generator.normal(0.0, 0.5, size=levels[later].shape))
        books = replace(books, levels=levels).take(~later | (generator.random(len(later)) < 0.5))
    if trades is not None:
        later = trades.time >= close_ns
        units = np.where(later, generator.exponential(10.0, size=len(later)), trades.units)
        side = np.where(later, generator.integers(-1, 2, size=len(later)), trades.side)
        kept = ~later | (generator.random(len(later)) < 0.5)
        trades = replace(trades, units=units, side=side).take(kept)
    return Recorded(books, trades, recorded.max_age_ns)


def _compare(candles: Candles, cut: int, first: int, before: Traded, after: Traded) -> None:
    """Raise where anything up to bar `cut` differs."""
    decided = before.decided[: int(np.searchsorted(before.closing, cut, side="right"))]
    for kind, name, one, two in _columns(
        before.evaluated, after.evaluated, before.predicted, after.predicted
    ):
        _equal(f"{kind} '{name}'", one, two, decided, int(candles.time[cut]))
    last = candles.time[cut]
    events = before.simulation.events[before.simulation.events["time"] <= last]
    again = after.simulation.events[after.simulation.events["time"] <= last]
    if events.tobytes() != again.tobytes():
        shared = min(len(events), len(again))
        where = next(
            (i for i in range(shared) if events[i].tobytes() != again[i].tobytes()), shared
        )
        event = (events if where < len(events) else again)[where]
        raise CheckFailed(
            f"causality: an order of {candles.pairs[int(event['pair'])]} at "
            f"{format_time(int(event['time']))} changed when candles after "
            f"{format_time(int(last))} were replaced by noise: sizing or limits look ahead."
        )
    stop = cut + 1 - first
    if before.simulation.equity[:stop].tobytes() != after.simulation.equity[:stop].tobytes():
        raise CheckFailed(
            f"causality: equity before {format_time(int(last))} changed when later candles were "
            "replaced by noise."
        )


def _compare_newest(pipeline: Pipeline, cut: int, traded: Traded) -> None:
    """Raise where a session would see something else at the last decision up to bar `cut`."""
    bars = int(np.searchsorted(traded.closing, cut, side="right"))
    if not bars:
        return
    decided = traded.decided[:bars]
    known = {name: values[:bars] for name, values in traded.predicted.items()}
    alone = pipeline.plan.newest(decided, known)
    predicted = pipeline.predict(decided, bars - 1)
    for kind, name, whole, newest in _columns(
        traded.evaluated, alone, {name: known[name] for name in predicted}, predicted
    ):
        one, two = whole[bars - 1], newest[0]
        for pair in np.flatnonzero((one != two) & ~((one != one) & (two != two))):
            raise CheckFailed(
                f"causality: {kind} '{name}' rests on more bars than its functions say (memory): "
                f"its value for {decided.pairs[pair]} at {format_time(int(decided.time[-1]))} is "
                f"{one[pair]} computed from all bars, {two[pair]} from these alone."
            )


def _columns(
    before: Evaluated,
    after: Evaluated,
    predicted: Mapping[str, FloatArray],
    again: Mapping[str, FloatArray],
) -> list[tuple[str, str, Column, Column]]:
    """Return kind, name and both values of everything that was computed."""
    pairs: list[tuple[str, str, Column, Column]] = [
        ("feature", name, values, after.features[name]) for name, values in before.features.items()
    ]
    pairs += [("prediction", name, values, again[name]) for name, values in predicted.items()]
    for name, rule in RULES.items():
        values = getattr(before.signals, name)
        if values is not None:
            pairs.append(("rule", rule.path, values, getattr(after.signals, name)))
    return pairs


def _equal(label: str, one: Column, two: Column, decided: Candles, cut_ns: int) -> None:
    """Raise when two arrays (K or more, N) differ in any bit at the K bars of `decided`."""
    head, tail = one[: len(decided)], two[: len(decided)]
    same = head == tail
    if head.dtype.kind == "f":
        same |= np.isnan(head) & np.isnan(tail)
    if same.all():
        return
    bar, pair = np.argwhere(~same)[0]
    raise CheckFailed(
        f"causality: {label} looks ahead: its value for {decided.pairs[pair]} at "
        f"{format_time(int(decided.time[bar]))} changed from {head[bar, pair]} to "
        f"{tail[bar, pair]} when candles after {format_time(cut_ns)} were "
        "replaced by noise."
    )
