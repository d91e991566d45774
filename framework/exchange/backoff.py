"""How long to wait before the next try."""

from __future__ import annotations

import numpy as np


class Backoff:
    """Waits that double from try to try, up to a bound, each drawn between its half and its whole.

    Parameters
    ----------
    rng : numpy.random.Generator
    first_s, most_s : float
        The first wait and the longest, seconds.
    """

    def __init__(
        self, rng: np.random.Generator, first_s: float = 0.5, most_s: float = 30.0
    ) -> None:
        self._rng = rng
        self._first_s = first_s
        self._most_s = most_s
        self._tries = 0

    def next_s(self) -> float:
        """Return the next wait, seconds."""
        whole_s = min(self._most_s, self._first_s * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return whole_s * (0.5 + 0.5 * float(self._rng.random()))

    def reset(self) -> None:
        """Begin with the first wait again: a try succeeded."""
        self._tries = 0
