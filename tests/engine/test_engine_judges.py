"""A short plain-Python loop and vectorbt judge the crossover on real candles."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from engine_markets import candles_of, rules_of

from framework.engine.execution import Execution
from framework.engine.risk import Risk
from framework.engine.simulate import simulate
from framework.records import Kind, Signals

DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "ohlcv" / "binance-spot_BTCUSDT_15m_2024b.parquet"
FEE, FAST, SLOW, CASH = 0.001, 20, 50, 10_000.0

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no real candles at {FILE}")


@pytest.fixture(scope="module")
def real():
    import pyarrow.parquet as parquet

    table = parquet.read_table(FILE)
    columns = [table[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    rows = np.stack(columns, axis=1)[:, :, None]
    start = int(table["timestamp"][0].value)
    return candles_of(rows, np.zeros((len(rows), 1), np.uint8), start, "15m")


@pytest.fixture(scope="module")
def crossover(real):
    close = real.close[:, 0]

    def mean(bars):
        padded = np.full(len(close), np.nan)
        padded[bars - 1 :] = np.lib.stride_tricks.sliding_window_view(close, bars).mean(axis=1)
        return padded

    fast, slow = mean(FAST), mean(SLOW)
    above, under = fast > slow, fast < slow
    enter, leave = np.zeros_like(above), np.zeros_like(above)
    enter[1:] = above[1:] & (fast[:-1] <= slow[:-1])
    leave[1:] = under[1:] & (fast[:-1] >= slow[:-1])
    return Signals(enter=enter[:, None], exit=leave[:, None])


def twin(candles, signals):
    """All in at the next open, all out at the next open, fee on both ways."""
    opens, closes = candles.open[:, 0].tolist(), candles.close[:, 0].tolist()
    enter, leave = signals.enter[:, 0].tolist(), signals.exit[:, 0].tolist()
    cash, units, wanted, equity = CASH, 0.0, 0, []
    for t, (price, close) in enumerate(zip(opens, closes, strict=True)):
        if wanted > 0:
            units, cash = cash / (price * (1 + FEE)), 0.0
        elif wanted < 0:
            units, cash = 0.0, units * price * (1 - FEE)
        wanted = 0
        if enter[t] and not leave[t] and units == 0:
            wanted = 1
        elif leave[t] and units > 0:
            wanted = -1
        equity.append(cash + units * close)
    return np.array(equity)


def test_crossover_agrees_with_a_plain_python_twin(real, crossover):
    result = simulate(real, crossover, rules_of(fee_bps=10), CASH)
    assert (result.events["kind"] == Kind.FILLED).sum() > 500
    np.testing.assert_allclose(result.equity, twin(real, crossover), rtol=1e-9)


@pytest.fixture(scope="module")
def vbt():
    pytest.importorskip("vectorbt", reason="vectorbt is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import vectorbt
    return vectorbt


def series(candles, column):
    import pandas as pd

    return pd.Series(column, index=pd.to_datetime(candles.time))


@pytest.mark.filterwarnings("ignore")
def test_crossover_agrees_with_vectorbt_from_signals(real, crossover, vbt):
    result = simulate(real, crossover, rules_of(fee_bps=10), CASH)
    shifted = [np.r_[False, s[:-1, 0]] for s in (crossover.enter, crossover.exit)]
    judge = vbt.Portfolio.from_signals(
        series(real, real.close[:, 0]), *(series(real, s) for s in shifted),
        price=series(real, real.open[:, 0]), init_cash=CASH, fees=FEE, freq="15min",
    )  # fmt: skip
    np.testing.assert_allclose(result.equity, judge.value().to_numpy(), rtol=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("guarded", [False, True])
def test_fills_recomputed_by_vectorbt_give_the_same_equity(real, crossover, vbt, guarded):
    risk = Risk(stop_loss=0.02, take_profit=0.04, trailing_stop=0.03, fraction=0.7)
    rules = rules_of(
        risk if guarded else Risk(), Execution() if guarded else rules_ideal(), fee_bps=10
    )
    result = simulate(real, crossover, rules, CASH)
    fills = result.events[result.events["kind"] == Kind.FILLED]
    bars = np.searchsorted(real.time, fills["time"])
    # vectorbt takes one order for each bar and column: the n-th fill of a bar goes to column n
    turn = np.array([(bars[:k] == bar).sum() for k, bar in enumerate(bars)])
    size = np.zeros((len(real), turn.max() + 1))
    price = np.ones_like(size)
    size[bars, turn] = fills["side"] * fills["units"]
    price[bars, turn] = fills["price"]
    import pandas as pd

    index = pd.to_datetime(real.time)
    close = np.repeat(real.close, size.shape[1], axis=1)
    judge = vbt.Portfolio.from_orders(
        pd.DataFrame(close, index=index), size=pd.DataFrame(size, index=index),
        price=pd.DataFrame(price, index=index), fees=FEE, init_cash=CASH * 100, direction="both",
        freq="15min", size_type="amount", cash_sharing=True, group_by=True,
    )  # fmt: skip
    value = np.asarray(judge.value()).ravel() - CASH * 99
    np.testing.assert_allclose(result.equity, value, rtol=1e-9)


def rules_ideal():
    from engine_markets import IDEAL

    return IDEAL
