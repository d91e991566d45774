"""What was found in one pair's rows, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from framework.types import Interval, format_time


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault found in one pair's rows.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    count : int
        Rows at fault; for ``gap`` the number of gaps.
    times : tuple of int
        The first of their times, five at most, UTC ns; for ``gap`` the last candle before it.
    example : str
        The values of the first.
    done : str
        ``refused``, ``kept``, or what the repair did.
    """

    kind: str
    count: int
    times: tuple[int, ...]
    example: str
    done: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What was found in one pair's rows and what was done about it.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    interval : Interval
        Of the candles.
    rows_in, rows_out : int
        Rows before and after repair.
    first_ns, last_ns : int or None
        First and last open time after repair, UTC ns; None without rows.
    faults : tuple of Fault
        Those found, in the order of `KINDS`.
    gaps, missing : int
        Holes in the repaired rows, and the candles that they lack.
    longest_gap : int
        Candles missing in the longest hole.
    longest_gap_after_ns : int or None
        Open time of the last candle before it, UTC ns.
    zero_volume : int
        Repaired rows without volume.
    longest_unchanged : int
        Repaired rows in a row, beyond the first, that repeat one close.
    """

    pair: str
    interval: Interval
    rows_in: int
    rows_out: int
    first_ns: int | None
    last_ns: int | None
    faults: tuple[Fault, ...] = ()
    gaps: int = 0
    missing: int = 0
    longest_gap: int = 0
    longest_gap_after_ns: int | None = None
    zero_volume: int = 0
    longest_unchanged: int = 0

    def count(self, kind: str) -> int:
        """Return how often the fault `kind` was found."""
        return sum(fault.count for fault in self.faults if fault.kind == kind)

    @property
    def repaired(self) -> int:
        """Rows that a repair dropped, moved or changed."""
        return sum(fault.count for fault in self.faults if fault.done not in ("kept", "refused"))

    def findings(self) -> tuple[str, ...]:
        """Return one line for each kind of fault: what, how often, where first, what was done."""
        market = f"market {self.pair} {self.interval}"
        return tuple(f"{market}: {_found(fault)}; {fault.done}" for fault in self.faults)

    def complaints(self) -> tuple[str, ...]:
        """Return one line for each fault that was refused, with the key that repairs it."""
        return tuple(
            f"market {self.pair} {self.interval}: {_found(fault)}; exchange.faults.{fault.kind}="
            f"{'keep' if fault.kind == 'gap' else 'repair'} {_WORDS[fault.kind][1]}."
            for fault in self.faults
            if fault.done == "refused"
        )


def _found(fault: Fault) -> str:
    """Return what `fault` is, how often, and the first time and values of it."""
    first = format_time(fault.times[0])
    return f"{fault.count:,} {_WORDS[fault.kind][0]}, first {first} ({fault.example})"


_WORDS = {
    "unordered": ("rows older than the row before", "sorts them"),
    "not_finite": ("rows with NaN or infinity", "drops them"),
    "non_positive": ("rows with a price not above 0 or a volume below 0", "drops them"),
    "high_below_low": ("rows with high below low", "drops them"),
    "outside_range": ("rows with open or close outside low..high", "widens their range"),
    "spacing": ("rows off the interval's grid", "drops them"),
    "duplicates": ("rows that repeat a candle", "drops them"),
    "conflicts": ("rows that repeat a time with other values", "keeps the last of each time"),
    "jump": ("absurd jumps of the close", "drops a jump that does not last"),
    "gap": ("gaps", "makes them flat or missing candles"),
}
