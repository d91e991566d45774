"""From when to when nothing can have been missed, and where something may have been."""

from __future__ import annotations

from dataclasses import dataclass, replace

OPEN_END = 2**62


@dataclass(frozen=True, slots=True)
class Hole:
    """A range of exchange time whose trades were not all heard.

    Parameters
    ----------
    start_ns, end_ns : int
        The end exclusive; `OPEN_END` while nothing is heard.
    hopeless : bool
        The exchange does not have its trades any more.
    """

    start_ns: int
    end_ns: int
    hopeless: bool = False


class Coverage:
    """Holes in what was heard of one pair, sorted and apart; everything before `start_ns` is none.

    Parameters
    ----------
    start_ns : int
        Where it matters from, exchange time; nothing is heard yet.
    """

    def __init__(self, start_ns: int) -> None:
        self._holes = [Hole(start_ns, OPEN_END)]

    @property
    def holes(self) -> tuple[Hole, ...]:
        """All of them, the oldest first."""
        return tuple(self._holes)

    @property
    def hearing(self) -> bool:
        """Whether trades are heard now."""
        return not self._holes or self._holes[-1].end_ns != OPEN_END

    def begin(self, at_ns: int) -> None:
        """From `at_ns` on everything is heard."""
        if not self.hearing:
            last = self._holes.pop()
            if last.start_ns < at_ns:
                self._holes.append(replace(last, end_ns=at_ns))

    def lose(self, from_ns: int) -> None:
        """Nothing is heard any more, maybe since `from_ns`."""
        if self.hearing:
            self.fill(from_ns, OPEN_END)
            self._holes.append(Hole(from_ns, OPEN_END))

    def doubt(self, start_ns: int, end_ns: int) -> None:
        """Something in [start, end) was heard that cannot be."""
        for hole in self._holes:
            if hole.start_ns <= start_ns and end_ns <= hole.end_ns:
                return
        self.fill(start_ns, end_ns)
        self._holes = sorted([*self._holes, Hole(start_ns, end_ns)], key=lambda h: h.start_ns)

    def fill(self, start_ns: int, end_ns: int) -> None:
        """All trades in [start, end) are known."""
        self._holes = [part for hole in self._holes for part in _without(hole, start_ns, end_ns)]

    def give_up(self, start_ns: int, end_ns: int) -> None:
        """The trades in [start, end) cannot be had, as far as they lie in holes."""
        parts: list[Hole] = []
        for hole in self._holes:
            parts += _without(hole, start_ns, end_ns)
            first_ns, last_ns = max(hole.start_ns, start_ns), min(hole.end_ns, end_ns)
            if first_ns < last_ns:
                parts.append(Hole(first_ns, last_ns, True))
        self._holes = sorted(parts, key=lambda hole: hole.start_ns)

    def whole(self, start_ns: int, end_ns: int) -> bool:
        """Tell whether no hole reaches into [start, end)."""
        return not any(self._in(start_ns, end_ns))

    def hopeless(self, start_ns: int, end_ns: int) -> bool:
        """Tell whether a hole that cannot be filled reaches into [start, end)."""
        return any(hole.hopeless for hole in self._in(start_ns, end_ns))

    def inside(self, time_ns: int) -> bool:
        """Tell whether `time_ns` lies in a hole."""
        return any(hole.start_ns <= time_ns < hole.end_ns for hole in self._holes)

    def forget(self, before_ns: int) -> None:
        """Drop what lies before `before_ns`."""
        self.fill(-OPEN_END, before_ns)

    def _in(self, start_ns: int, end_ns: int) -> list[Hole]:
        return [h for h in self._holes if h.start_ns < end_ns and h.end_ns > start_ns]


def _without(hole: Hole, start_ns: int, end_ns: int) -> list[Hole]:
    """Return what is left of `hole` outside [start, end)."""
    if hole.end_ns <= start_ns or hole.start_ns >= end_ns:
        return [hole]
    parts = []
    if hole.start_ns < start_ns:
        parts.append(replace(hole, end_ns=start_ns))
    if hole.end_ns > end_ns:
        parts.append(replace(hole, start_ns=end_ns))
    return parts
