"""The part of a session that decides: bars in, events out, nothing read or written elsewhere.

What it knows is a fold over its bars: the same bars give the same account, whether they come one
by one or all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from framework.backtest.muting import muted
from framework.backtest.pipeline import Pipeline, Traded
from framework.engine.orders_hash import OrdersHash
from framework.engine.simulate import simulate
from framework.learning.schedule import Schedule, Stage
from framework.market.books import Books, side_by_side
from framework.market.candles import Candles
from framework.market.live import BookState
from framework.market.resample import resample
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
        Warm-up, and the bars acted on so far, which are folded at once.
    quiet : sequence of bool
        For each of those bars, whether nothing was to be opened at its close.
    books : sequence of mapping
        For each of them the books at its open, of the pairs that had a new one.
    predicted : mapping of str to (K, N) float64
        What the models gave at the first K of the strategy's bars, as far as that is kept.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        history: History,
        quiet: Sequence[bool] = (),
        books: Sequence[Mapping[str, BookState]] = (),
        predicted: Mapping[str, FloatArray] | None = None,
    ) -> None:
        self.history = history
        self._pipeline = pipeline
        self._books: dict[str, BookState] = {}
        for states in books:
            self._books.update(states)
        decided = resample(history.candles, pipeline.plan.interval)
        self._predicted = self._predict(decided, dict(predicted or {}))
        traded = self.fold(quiet, books, self._predicted)
        self.account = traded.simulation.account
        self.events = [traded.simulation.events]
        self.equity = traded.simulation.equity.tolist()
        self._last = _row(self._signals(traded), -1) if len(decided) else None
        self._hash = OrdersHash(history.pairs, history.interval)
        self._hash.update(traded.simulation.events)

    @property
    def orders_hash(self) -> str:
        """SHA-256 over decisions and fills so far, see `OrdersHash`."""
        return self._hash.hexdigest()

    @property
    def predicted(self) -> dict[str, FloatArray]:
        """What the models gave so far, (K, N)."""
        return self._predicted

    def fold(
        self,
        quiet: Sequence[bool],
        books: Sequence[Mapping[str, BookState]],
        predicted: dict[str, FloatArray] | None = None,
    ) -> Traded:
        """Return what a backtest makes of the bars acted on so far.

        Parameters
        ----------
        quiet, books
            As for the class.
        predicted : dict of str to (K, N) float64, optional
            None: the models predict everything once more.
        """
        first = self.history.first
        silent = np.zeros(len(self.history), np.bool_)
        silent[first:] = quiet
        return self._pipeline.trade(
            self.history.candles,
            first,
            self._walked(books),
            silent,
            predicted,
        )

    def swap(self, stage: Stage) -> None:
        """Let another model predict from `stage.end_ns` on, which no bar has reached yet."""
        schedule = self._pipeline.schedule
        if schedule is None:
            raise ValueError("a strategy without a model has none to swap")
        stages = Schedule(schedule.outputs, (*schedule.stages, stage))
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
        self.history.add(bar.candles)
        self._books.update(bar.books)
        features: dict[str, Any] = {}
        close_ns = bar.time + self.history.interval.ns
        decides = plan.interval.floor(close_ns) == close_ns
        if decides:
            candles = self.history.candles
            decided = resample(candles, plan.interval)
            decides = bool(len(decided))  # what is left of an interval is none
        if decides:
            self._predicted = self._predict(decided, self._predicted)
            evaluated = plan.evaluate(decided, self._predicted)
            signals = evaluated.signals
            if decided.interval != candles.interval:
                signals = replace(signals, traded=decided.traded)
            self._last = _row(signals, -1)
            features = {name: values[-1] for name, values in evaluated.features.items()}
            row = self._last
        elif self._last is None:
            row = Signals()
        else:
            row = _nothing(self._last)
        row = muted(row, np.array([quiet]))
        done = simulate(
            bar.candles,
            row,
            self._pipeline.rules,
            account=self.account,
            books=self._walked([self._books]),
        )
        self.account = done.account
        self.events.append(done.events)
        self.equity.append(float(done.equity[0]))
        self._hash.update(done.events)
        return Acted(
            bar.time,
            decides,
            features,
            {name: values[-1] for name, values in self._predicted.items()} if decides else {},
            row,
            done.events,
            float(done.equity[0]),
            bar.candles.close[0],
            done.account,
        )

    def _predict(self, decided: Candles, known: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Return `known` predictions, those of the bars since then added."""
        first = min((len(values) for values in known.values()), default=0)
        made = self._pipeline.predict(decided, first)
        for name, values in known.items():
            made[name][:first] = values[:first]
        return made

    def _walked(self, states: Sequence[Mapping[str, BookState]]) -> Books | None:
        """Return the books that fills walk; None where they walk none."""
        if not self._pipeline.rules.scalars["book_max_age"][0]:
            return None
        return books_of(self.history.pairs, states)

    def _signals(self, traded: Traded) -> Signals:
        signals = traded.evaluated.signals
        if traded.decided.interval != self.history.interval:
            signals = replace(signals, traded=traded.decided.traded)
        return signals


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


def _row(signals: Signals, index: int) -> Signals:
    """Return one bar's signals, (1, N)."""
    return Signals(
        **{
            field.name: None if values is None else values[index : index + 1 or None]
            for field in fields(Signals)
            for values in (getattr(signals, field.name),)
        }
    )


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
