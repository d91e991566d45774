"""Made-up markets in which models have something to find: what moves prices, regimes, oddities."""

from dataclasses import dataclass

import numpy as np

from framework.learning.split import training_data
from framework.types import Interval

INPUTS = ("move", "push", "noise")
PAIRS = ("ONE-USD", "TWO-USD")


@dataclass(frozen=True, eq=False)
class Planted:
    """Inputs and closes of two pairs, and what was hidden in them."""

    inputs_NTF: np.ndarray
    close_NT: np.ndarray
    wild_NT: np.ndarray
    odd_NT: np.ndarray

    def data(self, label, *, end, window, validation=0.15, first=0, inputs=INPUTS):
        bars = self.close_NT.shape[1]
        return training_data(
            pairs=PAIRS,
            interval=Interval.parse("1h"),
            names=inputs,
            time=np.arange(bars) * 3_600_000_000_000,
            inputs_NTF=self.inputs_NTF,
            close_NT=self.close_NT,
            traded_NT=np.ones(self.close_NT.shape, bool),
            label=label,
            part_first=first,
            part_end=end,
            window=window,
            validation=validation,
        )


def planted(bars=2_000, seed=7, strength=2.0, warm_up=3):
    """`push` moves the next close; `move` is calm or wild for days; a few bars are odd."""
    draw = np.random.default_rng(seed)
    shape = (len(PAIRS), bars)
    wild = (draw.random(shape) < 0.02).cumsum(axis=1) % 2 == 1
    push, noise, chance = draw.standard_normal((3, *shape))
    odd = draw.random(shape) < 0.02
    noise[odd] += 9.0
    move = draw.standard_normal(shape) * np.where(wild, 4.0, 1.0)
    returns = np.zeros(shape)
    returns[:, 1:] = 0.002 * (strength * push + chance)[:, :-1]
    inputs = np.stack([move, push, noise], axis=2).astype(np.float32)
    inputs[:, :warm_up] = np.nan
    return Planted(inputs, 100 * np.exp(returns.cumsum(axis=1)), wild, odd)
