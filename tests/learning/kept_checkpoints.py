"""Checkpoints made for tests, each different in every array, and how to tell them apart."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np

from framework.learning.checkpoints import Checkpoint, Checkpoints


class Kept:
    """A directory of checkpoints and what was said of them."""

    def __init__(self, path: Path, keep: int = 3) -> None:
        self.path = path
        self.said: list[str] = []
        self.checkpoints = Checkpoints(path, keep, self.said.append)

    def save(self, step: int, best: bool = False) -> Path:
        """Keep arrays that depend on the step in every element."""
        return self.checkpoints.save(step, arrays_of(step), {"epochs": [step, 0.1 * step]}, best)

    def newest(self) -> Checkpoint:
        found = self.checkpoints.newest()
        assert found is not None
        return found

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


def arrays_of(step: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(step)
    return {
        "dense/kernel": rng.standard_normal((7, 5)).astype(np.float32),
        "dense/bias": rng.standard_normal(5).astype(ml_dtypes.bfloat16),
        "step": np.array(step),
        "seed": np.array([step, 2**32 - 1], np.uint32),
    }


def assert_is(found: Checkpoint, step: int) -> None:
    assert found.step == step
    assert found.state == {"epochs": [step, 0.1 * step]}
    assert_same(found.arrays, arrays_of(step))


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
