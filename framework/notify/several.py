"""Tell by several channels, each from a level of its own on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import InstanceOf

from framework.config.component import component
from framework.errors import UserError
from framework.notify.channel import Channel
from framework.notify.courier import Answer, Courier, Delivery, Say
from framework.notify.levels import Level


@component
class Several(Courier):
    """Tell each of some channels what reaches its level."""

    name: Literal["several"] = "several"
    """Of this notifier."""

    channels: dict[str, InstanceOf[Channel]]
    """By names of one's own."""

    def prepare(self, path: str = "notify") -> None:
        """Check every channel, and report all their faults at once."""
        faults: list[str] = []
        for name, channel in self.channels.items():
            try:
                channel.prepare(f"{path}.channels.{name}")
            except UserError as fault:
                faults.extend(fault.faults)
        if faults:
            raise UserError(*faults)

    def open(self, say: Say, answer: Answer | None = None) -> Deliveries:
        """Begin to deliver, each channel in a thread of its own."""
        return Deliveries([channel.open(say, answer) for channel in self.channels.values()])


class Deliveries:
    """Several deliveries as one.

    Parameters
    ----------
    deliveries : sequence of Delivery
    """

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._deliveries = deliveries

    def send(self, message: str, level: Level = "daily") -> None:
        """Hand `message` to each."""
        for delivery in self._deliveries:
            delivery.send(message, level)

    def finish(self) -> None:
        """Let each come to its end."""
        for delivery in self._deliveries:
            delivery.finish()

    def wait(self) -> None:
        """Wait for each; their patience runs at the same time."""
        for delivery in self._deliveries:
            delivery.wait()
