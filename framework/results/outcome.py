"""What one finished run hands to metrics, report, files and database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from framework.records import Kind
from framework.results.benchmark import hold_equally
from framework.types import FloatArray, IntArray, Interval, RecordArray


@dataclass(frozen=True, slots=True)
class Check:
    """One test that the run put itself to, such as causality."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The trading of one run and what it rests on.

    Parameters
    ----------
    mode, strategy : str
        Names, as in the run directory.
    pairs : tuple of str
        N pairs, ``BASE-QUOTE``.
    quote : str
        Currency of every amount.
    interval : Interval
        Of the strategy.
    time : (T,) int64
        Open times of the traded bars, UTC ns.
    open, high, low, close, volume : (T, N) float64
        The candles traded on.
    initial_cash : float
        Quote currency.
    equity, cash, invested : (T,) float64
        At each bar's close, quote currency; `invested` is the gross value of all positions.
    events : (E,) EVENT
        The ledger, see `framework.records`.
    orders_hash : str
        SHA-256 over decisions and fills.
    certificate : mapping
        The data certificate as plain values; ``sha256`` among them.
    assumptions : tuple of str
        One line each, printed on the report.
    checks : tuple of Check
        In the order they ran.
    config : str
        The composed configuration as YAML, without secrets.
    overrides : tuple of str
        What the command line changed.
    version : str
        Of the framework.
    seed : int
        Of the run.
    """

    mode: str
    strategy: str
    pairs: tuple[str, ...]
    quote: str
    interval: Interval
    time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    initial_cash: float
    equity: FloatArray
    cash: FloatArray
    invested: FloatArray
    events: RecordArray
    orders_hash: str
    certificate: Mapping[str, object]
    assumptions: tuple[str, ...]
    checks: tuple[Check, ...]
    config: str
    overrides: tuple[str, ...]
    version: str
    seed: int

    @cached_property
    def trades(self) -> RecordArray:
        """Round trips from flat to flat, (K,) TRADE."""
        from framework.results.trades import trades_from_events

        return trades_from_events(self.events, self.close, self.time, self.interval.ns)

    @cached_property
    def traded(self) -> IntArray:
        """Indices of the pairs ever filled, in order; the first when there was no fill, (P,)."""
        filled: IntArray = np.unique(self.events["pair"][self.events["kind"] == Kind.FILLED])
        return filled.astype(np.int64) if len(filled) else np.zeros(1, np.int64)

    @cached_property
    def benchmark(self) -> FloatArray:
        """Equity of holding all pairs equally from the first close, free of costs, (T,)."""
        return hold_equally(self.close, self.initial_cash)
