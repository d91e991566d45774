"""What one finished run hands to metrics, report, files and database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from framework.records import Kind, Part
from framework.results.benchmark import hold_equally
from framework.results.model_judgement import ModelJudgement
from framework.results.shorts import Shorts, shorts_of
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
        At each bar's close, quote currency; `invested` is the value of all positions, shorts below
        0, less what is owed for borrowing.
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
    borrow_rate : float
        What a short comes to owe at each close of the candles that orders filled on, as a fraction
        of its value there.
    fill_time, fill_close : (F,) int64 and (F, N) float64, optional
        Of those candles, where they are finer; their ends fall together with the bars'.
    parts : tuple of Part
        Those of the bars that are judged apart.
    notices : tuple of str
        What a reader must know of the data, one sentence each.
    model : ModelJudgement, optional
        How well the model predicted; None where the rules use none.
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
    borrow_rate: float = 0.0
    fill_time: IntArray | None = None
    fill_close: FloatArray | None = None
    parts: tuple[Part, ...] = ()
    notices: tuple[str, ...] = ()
    model: ModelJudgement | None = None

    @cached_property
    def trades(self) -> RecordArray:
        """Round trips from flat to flat, (K,) TRADE."""
        from framework.results.trades import trades_from_events

        return trades_from_events(
            self.events, self.close, self.time, self.interval.ns, self.shorts.owed_N
        )

    @cached_property
    def fills(self) -> RecordArray:
        """What of the ledger was filled, (F,) EVENT."""
        fills: RecordArray = self.events[self.events["kind"] == Kind.FILLED]
        return fills

    @cached_property
    def shorts(self) -> Shorts:
        """What the short positions were worth and cost, recomputed from the fills."""
        if self.fill_time is None or self.fill_close is None:
            return shorts_of(self.fills, self.close, self.time, self.borrow_rate)
        shorts = shorts_of(self.fills, self.fill_close, self.fill_time, self.borrow_rate)
        return shorts.over(np.searchsorted(self.fill_time, self.time))

    @cached_property
    def gross(self) -> FloatArray:
        """Value of all positions at each bar's close, longs and shorts added up, (T,)."""
        shorts = self.shorts
        gross: FloatArray = self.invested + shorts.owed + 2.0 * shorts.value
        return gross

    @cached_property
    def traded(self) -> IntArray:
        """Indices of the pairs ever filled, in order; the first when there was no fill, (P,)."""
        filled: IntArray = np.unique(self.fills["pair"])
        return filled.astype(np.int64) if len(filled) else np.zeros(1, np.int64)

    @cached_property
    def benchmark(self) -> FloatArray:
        """Equity of holding all pairs equally from the first close, free of costs, (T,)."""
        return hold_equally(self.close, self.initial_cash)
