"""One evaluation of a plan: candles by interval and pair, and every value computed so far.

A value is computed once in each context and kept, read-only, for all who need it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from framework.errors import UserError
from framework.market.candles import Candles
from framework.market.recorded import BOOKS, BarBooks, BarTrades
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
    candles : Candles
        (T, N) of the strategy's interval.
    extra : mapping of str to (T, N) array
        Model outputs.
    values : callable
        Makes what keeps the values of one context.
    """

    def __init__(
        self,
        candles: Candles,
        extra: Mapping[str, FloatArray],
        values: Callable[[], Values] = dict,
    ) -> None:
        self.candles = candles
        self.extra = extra
        self._new_values = values
        self._contexts: dict[tuple[int, str | None], Context] = {}

    def context(self, interval: Interval, pair: str | None = None) -> Context:
        """Return the context of an interval, of all pairs or of one."""
        key = (interval.ns, pair)
        found = self._contexts.get(key)
        if found is None:
            if pair is None:
                candles = resample(self.candles, interval)
                found = Context(self, candles, None, self._new_values())
            else:
                if pair not in self.candles.pairs:
                    raise UserError(
                        f"of('{pair}', ...): no pair of this run "
                        f"(pairs: {', '.join(self.candles.pairs)})."
                    )
                found = Context(self, self.context(interval).candles, pair, self._new_values())
            found = self._contexts.setdefault(key, found)  # another thread may have been first
        return found

    def drop(self) -> None:
        """Drop all contexts: they and this hold each other, and would wait for the collector."""
        self._contexts.clear()


class Context:
    """What expressions see: candles of one interval, of all pairs or of one."""

    __slots__ = ("__dict__", "candles", "evaluation", "pair", "values")

    def __init__(
        self, evaluation: Evaluation, candles: Candles, pair: str | None, values: Values
    ) -> None:
        self.evaluation = evaluation
        self.candles = candles
        self.pair = pair
        self.values = values

    def value(self, node: Node) -> Value:
        """Return the node's value, computed once."""
        try:
            return self.values[node.id]
        except KeyError:
            pass
        made = node.run(self)
        if isinstance(made, tuple):
            made = tuple(_kept(array) for array in made)
        elif isinstance(made, np.ndarray):
            made = _kept(made)
        self.values[node.id] = made
        return made

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
        return len(self.candles), 1 if self.pair is not None else len(self.candles.pairs)

    def column(self, name: str) -> FloatArray:
        """Return a candle column or a model output, (T, N)."""
        array = self.evaluation.extra.get(name)
        if array is None:
            array = getattr(self.candles, name)
        return array if self.pair is None else array[:, self.columns]

    def recorded(self, kind: str, pair: int) -> BarBooks | BarTrades:
        """Return the books or trades of one of the pairs seen here, joined to the bars."""
        n = self.columns.indices(len(self.candles.pairs))[0] + pair
        found = self._joined.get((kind, n))
        if found is None:
            recorded = self.candles.recorded
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
        return self.candles.time

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
        coarse = self.evaluation.context(interval, self.pair)
        values = coarse.series(node)
        index = last_closed(self.time, self.candles.interval, coarse.time, interval)
        filler = False if values.dtype == np.bool_ else np.nan
        padded = np.empty((values.shape[1], values.shape[0] + 1), values.dtype)
        padded[:, :-1] = values.T
        padded[:, -1] = filler
        return np.take(padded, index, axis=1, mode="wrap").T

    def of(self, pair: str, node: Node) -> npt.NDArray[Any]:
        """Return the value that `node` has for `pair`, for every pair."""
        interval = self.candles.interval
        known = self.evaluation.context(interval)
        other = self.evaluation.context(interval, pair)
        if node.id in known.values:
            column = known.series(node)[:, other.columns]
        else:
            column = other.series(node)
        return np.repeat(column.T, self.shape[1], axis=0).T

    def across(self) -> Context:
        """Return the context of all pairs."""
        return self.evaluation.context(self.candles.interval)


def _kept(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `array` stored pair by pair and read-only, since many may share it."""
    if not array.flags.f_contiguous:
        array = np.asfortranarray(array)
    if array.flags.writeable:
        array.flags.writeable = False
    return array
