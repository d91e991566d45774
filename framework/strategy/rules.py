"""The rules that become signals: where each stands in the configuration, and what it must give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framework.strategy.node import CONDITIONS, NUMBERS, Kind, Node
from framework.strategy.spec import StrategySpec


@dataclass(frozen=True, slots=True)
class Rule:
    """One expression of a strategy or of the risk rules.

    Parameters
    ----------
    path : str
        In the configuration.
    kinds : tuple of Kind
        What it may give.
    above, below : float
        Bounds, themselves excluded, that a constant must keep: beyond them no bar would trade.
    """

    path: str
    kinds: tuple[Kind, ...] = NUMBERS
    above: float = float("-inf")
    below: float = float("inf")

    def fault(self, node: Node) -> str | None:
        """Return what is wrong with a constant, if anything is."""
        if node.kind is not Kind.CONSTANT or node.constant is None:
            return None
        value = float(node.constant)
        if value <= self.above:
            return f"must be greater than {self.above:g} (was {value:g})."
        if value >= self.below:
            return f"must be less than {self.below:g} (was {value:g})."
        return None


RULES = {
    "enter": Rule("strategy.enter", CONDITIONS),
    "exit": Rule("strategy.exit", CONDITIONS),
    "enter_short": Rule("strategy.enter_short", CONDITIONS),
    "exit_short": Rule("strategy.exit_short", CONDITIONS),
    "target": Rule("strategy.target"),
    "confidence": Rule("strategy.confidence"),
    "anomaly": Rule("strategy.anomaly"),
    "entry_limit": Rule("strategy.entry_order.limit", above=0.0),
    "entry_stop": Rule("strategy.entry_order.stop", above=0.0),
    "exit_limit": Rule("strategy.exit_order.limit", above=0.0),
    "exit_stop": Rule("strategy.exit_order.stop", above=0.0),
    "stop_loss": Rule("risk.stop_loss", above=0.0, below=1.0),
    "take_profit": Rule("risk.take_profit", above=0.0),
    "trailing_stop": Rule("risk.trailing_stop", above=0.0, below=1.0),
}
"""By the field of `Signals` that a rule becomes."""

DISTANCES = tuple(name for name, rule in RULES.items() if rule.path.startswith("risk."))
"""Those of them that stand under ``risk:``."""


def texts_of(spec: StrategySpec, distances: Mapping[str, str]) -> dict[str, str]:
    """Return the text of every rule that is given, by its field of `Signals`.

    Parameters
    ----------
    spec : StrategySpec
        Holds the rules under ``strategy:``.
    distances : mapping of str to str
        Those under ``risk:`` that are expressions.
    """
    own = {name: _given(spec, rule.path) for name, rule in RULES.items() if name not in DISTANCES}
    return {name: text for name, text in own.items() if text is not None} | dict(distances)


def _given(spec: StrategySpec, path: str) -> str | None:
    """Return what stands at a path below ``strategy``."""
    found: Any = spec
    for part in path.split(".")[1:]:
        found = getattr(found, part)
    return None if found is None else str(found)
