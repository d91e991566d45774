"""Turn syntax trees into checked nodes: names, features, constants and what computes them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from framework.errors import did_you_mean
from framework.market.candles import COLUMNS
from framework.strategy import arithmetic
from framework.strategy.calls import build_attribute, build_call, shifted
from framework.strategy.catalogue import Catalogue
from framework.strategy.node import (
    ATOM,
    CONDITIONS,
    CONSTANTS,
    NUMBERS,
    PRECEDENCE,
    Kind,
    Node,
    wrapped,
)
from framework.strategy.operators import calculated, compared, joined
from framework.strategy.parse import MAX_DEPTH, Wrong
from framework.types import Interval

MODEL_OUTPUTS = ("forecast", "p_up", "p_flat", "p_down", "action", "regime", "anomaly")

NO_VALUE = "nan"
"""The name of a series without a value, such as a target that leaves the position alone."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: its configuration path, and the candles it is evaluated on."""

    path: str
    interval: Interval


@dataclass
class Builder:
    """Everything that names can mean, and the nodes and faults found so far."""

    interval: Interval
    params: Mapping[str, bool | int | float | str]
    trees: Mapping[str, ast.expr]
    """Features that could be read, by name."""
    feature_names: Sequence[str]
    """All features, those that could not be read too."""
    model_outputs: Sequence[str]
    records: frozenset[str]
    """What may be named of what is recorded beside the candles: books, trades."""
    pairs: Sequence[str] | None
    catalogue: Catalogue
    faults: list[str] = field(default_factory=list)
    ids: dict[tuple[object, ...], int] = field(default_factory=dict)
    """Of every key of a node so far; builders of one strategy may share it."""
    checked: dict[tuple[str, Interval], Node] = field(default_factory=dict)
    """Features, by name and the interval of the candles they are evaluated on."""
    named: dict[tuple[str, Node], Node] = field(default_factory=dict)
    """Features as other expressions show them; builders of one strategy may share it."""
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unknown = Node(-1, Kind.UNKNOWN, "?", ATOM, lambda context: None)

    def fault(self, path: str, message: str) -> None:
        """Note a fault, once."""
        line = f"{path}: {message}"
        if line not in self.faults:
            self.faults.append(line)

    def make(self, key: tuple[object, ...], **fields: Any) -> Node:
        """Return a node whose id is that of every node of the same key."""
        parts: tuple[Node, ...] = fields.get("parts", ())
        whole = (*key, *(part.id for part in parts))
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise Wrong(f"is nested more than {MAX_DEPTH} deep, features included.")
        fields.setdefault("warm_up", max((part.warm_up for part in parts), default=0))
        for part in parts:
            if part.records:
                fields["records"] = fields.get("records", frozenset()) | part.records
        return Node(id=self.ids.setdefault(whole, len(self.ids)), depth=depth, **fields)

    def constant(self, value: bool | int | float | str) -> Node:
        """Return the node of a constant."""
        if isinstance(value, bool):
            kind, text, binds = Kind.FLAG, str(value), ATOM
        elif isinstance(value, str):
            kind, text, binds = Kind.TEXT, repr(value), ATOM
        else:
            kind, text = Kind.CONSTANT, repr(value)
            binds = ATOM if value >= 0 and not text.startswith("-") else PRECEDENCE["unary"]
        kept = float(value) if kind is Kind.CONSTANT else value
        return self.make(
            ("constant", kind, repr(kept)),
            kind=kind,
            text=text,
            binds=binds,
            run=lambda context: kept,
            constant=value,
            op="constant",
            negated=(lambda: self.constant(not value)) if kind is Kind.FLAG else None,
        )

    def visit(self, tree: ast.expr, place: Place) -> Node:
        """Return the node of `tree`; an unknown one where it is at fault, which is noted."""
        try:
            return self._visit(tree, place)
        except Wrong as wrong:
            self.fault(place.path, str(wrong))
            return self.unknown

    def _visit(self, tree: ast.expr, place: Place) -> Node:
        if isinstance(tree, ast.Name):
            return self._name(tree.id, place)
        if isinstance(tree, ast.Constant):
            if not isinstance(tree.value, bool | int | float | str):
                raise Wrong(f"{tree.value!r} is not part of expressions.")
            if not isinstance(tree.value, bool | str):
                arithmetic.checked(tree.value, str(tree.value))
            return self.constant(tree.value)
        if isinstance(tree, ast.Call):
            return build_call(self, tree, place)
        if isinstance(tree, ast.Attribute):
            return build_attribute(self, tree, place)
        if isinstance(tree, ast.Subscript):
            return shifted(self, self.visit(tree.value, place), self.visit(tree.slice, place), "[")
        if isinstance(tree, ast.UnaryOp):
            return self._unary(tree, place)
        if isinstance(tree, ast.BinOp):
            left, right = self.visit(tree.left, place), self.visit(tree.right, place)
            return calculated(self, _OPERATORS[type(tree.op)], left, right)
        if isinstance(tree, ast.BoolOp):
            word = "and" if isinstance(tree.op, ast.And) else "or"
            return joined(self, word, [self.visit(value, place) for value in tree.values])
        if isinstance(tree, ast.Compare):
            operands = [self.visit(part, place) for part in (tree.left, *tree.comparators)]
            links = [
                compared(self, _OPERATORS[type(op)], operands[i], operands[i + 1])
                for i, op in enumerate(tree.ops)
            ]
            return links[0] if len(links) == 1 else joined(self, "and", links)
        raise Wrong(f"{type(tree).__name__} is not part of expressions.")

    def _name(self, name: str, place: Place) -> Node:
        if name in self.params:
            value = self.params[name]
            return self.constant(value)
        if name in self.feature_names:
            return self.feature(name, place.interval)
        predicted = name in self.model_outputs
        if name in COLUMNS or predicted:
            if predicted and place.interval != self.interval:
                raise Wrong(
                    f"'{name}' is known on the strategy's own interval only ({self.interval}); "
                    "take it out of on()."
                )
            return self.make(
                ("column", name),
                kind=Kind.NUMBER,
                text=name,
                binds=ATOM,
                op="column",
                run=lambda context: context.column(name),
            )
        if name == NO_VALUE:
            return self.make(
                ("column", name),
                kind=Kind.NUMBER,
                text=name,
                binds=ATOM,
                op="column",
                run=lambda context: np.full(context.shape, np.nan, order="F"),
            )
        if name in MODEL_OUTPUTS:
            raise Wrong(f"'{name}' is a model's output, but the chosen model does not give it.")
        function = self.catalogue.find(name)
        if function is not None and function.is_column:
            return build_call(self, ast.Call(ast.Name(name), [], []), place)
        if function is not None:
            raise Wrong(f"'{name}' is a function; write {function.signature}.")
        known = [*self.feature_names, *self.params, *COLUMNS, *self.model_outputs]
        known += [*self.catalogue.columns(self.records), "True", "False", NO_VALUE]
        raise Wrong(f"'{name}' is no feature, column or model output.{did_you_mean(name, known)}")

    def feature(self, name: str, interval: Interval) -> Node:
        """Return a feature's node on candles of `interval`."""
        key = (name, interval)
        if key not in self.checked:
            if name in self._open:
                chain = " -> ".join([*self._open[self._open.index(name) :], name])
                raise Wrong(f"refers to itself: {chain}.")
            tree = self.trees.get(name)
            self._open.append(name)
            try:
                made = (
                    self.unknown
                    if tree is None
                    else self.visit(tree, Place(f"features.{name}", interval))
                )
            finally:
                self._open.pop()
            self.checked[key] = made
        made = self.checked[key]
        if made.kind in (Kind.UNKNOWN, *CONSTANTS):
            return made
        named = self.named.get((name, made))
        if named is None:
            named = self.named[name, made] = replace(made, text=name, binds=ATOM)
        return named

    def built(self, name: str) -> Node:
        """Return a feature's node on the strategy's candles, under its own text."""
        return self.checked.get((name, self.interval), self.unknown)

    def _unary(self, tree: ast.UnaryOp, place: Place) -> Node:
        inner = self.visit(tree.operand, place)
        if inner.kind is Kind.UNKNOWN:
            return inner
        if isinstance(tree.op, ast.Not):
            self.need(inner, CONDITIONS, "'not'")
            return self.negation(inner)
        sign = "-" if isinstance(tree.op, ast.USub) else "+"
        self.need(inner, NUMBERS, f"'{sign}'")
        if sign == "+":
            return inner
        if inner.kind is Kind.CONSTANT:
            return self.constant(-inner.constant)  # type: ignore[operator]
        return self.make(
            ("negative",),
            kind=Kind.NUMBER,
            text=f"-{wrapped(inner, PRECEDENCE['unary'])}",
            binds=PRECEDENCE["unary"],
            op="negative",
            parts=(inner,),
            run=lambda context: np.negative(context.value(inner)),
        )

    def need(self, node: Node, kinds: Sequence[Kind], what: str) -> None:
        """Raise `Wrong` unless `node` gives one of `kinds`."""
        if node.kind in kinds or node.kind is Kind.UNKNOWN:
            return
        text = node.text if len(node.text) <= 60 else f"{node.text[:57]}..."
        was = f"(was {node.kind.value}: {text})"
        if node.kind is Kind.RECORD:
            names = ", ".join(dict.fromkeys(node.outputs.values()))
            raise Wrong(f"{text} has several outputs; name one of them: {names}.")
        if node.kind is Kind.TEXT:
            raise Wrong(f"{what} takes no text {was}; texts name intervals and pairs in on and of.")
        if kinds == CONDITIONS:
            raise Wrong(f"{what} needs a condition {was}; compare it, such as {text} > 0.")
        raise Wrong(f"{what} needs numbers {was}; where({text}, 1, 0) makes a number of it.")

    def negation(self, node: Node) -> Node:
        """Return the condition that `node` is known not to hold."""
        if node.negated is None:
            raise Wrong(f"'not' cannot be taken of {node.text}.")
        return node.negated()
