"""A finished run as a `vectorbt.Portfolio`: one order per fill, at the fill's own price and fee."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import OutsideFault

if TYPE_CHECKING:
    from framework.results.load import Run


def portfolio_of(run: Run) -> Any:
    """Return `run` as a `vectorbt.Portfolio` with one shared cash account.

    A column per pair traded, a row per bar. vectorbt takes one order per pair and row, so a bar in
    which a pair is filled twice (entered and stopped out, say) has a second row one nanosecond
    later, at the same closes; within a row the orders keep the ledger's sequence. The final value
    equals the run's final equity to rounding.

    Parameters
    ----------
    run : Run
        Finished.

    Raises
    ------
    OutsideFault
        When the closes that the run kept cannot be read.
    """
    import pandas
    import vectorbt

    time, pairs, close = _closes(run)
    fills = run.fills.to_pandas()
    fills = fills[fills["event"] == "filled"]
    column = np.array([pairs.index(pair) for pair in fills["pair"]], np.int64)
    at = fills["time"].astype("int64").to_numpy()
    bar = np.searchsorted(time, at, side="right") - 1
    row, bar_of_row, offset, sequence = _rows(bar, column, len(time), len(pairs))

    shape = (len(bar_of_row), len(pairs))
    size, price, fee = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    sign = np.where(fills["side"] == "buy", 1.0, -1.0)
    size[row, column] = sign * fills["units"].to_numpy()
    price[row, column] = fills["price"].to_numpy()
    fee[row, column] = fills["fee"].to_numpy()
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
        init_cash=run.facts["initial_cash"],
        cash_sharing=True,
        group_by=True,
        call_seq=sequence,
        freq=pandas.Timedelta(run.interval.ns, unit="ns"),
    )


def _closes(run: Run) -> tuple[Any, list[str], Any]:
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
