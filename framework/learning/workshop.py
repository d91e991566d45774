"""What a trainer is given besides data: where it keeps its state, when it stops, whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from framework.learning.training import Training


def _silent(line: str) -> None:
    """Say nothing."""


def _unseen(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Show nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where and how one model is fitted.

    Parameters
    ----------
    training : Training
        How it is fitted.
    seed : int
        Of everything random.
    directory : Path, optional
        Where checkpoints and the log of epochs are kept; None: nothing is kept.
    say : callable
        Told one line of text.
    show : callable
        Told steps done, steps in all, and figures of the moment, as often as wanted.
    time_is_up : callable
        Asked between steps; once it holds, the trainer keeps a checkpoint and raises Paused.
    """

    training: Training = field(default_factory=lambda: Training())
    seed: int = 0
    directory: Path | None = None
    say: Callable[[str], None] = _silent
    show: Callable[[int, int, Mapping[str, float]], None] = _unseen
    time_is_up: Callable[[], bool] = _never


class Paused(Exception):
    """Training stopped before its end, its state kept; started again, it goes on."""
