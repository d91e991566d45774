"""What a trainer is given besides data: where it keeps its state, when it stops, whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from framework.learning.training import Training

if TYPE_CHECKING:
    from framework.learning.model import TrainedModel


def _silent(line: str) -> None:
    """Say nothing."""


def _unseen(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Show nothing."""


def _unlisted(path: Path, step: int, figures: Mapping[str, float | int | None]) -> None:
    """List nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Earlier:
    """A model that training goes on from.

    Parameters
    ----------
    trained : TrainedModel
        Itself.
    sha256 : str
        Over its files.
    """

    trained: TrainedModel
    sha256: str


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
    begins_with : Earlier, optional
        Of the same settings, pairs and inputs; None: training begins from nothing.
    say : callable
        Told one line of text.
    show : callable
        Told steps done, steps in all, and figures of the moment, as often as wanted.
    kept : callable
        Told of each checkpoint, once it is on the disk: its directory, steps done, and the figures
        of the last epoch.
    time_is_up : callable
        Asked between steps; once it holds, the trainer keeps a checkpoint and raises Paused.
    """

    training: Training = field(default_factory=lambda: Training())
    seed: int = 0
    directory: Path | None = None
    begins_with: Earlier | None = None
    say: Callable[[str], None] = _silent
    show: Callable[[int, int, Mapping[str, float]], None] = _unseen
    kept: Callable[[Path, int, Mapping[str, float | int | None]], None] = _unlisted
    time_is_up: Callable[[], bool] = _never


class Paused(Exception):
    """Training stopped before its end, its state kept; started again, it goes on."""
