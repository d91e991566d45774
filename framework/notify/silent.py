"""Tell nobody."""

from __future__ import annotations

from typing import Literal

from framework.config.component import component


@component
class Silent:
    """Drop every message."""

    name: Literal["none"] = "none"
    """Of this notifier."""

    def send(self, message: str) -> None:
        """Do nothing with `message`."""
