"""How far back the values of an expression reach, so that the newest need not wait for all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """What of its inputs a value rests on, bit for bit.

    Parameters
    ----------
    bars : int
        So many before its own.
    every : int
        Its sums begin anew at each bar whose index is a multiple of so many.

    Examples
    --------
    >>> Memory(3).begin(10), Memory(5, every=5).begin(12)
    (7, 5)
    """

    bars: int
    every: int = 1

    def kept_from(self, first: int) -> int:
        """Return from which bar on values are kept, where those from `first` on are wanted."""
        return first // self.every * self.every

    def begin(self, first: int) -> int:
        """Return from which bar on inputs must be given for the values from `first` on."""
        return max(self.kept_from(first) - self.bars, 0)


OWN_BAR = Memory(0)
"""Rests on the inputs of its own bar alone."""

_FRESH_BARS = 4096


def fresh_every(bars: int) -> int:
    """Return after how many bars sums over windows of `bars` are taken anew, from the first on."""
    return max(_FRESH_BARS, 4 * bars)


def of_sums(bars: int) -> Memory:
    """Return the memory of a function that carries sums over windows of `bars`."""
    return Memory(fresh_every(bars), fresh_every(bars))
