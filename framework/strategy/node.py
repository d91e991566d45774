"""A checked expression: what kind of value it gives, its canonical text, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from framework.strategy.memory import OWN_BAR, Memory


class Kind(Enum):
    """What an expression gives; the value is how messages name it."""

    NUMBER = "a series of numbers"
    CONDITION = "a condition"
    CONSTANT = "a number"
    FLAG = "true or false"
    TEXT = "a text"
    RECORD = "several outputs"
    UNKNOWN = "unknown"


NUMBERS = (Kind.NUMBER, Kind.CONSTANT)
CONDITIONS = (Kind.CONDITION, Kind.FLAG)
CONSTANTS = (Kind.CONSTANT, Kind.FLAG, Kind.TEXT)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A checked expression.

    Parameters
    ----------
    id : int
        Equal for expressions that compute the same.
    kind : Kind
        What it gives.
    text : str
        Canonical, in the expression language.
    binds : int
        How tightly its outermost operator binds; see `precedence`.
    run : callable
        From a `Context` to the value.
    op : str
        Its outermost operator or function.
    parts : tuple of Node
        What it is made of.
    warm_up : int
        Leading bars, of the candles it is evaluated on, that may be without a value.
    depth : int
        Of its tree, features included.
    constant : int, float, bool, str or None
        Its value where it is constant.
    outputs : mapping of str to str
        Names of a record's outputs, aliases included, to the canonical ones.
    memory : Memory, optional
        How far back in its parts a value reaches; None: to the first bar.
    records : frozenset of str
        What must have been recorded beside the candles: books, trades.
    negated : callable, optional
        Of a condition: returns the node that holds where this one is known not to.
    """

    id: int
    kind: Kind
    text: str
    binds: int
    run: Callable[[Any], Any]
    op: str = ""
    parts: tuple[Node, ...] = ()
    warm_up: int = 0
    memory: Memory | None = OWN_BAR
    depth: int = 1
    constant: int | float | bool | str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    records: frozenset[str] = frozenset()
    negated: Callable[[], Node] | None = None


ATOM = 100
PRECEDENCE = {
    "or": 10,
    "and": 20,
    "not": 30,
    "compare": 40,
    "+": 50,
    "-": 50,
    "*": 60,
    "/": 60,
    "//": 60,
    "%": 60,
    "unary": 70,
    "**": 80,
}


def wrapped(node: Node, least: int) -> str:
    """Return the node's text, in parentheses where it binds less tightly than `least`."""
    return node.text if node.binds >= least else f"({node.text})"
