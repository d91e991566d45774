"""Check calls of functions: arguments, constants and their ranges, several outputs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import did_you_mean
from framework.strategy import arithmetic
from framework.strategy.computing import runner
from framework.strategy.forms import build_form, not_crossed, shifted
from framework.strategy.function import Function, Input, Parameter
from framework.strategy.memory import OWN_BAR
from framework.strategy.node import ATOM, CONDITIONS, NUMBERS, PRECEDENCE, Kind, Node
from framework.strategy.parse import Wrong

if TYPE_CHECKING:
    from framework.strategy.build import Builder, Place

_PROBES = (*range(31), 100_000)  # bounds of whole parameters in TA-Lib lie among these

_RECORDS = {"books": "order books", "trades": "trades"}

__all__ = ["build_attribute", "build_call", "shifted"]


def build_attribute(builder: Builder, tree: ast.Attribute, place: Place) -> Node:
    """Return the node of one output of a function that has several."""
    record = builder.visit(tree.value, place)
    if record.kind is Kind.UNKNOWN:
        return record
    if record.kind is not Kind.RECORD:
        raise Wrong(f"{record.text} has no outputs to name (was .{tree.attr}).")
    canonical = record.outputs.get(tree.attr)
    if canonical is None:
        names = list(dict.fromkeys(record.outputs.values()))
        near = did_you_mean(tree.attr, [*record.outputs])
        hint = near if near.startswith(" Did") else f" Choices: {', '.join(names)}."
        raise Wrong(f"{record.text} has no output '{tree.attr}'.{hint}")
    index = list(dict.fromkeys(record.outputs.values())).index(canonical)
    return builder.make(
        ("output", index),
        kind=Kind.NUMBER,
        text=f"{record.text}.{canonical}",
        binds=ATOM,
        op="output",
        parts=(record,),
        run=lambda context: context.value(record)[index],
    )


def build_call(builder: Builder, tree: ast.Call, place: Place) -> Node:
    """Return the node of a call."""
    if not isinstance(tree.func, ast.Name):
        raise Wrong("only functions of the expression language can be called, by their name.")
    name = tree.func.id
    function = builder.catalogue.find(name)
    if function is None:
        near = did_you_mean(name, builder.catalogue.names())
        if near == "" and name in (*builder.feature_names, *builder.params):
            raise Wrong(f"'{name}' is no function, but a name; write it without parentheses.")
        raise Wrong(f"'{name}' is no function.{near}")
    for record in sorted(function.records - builder.records):
        raise Wrong(
            f"'{name}' needs recorded {_RECORDS[record]}, and the exchange has none; "
            "exchange.from_store=true reads what mode=collect recorded."
        )
    arguments = _bound(function, tree)
    if function.scope == "form":
        return build_form(builder, function, arguments, place)
    parts = [builder.visit(arguments[item.name], place) for item in function.given]
    values: dict[str, int | float] = {}
    known = all(part.kind is not Kind.UNKNOWN for part in parts)
    for item, part in zip(function.given, parts, strict=True):
        _check_input(builder, function, item, part)
    for parameter in function.parameters:
        node = (
            builder.visit(arguments[parameter.name], place)
            if parameter.name in arguments
            else builder.constant(parameter.default)  # type: ignore[arg-type]
        )
        if node.kind is Kind.UNKNOWN:
            known = False
        else:
            values[parameter.name] = parameter_value(function, parameter, node)
    if not known:
        return builder.unknown
    warm_up = _warm_up(function, values)
    constant = parts and all(part.kind in (Kind.CONSTANT, Kind.FLAG) for part in parts)
    if constant and not function.records:
        if function.scope == "every":
            return _folded(builder, function, parts)
        raise Wrong(
            f"{name}(): '{function.given[0].name}' must be a series, such as close "
            f"(was {parts[0].text}): {function.signature}."
        )
    return _node(builder, function, parts, values, warm_up)


def parameter_value(function: Function, parameter: Parameter, node: Node) -> int | float:
    """Return a constant argument's value, checked for kind and range."""
    where = f"{function.name}(): '{parameter.name}'"
    if node.kind is not Kind.CONSTANT:
        hint = ""
        if function.name in ("min", "max") and node.kind is Kind.NUMBER:
            sign = ">" if function.name == "max" else "<"
            hint = f"; of two series a and b, write where(a {sign} b, a, b)"
        kind = "a whole number" if parameter.kind == "int" else "a number"
        raise Wrong(f"{where} must be {kind} known beforehand (was {node.text}){hint}.")
    value = node.constant
    assert isinstance(value, int | float)  # noqa: S101 - a constant is one
    if parameter.kind == "int":
        if value != int(value):
            raise Wrong(f"{where} must be a whole number (was {value}); '//' divides into whole.")
        value = int(value)
        if value < 0 and parameter.name == "bars":
            raise Wrong(f"{where} must not be negative, that looks forward (was {value}).")
    if value < parameter.low:
        raise Wrong(f"{where} must be at least {parameter.low:g} (was {value:g}).")
    if value > parameter.high:
        raise Wrong(f"{where} must be at most {parameter.high:,.15g} (was {value}).")
    return value if parameter.kind == "int" else float(value)


