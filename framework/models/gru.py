"""Gated recurrent units (Cho et al., 2014) over the window of inputs."""

from __future__ import annotations

from typing import ClassVar, Literal

from framework.config.component import component
from framework.models.network import RecurrentNetwork


@component
class GRU(RecurrentNetwork):
    """A recurrent network of few gates: quick, and hard to beat on short windows."""

    name: str = "gru"
    """Of this choice."""

    kind: ClassVar[Literal["gru", "lstm"]] = "gru"
