"""Made candles and inputs, and training data cut out of them."""

from typing import Any

import numpy as np

from framework.learning.labels import Label
from framework.learning.split import training_data
from framework.learning.training_data import TrainingData
from framework.types import Interval

INTERVAL = Interval.parse("15m")


def made_arrays(pairs: int = 2, bars: int = 120, inputs: int = 3, seed: int = 1) -> dict[str, Any]:
    """Return random walks, two of which bars nobody traded in, and random inputs."""
    random = np.random.default_rng(seed)
    traded_NT = np.ones((pairs, bars), np.bool_)
    traded_NT[0, [30, 70]] = False
    return {
        "time": np.arange(bars, dtype=np.int64) * INTERVAL.ns,
        "inputs_NTF": random.standard_normal((pairs, bars, inputs), np.float32),
        "close_NT": 100 * np.exp(np.cumsum(random.standard_normal((pairs, bars)) * 0.01, axis=1)),
        "traded_NT": traded_NT,
    }


def made_training(arrays: dict[str, Any] | None = None, **changed: Any) -> TrainingData:
    """Return training data from the bars 10 to 89 of 120, a quarter of them set apart."""
    arrays = made_arrays() if arrays is None else arrays
    pairs, _, inputs = arrays["inputs_NTF"].shape
    asked = {
        "pairs": [f"PAIR{n}-AUD" for n in range(pairs)],
        "interval": INTERVAL,
        "names": [f"input_{f}" for f in range(inputs)],
        "label": Label(horizon=3),
        "part_first": 10,
        "part_end": 90,
        "window": 5,
        "validation": 0.25,
        **arrays,
        **changed,
    }
    return training_data(**asked)
