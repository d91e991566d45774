"""What trackers share that keep runs by a package of their own."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat

from framework.config.component import component
from framework.records import Begun
from framework.tracking.aside import Aside


@component
class TrackedAside:
    """Track in a process apart, which the run waits for at its end only."""

    copy_mib: NonNegativeFloat = 4.0
    """Largest ``report.html`` or ``metrics.json`` that is copied; of a larger one, and of all
    else, the path is kept."""

    patience_seconds: PositiveFloat = 60.0
    """How long the end of a run waits for the tracker."""

    @property
    def largest(self) -> int:
        """Return the bytes of a file that is copied, at most."""
        return int(self.copy_mib * 1024**2)

    def begin(self, run: Begun) -> Aside:
        """Start what tracks `run`."""
        return Aside(self, run, self.patience_seconds)

    @abstractmethod
    def open(self, run: Begun) -> Any:
        """Make the entry of `run`, in the process that tracks it."""
