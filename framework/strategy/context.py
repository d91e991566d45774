"""One evaluation of a plan: candles by interval and pair, and every value computed so far.

A value is computed once in each context and kept, read-only, for all who need it again. A context
may begin at a later bar: what is asked for there is computed from the bars that it rests on alone,
and is the same, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from framework.errors import UserError
from framework.market.candles import Candles
from framework.market.growing_candles import GrowingCandles
from framework.market.recorded import BOOKS, BarBooks, BarTrades, Recorded
from framework.market.resample import last_closed, resample
from framework.strategy.node import Node
from framework.types import FloatArray, IntArray, Interval

Value = Any  # a float, an array, or a tuple of arrays


class Values(Protocol):
    """Keeps values by the id of what they are the value of; it may drop them."""

    def __getitem__(self, node: int, /) -> Value: ...

    def __setitem__(self, node: int, value: Value, /) -> None: ...

    def __contains__(self, node: object, /) -> bool: ...


class Evaluation:
    """Candles and model outputs of one evaluation, and its contexts.

    Parameters
    ----------
    candles : Candles or GrowingCandles
        (T, N) of the strategy's interval.
    extra : mapping of str to (T, N) array
        Model outputs.
    values : callable
        Makes what keeps the values of one context.
    """

    def __init__(
        self,
        candles: Candles | GrowingCandles,
        extra: Mapping[str, FloatArray],
        values: Callable[[], Values] = dict,
    ) -> None:
        self.candles = candles
        self.extra = extra
        self._new_values = values
        self._recorded: dict[int, Recorded | None] = {}
        self._of_interval: dict[int, Candles | GrowingCandles] = {}
        self._contexts: dict[tuple[int, str | None, int], Context] = {}

    def context(self, interval: Interval, pair: str | None = None, begin: int = 0) -> Context:
        """Return the context of an interval, of all pairs or of one, from bar `begin` on."""
        key = (interval.ns, pair, begin)
        found = self._contexts.get(key)
        if found is None:
            if pair is not None and pair not in self.candles.pairs:
                raise UserError(
                    f"of('{pair}', ...): no pair of this run "
                    f"(pairs: {', '.join(self.candles.pairs)})."
                )
            found = Context(self, self.candles_of(interval), pair, self._new_values(), begin)
            found = self._contexts.setdefault(key, found)  # another thread may have been first
        return found

    def candles_of(self, interval: Interval) -> Candles | GrowingCandles:
        """Return the candles of an interval."""
        if interval == self.candles.interval:
            return self.candles
        found = self._of_interval.get(interval.ns)
        if found is None:
            if isinstance(self.candles, Candles):
                found = resample(self.candles, interval)
            else:
                found = self.candles.coarser(interval)
            found = self._of_interval.setdefault(interval.ns, found)
        return found

    def recorded(self, since_ns: int) -> Recorded | None:
        """Return what was recorded beside the candles that open then and later, or more."""
        if isinstance(self.candles, Candles):
            return self.candles.recorded
        if since_ns not in self._recorded:
            self._recorded[since_ns] = self.candles.recorded(since_ns)
        return self._recorded[since_ns]

    def drop(self) -> None:
        """Drop all contexts: they and this hold each other, and would wait for the collector."""
        self._contexts.clear()


class Context:
    """What expressions see: candles of one interval, of all pairs or of one, from a bar on."""

    __slots__ = ("__dict__", "begin", "candles", "evaluation", "pair", "values")

    def __init__(
        self,
        evaluation: Evaluation,
        candles: Candles | GrowingCandles,
        pair: str | None,
        values: Values,
        begin: int,
    ) -> None:
        self.evaluation = evaluation
        self.candles = candles
        self.pair = pair
        self.values = values
        self.begin = begin

    def value(self, node: Node) -> Value:
        """Return the node's value, computed once."""
        try:
            return self.values[node.id]
        except KeyError:
            pass
        made = node.run(self) if self.begin == 0 else self._newest(node)
        if isinstance(made, tuple):
            made = tuple(_kept(array) for array in made)
        elif isinstance(made, np.ndarray):
            made = _kept(made)
        self.values[node.id] = made
        return made

    def _newest(self, node: Node) -> Value:
        """Return the node's value from `begin` on, made of the bars that it rests on."""
        kept, begin = 0, 0
        if node.memory is not None:
            kept, begin = node.memory.kept_from(self.begin), node.memory.begin(self.begin)
        if kept < self.begin:  # others who begin between the two share it
            return _from(self._at(kept).value(node), self.begin - kept)
        return _from(node.run(self._at(begin)), self.begin - begin)

    def _at(self, begin: int) -> Context:
        """Return this context from another bar on."""
        return self.evaluation.context(self.candles.interval, self.pair, begin)

    @cached_property
    def columns(self) -> slice:
        """Return which of the pairs' columns are seen here."""
        if self.pair is None:
            return slice(None)
        index = self.candles.pairs.index(self.pair)
        return slice(index, index + 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Return bars and pairs of every array here."""
        pairs = 1 if self.pair is not None else len(self.candles.pairs)
        return len(self.candles) - self.begin, pairs

    def column(self, name: str) -> FloatArray:
        """Return a candle column or a model output, (T, N)."""
        array = self.evaluation.extra.get(name)
        if array is None:
            array = getattr(self.candles, name)
        if self.pair is None and not self.begin:
            return array
        return _by_pair(array[self.begin :, self.columns])

    def recorded(self, kind: str, pair: int) -> BarBooks | BarTrades:
        """Return the books or trades of one of the pairs seen here, joined to the bars."""
        n = self.columns.indices(len(self.candles.pairs))[0] + pair
        found = self._joined.get((kind, n))
        if found is None:
            since_ns = int(self.time[0]) if len(self.time) else 0
            recorded = self.evaluation.recorded(since_ns)
            if recorded is None:
                raise ValueError(f"{kind} were promised to the strategy, but are not given")
            join = recorded.bar_books if kind == BOOKS else recorded.bar_trades
            found = self._joined[kind, n] = join(n, self.time, self.candles.interval)
        return found

    @cached_property
    def _joined(self) -> dict[tuple[str, int], BarBooks | BarTrades]:
        """What was joined so far: several functions read the same."""
        return {}

    @property
    def time(self) -> IntArray:
        """Return the candles' open times, (T,)."""
        return self.candles.time[self.begin :]

    def series(self, node: Node) -> npt.NDArray[Any]:
        """Return the node's value as a (T, N) array, even where it is constant."""
        value = self.value(node)
        if isinstance(value, np.ndarray):
            return value
        array = np.full(self.shape, value, bool if isinstance(value, bool) else float, order="F")
        array.flags.writeable = False
        return array

    def on(self, interval: Interval, node: Node) -> npt.NDArray[Any]:
        """Return the value that `node` had at each bar in its last closed candle of `interval`."""
        times = self.evaluation.candles_of(interval).time
        index = last_closed(self.time, self.candles.interval, times, interval)
        begin = max(int(index[0]), 0) if self.begin and len(index) else 0
        values = self.evaluation.context(interval, self.pair, begin).series(node)
        index = np.where(index < 0, index, index - begin) if begin else index
        filler = False if values.dtype == np.bool_ else np.nan
        padded = np.empty((values.shape[1], values.shape[0] + 1), values.dtype)
        padded[:, :-1] = values.T
        padded[:, -1] = filler
        return np.take(padded, index, axis=1, mode="wrap").T

    def of(self, pair: str, node: Node) -> npt.NDArray[Any]:
        """Return the value that `node` has for `pair`, for every pair."""
        interval = self.candles.interval
        known = self.evaluation.context(interval, begin=self.begin)
        other = self.evaluation.context(interval, pair, self.begin)
        if node.id in known.values:
            column = known.series(node)[:, other.columns]
        else:
            column = other.series(node)
        return np.repeat(column.T, self.shape[1], axis=0).T

    def across(self) -> Context:
        """Return the context of all pairs."""
        return self.evaluation.context(self.candles.interval, begin=self.begin)


def _from(value: Value, first: int) -> Value:
    """Return a value without its `first` bars."""
    if isinstance(value, tuple):
        return tuple(array[first:] for array in value)
    return value[first:] if isinstance(value, np.ndarray) else value


def _kept(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `array` stored pair by pair and read-only, since many may share it."""
    array = _by_pair(array)
    if array.flags.writeable:
        array.flags.writeable = False
    return array


def _by_pair(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `array` with the bars of each pair beside each other.

    A single bar of a longer array has not: NumPy might then compute it by other instructions.
    """
    if array.flags.f_contiguous or (len(array) > 1 and array.strides[0] == array.itemsize):
        return array
    return np.asfortranarray(array)
