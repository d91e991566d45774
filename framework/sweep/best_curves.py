"""Equity of a sweep's best trials: read from runs of their own, or traded once more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.config.blame import blaming
from framework.engine.make_rules import make_rules
from framework.engine.simulate import simulate
from framework.errors import CheckFailed, FrameworkError
from framework.modes.market_rules import ruled
from framework.results.benchmark import hold_equally
from framework.results.load import load_run
from framework.results.sweep.curves import CURVES, Curve, Curves
from framework.results.sweep.judgement import ranked
from framework.sweep.batch_launcher import BatchLauncher
from framework.sweep.candle_shelf import CandleShelf, TradedSignals
from framework.sweep.isolate import part
from framework.sweep.trial import TrialTable
from framework.types import FloatArray

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher

    from framework.sweep.batch import Checked


def best_curves(
    table: TrialTable,
    objective: FloatArray,
    most: int,
    jobs: Sequence[Sequence[str]],
    launcher: Launcher,
) -> Curves:
    """Return the equity of the best trials over the bars that the sweep traded.

    A trial that was traded among others kept no equity: it is traded again, on the same candles,
    and must come to the same orders. Of trials with the same orders the first one stands for all.

    Parameters
    ----------
    table : TrialTable
        P trials.
    objective : (P,) float64
        NaN for a trial that is not judged.
    most : int
        Wanted; `CURVES` at most are returned.
    jobs : sequence of sequence of str
        Words of each trial, by its index.
    launcher : Launcher
        That ran them.
    """
    rows = _different(table, objective, min(most, CURVES))
    found: dict[int, Curve] = {}
    faults: dict[int, FrameworkError] = {}
    again = []
    for row in rows:
        folder = table.directories.get(int(table.index[row]))
        if folder is None:
            again.append(row)
            continue
        try:
            found[row] = _read(row, Path(folder))
        except FrameworkError as fault:
            faults[row] = fault
    if again and isinstance(launcher, BatchLauncher):
        _trade(table, again, jobs, launcher, found, faults)
    return Curves(
        tuple(found[row] for row in rows if row in found),
        tuple(
            f"Trial {int(table.index[row])} is left out: {str(faults[row]).rstrip('.')}."
            for row in rows
            if row in faults
        ),
    )


def _different(table: TrialTable, objective: FloatArray, most: int) -> list[int]:
    """Return the best rows, best first, the first of those with the same orders."""
    first_with: dict[str, int] = {}
    for row in ranked(objective).tolist():
        first_with.setdefault(table.orders_hash[row], row)
        if len(first_with) == most:
            break
    return list(first_with.values())


def _read(row: int, directory: Path) -> Curve:
    """Return the curve that a run of its own has written."""
    run = load_run(directory)
    columns, cash = run.equity, float(run.facts["initial_cash"])
    opened = columns["time"].cast("int64").to_numpy()
    equity, holding = (columns[name].to_numpy() / cash for name in ("equity", "benchmark"))
    return Curve(row, opened + run.interval.ns, equity, holding)


def _trade(
    table: TrialTable,
    rows: Sequence[int],
    jobs: Sequence[Sequence[str]],
    launcher: BatchLauncher,
    found: dict[int, Curve],
    faults: dict[int, FrameworkError],
) -> None:
    """Trade trials again, and put each one's curve into `found` or what is wrong into `faults`."""
    try:
        batches, shelf = launcher.batches([jobs[int(table.index[row])] for row in rows])
    except FrameworkError as fault:
        faults |= dict.fromkeys(rows, fault)
        return
    for checked in batches:
        for place, trial in enumerate(checked.group.trials):
            row = rows[trial.index]
            try:
                with blaming(checked.plugins):
                    found[row] = _curve(row, checked, place, shelf, table.orders_hash[row])
            except FrameworkError as fault:
                faults[row] = fault


def _curve(row: int, checked: Checked, place: int, shelf: CandleShelf, orders_hash: str) -> Curve:
    """Return the curve of one trial of a group.

    Raises
    ------
    CheckFailed
        Its orders are others than they were.
    """
    settings = checked.settings
    loaded = shelf.load(settings, checked.warmup)
    candles = loaded.candles[loaded.first :]
    alone = part(checked, [place])
    (signals,) = TradedSignals(alone.plans, shelf)
    risk, execution, exchange = alone.rules[0]
    exchange = ruled(exchange, settings.database, candles.pairs)
    rules = make_rules(risk, execution, exchange, candles.pairs, settings.strategy.terms)
    traded = simulate(candles, signals, rules, settings.cash)
    if traded.orders_hash != orders_hash:
        raise CheckFailed("traded again, its orders are others")
    return Curve(
        row,
        np.asarray(candles.time + candles.interval.ns),
        traded.equity / settings.cash,
        hold_equally(candles.close, settings.cash) / settings.cash,
    )
