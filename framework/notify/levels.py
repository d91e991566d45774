"""How much a message matters, and the least that a channel is told."""

from __future__ import annotations

from typing import Literal, get_args

Level = Literal["debug", "trade", "warning", "error", "daily"]
"""``debug``: everything; ``trade``: a fill; ``warning``: what a person may want to look at;
``error``: what a person must look at; ``daily``: summaries, and how a run begins and ends."""

_ORDER = get_args(Level)


def reaches(level: Level, least: Level) -> bool:
    """Tell whether a message of `level` is told where `least` is asked for.

    Examples
    --------
    >>> reaches("error", "trade"), reaches("trade", "error")
    (True, False)
    """
    return _ORDER.index(level) >= _ORDER.index(least)
