"""Candles, folds and evidence made for tests of judging."""

from __future__ import annotations

import numpy as np
from standin_model import Standin

from framework.learning.labels import Label
from framework.learning.schedule import Schedule, Stage
from framework.learning.split import training_data
from framework.learning.workshop import Workshop
from framework.market.candles import Candles
from framework.types import Interval

INTERVAL = Interval.parse("15m")
INPUTS = ("signal", "noise")


def candles_of(close):
    """Return traded candles with these closes (T, N)."""
    bars, pairs = close.shape
    return Candles(
        pairs=tuple(f"P{n}-AUD" for n in range(pairs)),
        interval=INTERVAL,
        time=np.arange(bars, dtype=np.int64) * INTERVAL.ns,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones_like(close),
        standing=np.zeros(close.shape, np.uint8),
    )


def market(bars=3_000, pairs=2, seed=5, strength=0.0):
    """Return candles and inputs; the next log-return is `strength` of the first input, and noise.

    The second input has nothing to do with it.
    """
    rng = np.random.default_rng(seed)
    inputs_NTF = rng.normal(size=(pairs, bars, 2)).astype(np.float32)
    steps = 0.01 * (strength * inputs_NTF[:, :, 0].T + rng.normal(size=(bars, pairs)))
    close = 100 * np.exp(np.vstack([np.zeros((1, pairs)), np.cumsum(steps[:-1], axis=0)]))
    return candles_of(np.asfortranarray(close)), inputs_NTF


def data_of(model, candles, inputs_NTF, first, end):
    return training_data(
        pairs=candles.pairs,
        interval=candles.interval,
        names=INPUTS,
        time=candles.time,
        inputs_NTF=inputs_NTF,
        close_NT=candles.close.T,
        traded_NT=candles.traded.T,
        label=model.label,
        part_first=first,
        part_end=end,
        window=model.window,
        validation=model.validation,
    )


def standin(kind="direction", horizon=1, **changes):
    return Standin(label=Label(kind=kind, horizon=horizon), **changes)


def schedule_of(model, candles, inputs_NTF, ends):
    """Return one model for each end of a train part, all from the first bar."""
    stages = []
    for fold, end in enumerate(ends, start=1):
        trained = model.trainer(Workshop()).train(data_of(model, candles, inputs_NTF, 0, end))
        stages.append(Stage(fold, 0, end * INTERVAL.ns, trained))
    return Schedule(model.outputs, tuple(stages))
