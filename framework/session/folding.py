"""A journal's inputs, and what a backtest makes of them: the whole session in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from framework.backtest.pipeline import Pipeline, Traded
from framework.market.live import BookState
from framework.session.bars import Bar
from framework.session.history import History
from framework.session.journal import Entry
from framework.session.trader import books_of, wants_books
from framework.types import Interval

BAR, PAUSE, GO_ON, SWAP, END = "bar", "pause", "go_on", "swap", "end"
"""Kinds of a journal's entries."""


@dataclass(slots=True)
class Inputs:
    """What a session acted on, in order.

    Parameters
    ----------
    bars : list of Bar
        As they came.
    quiet : list of bool
        For each of them, whether nothing was to be opened at its close.
    swaps : list of mapping
        The models that took over, as their entries say it.
    """

    bars: list[Bar] = field(default_factory=list)
    quiet: list[bool] = field(default_factory=list)
    swaps: list[Mapping[str, Any]] = field(default_factory=list)


def inputs_of(entries: Iterable[Entry], pairs: Sequence[str], interval: Interval) -> Inputs:
    """Return what a journal's entries say."""
    inputs = Inputs()
    paused = False
    for entry in entries:
        if entry.kind == BAR:
            inputs.bars.append(Bar.of(entry.values, pairs, interval))
            inputs.quiet.append(paused)
        elif entry.kind in (PAUSE, GO_ON):
            paused = entry.kind == PAUSE
        elif entry.kind == SWAP:
            inputs.swaps.append(entry.values)
    return inputs


def fold(pipeline: Pipeline, history: History, inputs: Inputs) -> Traded:
    """Return what a backtest makes of a session's inputs.

    Parameters
    ----------
    pipeline : Pipeline
        Its models are those of the whole session.
    history : History
        The warm-up; the session's bars are added to it.
    inputs : Inputs
        Of the session.
    """
    quiet = np.zeros(len(history) + len(inputs.bars), np.bool_)
    quiet[len(history) :] = inputs.quiet
    first = len(history)
    for bar in inputs.bars:
        history.add(bar.candles, bar.records)
    states: list[Mapping[str, BookState]] = [bar.books for bar in inputs.bars]
    books = books_of(history.pairs, states) if wants_books(pipeline) else None
    return pipeline.trade(history.candles, first, books, quiet)
