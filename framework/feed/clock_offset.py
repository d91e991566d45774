"""How far an exchange's clock is from this computer's, as a few answers tell it."""

from __future__ import annotations

from collections import deque

_COARSE_NS = 1_200_000_000  # some exchanges tell their time in whole seconds
_SAMPLES = 8


class ClockOffset:
    """The exchange's time less the local one, from the quickest of several answers.

    An answer that contradicts those before it (a clock was set) takes their place.

    Examples
    --------
    >>> offset = ClockOffset()
    >>> offset.add(sent_ns=1_000, exchange_ns=5_500, received_ns=2_000)
    >>> offset.ns
    4000
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)  # delay, offset

    @property
    def known(self) -> bool:
        """Whether it was measured."""
        return bool(self._samples)

    @property
    def ns(self) -> int:
        """To be added to the local time; wrong by half the quickest answer's delay at most.

        An exchange that tells whole seconds adds up to one to that.
        """
        return min(self._samples)[1]

    def add(self, sent_ns: int, exchange_ns: int, received_ns: int) -> None:
        """Note one answer: local times of asking and answer, and what it said, UTC ns."""
        delay_ns = received_ns - sent_ns
        if delay_ns < 0:
            return  # the local clock was set back in between
        offset_ns = exchange_ns - (sent_ns + received_ns) // 2
        if self._samples:
            best_ns, best_offset_ns = min(self._samples)
            bound_ns = (delay_ns + best_ns) // 2 + _COARSE_NS
            if abs(offset_ns - best_offset_ns) > bound_ns:
                self._samples.clear()
        self._samples.append((delay_ns, offset_ns))

    def forget(self) -> None:
        """Drop all answers: the local clock was set."""
        self._samples.clear()
