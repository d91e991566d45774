"""Let nobody watch."""

from __future__ import annotations

from typing import Literal

from framework.config.component import component
from framework.records import Watched


@component
class Unmonitored:
    """No endpoint: log, database and run directory tell what a session does."""

    name: Literal["none"] = "none"
    """Of this choice."""

    def prepare(self) -> None:
        """Need nothing."""

    def open(self, session: Watched) -> None:
        """Show nothing of `session`."""
