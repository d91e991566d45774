"""How old the model is that a session predicts with."""

from __future__ import annotations

from dataclasses import dataclass

from framework.types import DAY_NS, SECOND_NS, format_time


@dataclass(frozen=True, slots=True)
class ModelAge:
    """Of the running model, after a bar.

    Parameters
    ----------
    model : str
        Its directory among the session's models.
    until_ns : int
        End of what it learned from, UTC.
    age_ns : int
        From there to the close of the newest bar.
    bars : int
        Bars of the strategy in that time.
    drift : float or None
        Population stability index of its inputs when it was looked at last; None: never yet.
    """

    model: str
    until_ns: int
    age_ns: int
    bars: int
    drift: float | None = None

    def __str__(self) -> str:
        days, rest = divmod(self.age_ns, DAY_NS)
        moved = "" if self.drift is None else f", inputs moved by {self.drift:.3f}"
        return (
            f"{self.model} learned up to {format_time(self.until_ns)}, {self.bars:,} bars ago "
            f"({days} d {rest / SECOND_NS / 3_600:.1f} h){moved}"
        )
