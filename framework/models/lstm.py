"""Long short-term memory (Hochreiter and Schmidhuber, 1997) over the window of inputs."""

from __future__ import annotations

from typing import ClassVar, Literal

from framework.config.component import component
from framework.models.network import RecurrentNetwork


@component
class LSTM(RecurrentNetwork):
    """A recurrent network that keeps what it remembers apart from what it shows."""

    name: str = "lstm"
    """Of this choice."""

    kind: ClassVar[Literal["gru", "lstm"]] = "lstm"
