"""Track nothing."""

from __future__ import annotations

from typing import Literal

from framework.config.component import component
from framework.records import Begun


@component
class Untracked:
    """No experiment tracker: the database and the run directory hold everything."""

    name: Literal["none"] = "none"
    """Of this tracker."""

    def prepare(self) -> None:
        """Need nothing."""

    def begin(self, run: Begun) -> None:
        """Keep nothing of `run`."""
