"""A session once more, as a backtest of its journal: identical, or the first difference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.backtest.pipeline import Pipeline, Traded
from framework.errors import CheckFailed
from framework.market.candles import Candles
from framework.records import Kind
from framework.session.folding import Inputs, fold
from framework.session.history import History
from framework.session.record import bars_of, difference, read_record
from framework.session.seen import unlike
from framework.session.state import FOLDER


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found.

    Parameters
    ----------
    traded : Traded
        What the backtest made of the journal.
    candles : Candles
        (T, N), warm-up and all bars.
    line : str
        That the session did the same, in figures.
    """

    traded: Traded
    candles: Candles
    line: str


def replay(directory: Path, pipeline: Pipeline, warmup: Candles, inputs: Inputs) -> Replayed:
    """Compare what a session did with what a backtest makes of its journal.

    Parameters
    ----------
    directory : Path
        Of the run.
    pipeline : Pipeline
        Of its configuration, with every model that it used.
    warmup : Candles
        (T, N) before its first bar.
    inputs : Inputs
        Of its journal.

    Raises
    ------
    CheckFailed
        Naming bar, pair, and what was otherwise, with both values.
    """
    history = History(warmup)
    traded = fold(pipeline, history, inputs)
    simulation = traded.simulation
    bars, events = read_record(directory / FOLDER)
    again = bars_of(simulation.time, simulation.equity, simulation.events)[: len(bars)]
    line = unlike(directory / FOLDER, traded) or difference(
        warmup.pairs, bars, events, again, simulation.events[: len(events)]
    )
    if line:
        raise CheckFailed(line)
    kinds = simulation.events["kind"]
    left = len(simulation.time) - len(bars)
    return Replayed(
        traded,
        history.candles,
        f"identical: {len(bars):,} bars, {np.count_nonzero(kinds == Kind.DECIDED):,} decisions, "
        f"{np.count_nonzero(kinds == Kind.FILLED):,} fills, orders_hash "
        f"{simulation.orders_hash[:16]}"
        + (f"; {left:,} more bars are in the journal only" if left else ""),
    )
