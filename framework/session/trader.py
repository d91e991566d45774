"""The part of a session that decides: bars in, events out, nothing read or written elsewhere.

What it knows is a fold over its bars: the same bars give the same account, in a session, after a
restart, and in a backtest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from framework.backtest.muting import muted
from framework.backtest.pipeline import Pipeline
from framework.engine.account import new_account
from framework.engine.simulate import Simulation, simulate
from framework.learning.schedule import Stage
from framework.market.books import Books, side_by_side
from framework.market.candles import Candles, is_traded
from framework.market.growing_candles import GrowingCandles, GrowingColumns
from framework.market.live import BookState
from framework.records import Signals
from framework.session.bars import Bar
from framework.session.history import History
from framework.types import FloatArray, RecordArray

_HELD = "trailing_stop"  # counts between two decisions, too; see `framework.backtest.spread`


@dataclass(frozen=True, slots=True, eq=False)
class Acted:
    """What one bar led to.

    Parameters
    ----------
    time : int
        Open time of the bar, UTC ns.
    decided : bool
        Whether the strategy decided at its close.
    features : dict of str to (N,) array
        At the close, where it decided.
    predicted : dict of str to (N,) float64
        What the model gave there.
    signals : Signals
        (1, N), as the engine got them.
    events : (E,) EVENT
        The ledger's of this bar.
    equity : float
        At the close, quote currency.
    close : (N,) float64
        Prices there.
    account : (1,) record
        After the bar.
    """

    time: int
    decided: bool
    features: Mapping[str, Any]
    predicted: Mapping[str, FloatArray]
    signals: Signals
    events: RecordArray
    equity: float
    close: FloatArray
    account: RecordArray


class Trader:
    """Takes an account through bars as they come.

    Parameters
    ----------
    pipeline : Pipeline
        Strategy, rules, cash and models.
    history : History
        Warm-up, and the bars acted on so far.
    account : (1,) record, optional
        After the last of them; None: there were none.
    predicted : mapping of str to (K, N) float64, optional
        What the models gave at the first K of the strategy's bars, as far as that is kept.
    books : mapping of str to BookState, optional
        Of each pair the last one that was there at an open.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        history: History,
        account: RecordArray | None = None,
        predicted: Mapping[str, FloatArray] | None = None,
        books: Mapping[str, BookState] | None = None,
    ) -> None:
        self.history = history
        self.account = new_account(history.pairs, pipeline.cash) if account is None else account
        self.books = dict(books or {})
        """Of each pair the last one that was there at an open."""
        self._pipeline = pipeline
        decided = self._decided()
        self._predicted = {
            name: GrowingColumns(values) for name, values in (predicted or {}).items()
        }
        self._predict(decided)
        self._last = self._signals(decided)[1] if len(decided) else None
        nothing = history.growing.since(len(history))
        self._step(nothing, Signals())  # compiles what is not yet, before bars come

    @property
    def predicted(self) -> dict[str, FloatArray]:
        """What the models gave so far, (K, N) each, read-only."""
        return {name: columns.values for name, columns in self._predicted.items()}

    def swap(self, stage: Stage) -> None:
        """Let another model predict from `stage.end_ns` on, which no bar has reached yet."""
        schedule = self._pipeline.schedule
        if schedule is None:
            raise ValueError("a strategy without a model has none to swap")
        stages = replace(schedule, stages=(*schedule.stages, stage))
        self._pipeline = replace(self._pipeline, schedule=stages)

    def act(self, bar: Bar, quiet: bool = False) -> Acted:
        """Take the account through `bar`, the next one, and decide at its close.

        Parameters
        ----------
        bar : Bar
            Its candles open where the last ones closed.
        quiet : bool
            Whether nothing is to be opened.
        """
        plan = self._pipeline.plan
        self.history.add(bar.candles, bar.records)
        self.books.update(bar.books)
        close_ns = bar.time + self.history.interval.ns
        features: dict[str, Any] = {}
        predicted: dict[str, FloatArray] = {}
        decides = plan.interval.floor(close_ns) == close_ns
        if decides:
            decided = self._decided()
            decides = bool(len(decided))  # the end of an interval that began before the anchor
        if decides:
            self._predict(decided)
            features, self._last = self._signals(decided)
            predicted = {name: values[-1].copy() for name, values in self.predicted.items()}
            row = self._last
        else:
            row = Signals() if self._last is None else _nothing(self._last)
        row = muted(row, np.array([quiet]))
        done = self._step(bar.candles, row)
        self.account = done.account
        return Acted(
            bar.time,
            decides,
            features,
            predicted,
            row,
            done.events,
            float(done.equity[0]),
            bar.candles.close[0],
            done.account,
        )

    def _step(self, candles: Candles, signals: Signals) -> Simulation:
        """Return what the engine makes of candles, from where the account is."""
        return simulate(
            candles,
            signals,
            self._pipeline.rules,
            account=self.account,
            books=self._walked(),
        )

    def _decided(self) -> GrowingCandles:
        """Return the candles that the strategy decides on."""
        return self.history.growing.coarser(self._pipeline.plan.interval)

    def _predict(self, decided: GrowingCandles) -> None:
        """Let the models predict at the bars that they have not yet."""
        first = min((len(columns) for columns in self._predicted.values()), default=0)
        if 0 < first == len(decided):
            return
        for name, values in self._pipeline.predict(decided, first).items():
            known = self._predicted.setdefault(name, GrowingColumns(values[:0]))
            known.add(values[len(known) - first :])

    def _signals(self, decided: GrowingCandles) -> tuple[dict[str, Any], Signals]:
        """Return the features, (N,) each, and the signals, (1, N), of the last bar."""
        evaluated = self._pipeline.plan.newest(decided, self.predicted)
        signals = evaluated.signals
        if decided.interval != self.history.interval:
            signals = replace(signals, traded=is_traded(decided.standing[-1:]))
        return {name: values[-1] for name, values in evaluated.features.items()}, signals

    def _walked(self) -> Books | None:
        """Return the books that fills walk; None where they walk none."""
        if not wants_books(self._pipeline):
            return None
        return books_of(self.history.pairs, [self.books])


def wants_books(pipeline: Pipeline) -> bool:
    """Tell whether fills walk order books."""
    return bool(pipeline.rules.scalars["book_max_age"][0])


def books_of(pairs: Sequence[str], states: Sequence[Mapping[str, BookState]]) -> Books:
    """Return every book once, as recorded books.

    Parameters
    ----------
    pairs : sequence of str
        N pairs.
    states : sequence of mapping of str to BookState
        Of each pair in the order of time.
    """
    parts = []
    for pair in pairs:
        own = {book[pair].time: book[pair] for book in states if pair in book}
        levels = [state.levels for state in own.values()]
        deepest = max((one.shape[1] for one in levels), default=0)
        stacked = np.full((len(levels), 2, deepest, 2), np.nan)
        for index, one in enumerate(levels):
            stacked[index, :, : one.shape[1]] = one
        time = np.array(list(own), np.int64)
        parts.append(Books((pair,), np.array([0, len(time)]), time, stacked))
    return side_by_side(parts)


def _nothing(last: Signals) -> Signals:
    """Return the signals of a bar between two decisions."""
    kept: dict[str, Any] = {}
    for field in fields(Signals):
        values = getattr(last, field.name)
        if values is None or field.name == _HELD:
            kept[field.name] = values
        else:
            nothing: Any = False if values.dtype == np.bool_ else np.nan
            kept[field.name] = np.full_like(values, nothing)
    return Signals(**kept)
