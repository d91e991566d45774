"""Say on the console what happened."""

from __future__ import annotations

from typing import Literal

from framework.config.component import component


@component
class Console:
    """Print messages through the log."""

    name: Literal["console"] = "console"
    """Of this notifier."""

    def send(self, message: str) -> None:
        """Log `message`."""
        from loguru import logger

        logger.info(message)
