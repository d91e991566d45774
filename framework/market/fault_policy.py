"""What to do about each kind of fault in candle rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from framework.config.component import component

Action = Literal["refuse", "repair", "keep"]

KINDS = (
    "unordered",
    "not_finite",
    "non_positive",
    "high_below_low",
    "outside_range",
    "spacing",
    "duplicates",
    "conflicts",
    "jump",
    "gap",
)
"""Every kind of fault, in the order in which they are looked for."""


@component
class FaultPolicy:
    """What to do about each kind of fault: refuse the data, repair and record, or keep and mark.

    What cannot mislead is repaired by default (order, exact copies); what leaves open which value
    is true is refused.
    """

    duplicates: Literal["refuse", "repair"] = "repair"
    """Rows that repeat a candle with the same values; repair drops the copies."""

    conflicts: Literal["refuse", "repair"] = "refuse"
    """Rows that repeat a time with other values; repair keeps the one that comes last."""

    unordered: Literal["refuse", "repair"] = "repair"
    """Rows older than the row before them; repair sorts by time."""

    not_finite: Literal["refuse", "repair"] = "refuse"
    """NaN or infinity in a price or volume; repair drops the row."""

    non_positive: Literal["refuse", "repair"] = "refuse"
    """A price of zero or less, or a volume below zero; repair drops the row."""

    high_below_low: Action = "refuse"
    """High below low; repair drops the row."""

    outside_range: Action = "refuse"
    """Open or close outside low..high; repair widens the range to hold both."""

    spacing: Literal["refuse", "repair"] = "refuse"
    """Open times off the interval's grid; repair drops the row."""

    jump: Action = "keep"
    """Close-to-close log-returns beyond `jump_limit`; repair drops a row that jumps, unless the row
    before it was dropped for that: a price that stays is believed one candle late."""

    gap: Literal["refuse", "keep"] = "keep"
    """Candles missing between two rows; kept ones become flat or missing candles."""

    jump_limit: float = Field(default=1.0, gt=0, le=20)
    """Absolute log-return from which a close is an absurd jump (1.0: a factor of 2.718)."""
