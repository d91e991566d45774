"""A ledger as a `vectorbt.Portfolio`: one order per fill, at the fill's own price and fee."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import OutsideFault, UserError
from framework.records import EVENT
from framework.types import FloatArray, IntArray, Interval, RecordArray

if TYPE_CHECKING:
    from framework.results.load import Run
    from framework.results.outcome import Outcome


def portfolio_of(run: Run) -> Any:
    """Return a finished run, read from its directory, as a `vectorbt.Portfolio`.

    Raises
    ------
    UserError
        When vectorbt is not installed.
    OutsideFault
        When the closes that the run kept cannot be read.
    """
    time, pairs, close = _closes(run)
    fills = _fills(run, pairs)
    return portfolio_from(fills, time, pairs, close, run.facts["initial_cash"], run.interval)


def portfolio_of_outcome(outcome: Outcome, reserve: float = 0.0) -> Any:
    """Return a run that was just traded as a `vectorbt.Portfolio`.

    Parameters
    ----------
    outcome : Outcome
        What was traded.
    reserve : float
        Quote currency handed to vectorbt beyond the run's own cash. vectorbt takes what is left of
        cash for none when it is under 1e-9 of what was spent; with a reserve it is never so little.

    Raises
    ------
    UserError
        When vectorbt is not installed.
    """
    traded = outcome.traded
    fills = outcome.fills.copy()
    fills["pair"] = np.searchsorted(traded, fills["pair"])
    pairs = [outcome.pairs[n] for n in traded]
    close = outcome.close[:, traded]
    cash = outcome.initial_cash + reserve
    return portfolio_from(fills, outcome.time, pairs, close, cash, outcome.interval)


def portfolio_from(
    fills: RecordArray,
    time: IntArray,
    pairs: list[str],
    close: FloatArray,
    cash: float,
    interval: Interval,
) -> Any:
    """Return fills as a `vectorbt.Portfolio` with one shared cash account.

    A column per pair traded, a row per bar. vectorbt takes one order per pair and row, so a bar in
    which a pair is filled twice (entered and stopped out, say) has a second row one nanosecond
    later, at the same closes; within a row the orders keep the ledger's sequence. The final value
    equals the run's final equity to rounding, but for what borrowing cost: vectorbt does not know
    of that.

    Parameters
    ----------
    fills : (F,) EVENT
        In the ledger's order; `pair` is an index into `pairs`.
    time : (T,) int64
        Open times of the bars, UTC ns.
    pairs : list of str
        P pairs.
    close : (T, P) float64
        Quote currency, NaN before a pair's first candle.
    cash : float
        At the start, quote currency.
    interval : Interval
        Of the bars.

    Raises
    ------
    UserError
        When vectorbt is not installed.
    """
    vectorbt = import_vectorbt()
    import pandas

    column = fills["pair"].astype(np.int64)
    bar = np.searchsorted(time, fills["time"], side="right") - 1
    row, bar_of_row, offset, sequence = _rows(bar, column, len(time), len(pairs))

    shape = (len(bar_of_row), len(pairs))
    size, price, fee = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    size[row, column] = fills["side"] * fills["units"]
    price[row, column] = fills["price"]
    fee[row, column] = fills["fee"]
    index = pandas.to_datetime(time[bar_of_row] + offset, utc=True)
    # before its first candle a pair has no price and no position; vectorbt would spread the NaN
    closes = pandas.DataFrame(close[bar_of_row], index=index, columns=pairs).bfill()
    return vectorbt.Portfolio.from_orders(
        closes,
        size=size,
        price=np.where(np.isnan(price), closes.to_numpy(), price),
        fixed_fees=fee,
        fees=0.0,
        slippage=0.0,
        direction="both",
        init_cash=cash,
        cash_sharing=True,
        group_by=True,
        call_seq=sequence,
        freq=pandas.Timedelta(interval.ns, unit="ns"),
    )


def import_vectorbt() -> Any:
    """Return the package vectorbt, which warns at its import about others that are not used here.

    Raises
    ------
    UserError
        When it, or pandas, is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import vectorbt
    except ImportError as fault:
        raise UserError(
            f"vectorbt: cannot be imported ({fault}); pip install -e '.[vectorbt]'."
        ) from None
    return vectorbt


def _fills(run: Run, pairs: list[str]) -> RecordArray:
    """Return what `fills.csv` says was filled, `pair` as an index into `pairs`."""
    frame = run.fills.to_pandas()
    frame = frame[frame["event"] == "filled"]
    fills: RecordArray = np.zeros(len(frame), EVENT)
    fills["time"] = frame["time"].astype("int64")
    fills["pair"] = [pairs.index(pair) for pair in frame["pair"]]
    fills["side"] = np.where(frame["side"] == "buy", 1, -1)
    for name in ("units", "price", "fee"):
        fills[name] = frame[name]
    return fills


def _closes(run: Run) -> tuple[IntArray, list[str], FloatArray]:
    """Return times (T,), the P pairs traded (or the first) and closes (T, P)."""
    path = run.path / "candles.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["time"], file["pairs"].tolist(), file["close"]
    except (OSError, ValueError, KeyError) as fault:
        raise OutsideFault(f"run {run.path}: candles.npz cannot be read ({fault}).") from fault


def _rows(bar: Any, column: Any, bars: int, pairs: int) -> tuple[Any, Any, Any, Any]:
    """Give every fill a row: that of its bar, or a further one when its pair already has an order.

    Returns
    -------
    row : (F,) int64
        Of each fill.
    bar_of_row, offset : (R,) int64
        Bar and nanoseconds after its open of each row.
    sequence : (R, P) int64
        Columns of each row in the order in which to fill them.
    """
    layer = np.zeros(len(bar), np.int64)
    used: set[int] = set()
    for i in range(len(bar)):
        if i and bar[i] == bar[i - 1]:
            layer[i] = layer[i - 1]
            if int(column[i]) in used:
                layer[i] += 1
                used = set()
        else:
            used = set()
        used.add(int(column[i]))
    layers = np.ones(bars, np.int64)
    np.maximum.at(layers, bar, layer + 1)
    first = np.cumsum(layers) - layers
    row = first[bar] + layer
    bar_of_row = np.repeat(np.arange(bars), layers)
    offset = np.arange(len(bar_of_row)) - first[bar_of_row]
    sequence = np.tile(np.arange(pairs), (len(bar_of_row), 1))
    starts = np.flatnonzero(np.diff(row, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(row)], strict=False):
        if end - start > 1:
            called = column[start:end].tolist()
            sequence[row[start]] = called + [n for n in range(pairs) if n not in called]
    return row, bar_of_row, offset, sequence