def _bound(function: Function, tree: ast.Call) -> dict[str, ast.expr]:
    """Return the arguments by name."""
    given = [item.name for item in function.given]
    optional = [item.name for item in function.parameters]
    names = [*optional, *given] if function.name in ("on", "of") else [*given, *optional]
    required = [*given, *(item.name for item in function.parameters if item.default is None)]
    title = f"{function.name}()"
    if len(tree.args) > len(names):
        raise Wrong(
            f"{title} takes at most {len(names)} argument{'s' if len(names) != 1 else ''} "
            f"(was {len(tree.args)}): {function.signature}."
        )
    arguments = dict(zip(names, tree.args, strict=False))
    for keyword in tree.keywords:
        if keyword.arg is None or keyword.arg not in names:
            shown = "**" if keyword.arg is None else keyword.arg
            near = did_you_mean(shown, names)
            raise Wrong(f"{title} has no argument '{shown}'.{near}")
        if keyword.arg in arguments:
            raise Wrong(f"{title}: '{keyword.arg}' is given twice.")
        arguments[keyword.arg] = keyword.value
    missing = [name for name in required if name not in arguments]
    if missing:
        raise Wrong(f"{title} lacks '{missing[0]}': {function.signature}.")
    return arguments


def _check_input(builder: Builder, function: Function, item: Input, part: Node) -> None:
    kinds = CONDITIONS if item.kind == "condition" else NUMBERS
    if len(function.given) == 1 and part.kind is Kind.CONSTANT and function.scope != "every":
        raise Wrong(
            f"{function.name}(): '{item.name}' must be a series, such as close "
            f"(was {part.text}): {function.signature}."
        )
    builder.need(part, kinds, f"{function.name}()")


def _warm_up(function: Function, values: Mapping[str, int | float]) -> int:
    """Return the function's own warm-up; raise `Wrong` where TA-Lib refuses its parameters."""
    bars = function.warm_up(**values)
    if bars >= 0 or not function.group.startswith("TA-Lib"):
        return max(bars, 0)
    defaults = {item.name: item.default for item in function.parameters}
    for parameter in function.parameters:
        alone = {**defaults, parameter.name: values[parameter.name]}
        if function.warm_up(**alone) < 0:
            raise Wrong(
                f"{function.name}(): '{parameter.name}' {_range(function, alone, parameter)}."
            )
    shown = ", ".join(f"{name}={value:g}" for name, value in values.items())
    raise Wrong(f"{function.name}(): TA-Lib refuses these parameters together (were {shown}).")


def _range(function: Function, values: Mapping[str, Any], parameter: Parameter) -> str:
    """Return what TA-Lib asks of a parameter that it refuses, found by asking it."""
    name, value = parameter.name, values[parameter.name]
    kind = int if parameter.kind == "int" else float
    accepted = [v for v in _PROBES if function.warm_up(**{**values, name: kind(v)}) >= 0]
    if accepted and value < accepted[0]:
        return f"must be at least {accepted[0]} (was {value:g})"
    if accepted and value > accepted[-1]:
        return f"must be at most {accepted[-1]:,} (was {value:g})"
    return f"is out of TA-Lib's range (was {value:g})"


def _folded(builder: Builder, function: Function, parts: Sequence[Node]) -> Node:
    """Return the constant that a function of single values makes of constants."""
    with np.errstate(all="ignore"):
        value = float(function.call(*(float(part.constant) for part in parts)))  # type: ignore[arg-type]
    shown = f"{function.name}({', '.join(part.text for part in parts)})"
    made = arithmetic.checked(value, shown)
    return builder.constant(int(made) if made == int(made) and abs(made) < 2**53 else made)


def _node(
    builder: Builder,
    function: Function,
    parts: Sequence[Node],
    values: Mapping[str, int | float],
    warm_up: int,
) -> Node:
    """Return the node of a checked call."""
    shown = [part.text for part in parts] + [f"{value!r}" for value in values.values()]
    text = f"{function.name}({', '.join(shown)})"
    inherited = max((part.warm_up for part in parts), default=0)
    fields: dict[str, Any] = {
        "text": text,
        "binds": ATOM,
        "op": function.name,
        "parts": tuple(parts),
        "warm_up": inherited + warm_up,
        "memory": function.memory(**values) if function.memory else None,
    }
    if function.records:
        fields["records"] = function.records
    key = ("call", function.name, *values.items())
    if function.outputs:
        outputs = {name: name for name in function.outputs} | dict(function.aliases or {})
        return builder.make(
            key, kind=Kind.RECORD, run=runner(function, parts, values), outputs=outputs, **fields
        )
    if function.gives == "number":
        return builder.make(key, kind=Kind.NUMBER, run=runner(function, parts, values), **fields)
    run = runner(function, parts, values)
    node: Node = builder.make(
        key, kind=Kind.CONDITION, run=run, negated=lambda: negated(), **fields
    )

    def negated() -> Node:
        if function.name in ("cross_above", "cross_below"):
            return not_crossed(builder, function.name, *parts)

        def run_negated(context: Any) -> Any:
            made = ~context.value(node)
            made[: max(inherited + warm_up - context.begin, 0)] = False
            for part in parts:
                if part.kind is Kind.NUMBER:
                    made &= ~np.isnan(context.value(part))
            return made

        return builder.make(
            ("not", node.id),
            **{**fields, "text": f"not {text}", "binds": PRECEDENCE["not"], "memory": OWN_BAR},
            kind=Kind.CONDITION,
            run=run_negated,
            negated=lambda: node,
        )

    return node
