"""Build what operators make: numbers of numbers, conditions of numbers and of conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.strategy import arithmetic
from framework.strategy.node import CONDITIONS, NUMBERS, PRECEDENCE, Kind, Node, wrapped

if TYPE_CHECKING:
    from framework.strategy.build import Builder


def calculated(builder: Builder, operator: str, left: Node, right: Node) -> Node:
    """Return the node of an arithmetic operator."""
    if Kind.UNKNOWN in (left.kind, right.kind):
        return builder.unknown
    builder.need(left, NUMBERS, f"'{operator}'")
    builder.need(right, NUMBERS, f"'{operator}'")
    if left.kind is Kind.CONSTANT and right.kind is Kind.CONSTANT:
        return builder.constant(
            arithmetic.fold(operator, left.constant, right.constant)  # type: ignore[arg-type]
        )
    compute = arithmetic.ARRAY[operator]
    binds = PRECEDENCE[operator]
    rightmost = operator == "**"  # binds to the right, all others to the left
    return builder.make(
        (operator,),
        kind=Kind.NUMBER,
        text=f"{wrapped(left, binds + rightmost)} {operator} "
        f"{wrapped(right, PRECEDENCE['unary'] if rightmost else binds + 1)}",
        binds=binds,
        op=operator,
        parts=(left, right),
        run=lambda context: compute(context.value(left), context.value(right)),
    )


def compared(builder: Builder, operator: str, left: Node, right: Node) -> Node:
    """Return the node of a comparison, false where either side is NaN."""
    if Kind.UNKNOWN in (left.kind, right.kind):
        return builder.unknown
    builder.need(left, NUMBERS, f"'{operator}'")
    builder.need(right, NUMBERS, f"'{operator}'")
    compute = arithmetic.COMPARE[operator]
    if left.kind is Kind.CONSTANT and right.kind is Kind.CONSTANT:
        return builder.constant(bool(compute(left.constant, right.constant)))
    binds = PRECEDENCE["compare"]
    return builder.make(
        (operator,),
        kind=Kind.CONDITION,
        text=f"{wrapped(left, binds + 1)} {operator} {wrapped(right, binds + 1)}",
        binds=binds,
        op=operator,
        parts=(left, right),
        run=lambda context: compute(context.value(left), context.value(right)),
        negated=lambda: compared(builder, arithmetic.OPPOSITE[operator], left, right),
    )


def joined(builder: Builder, word: str, parts: Sequence[Node]) -> Node:
    """Return the node of ``and`` or ``or`` over several conditions."""
    if any(part.kind is Kind.UNKNOWN for part in parts):
        return builder.unknown
    for part in parts:
        builder.need(part, CONDITIONS, f"'{word}'")
    decides = word == "or"  # the constant that settles it
    if any(part.constant is decides for part in parts):
        return builder.constant(decides)
    open_ = [part for part in parts if part.kind is not Kind.FLAG]
    if not open_:
        return builder.constant(not decides)
    if len(open_) == 1:
        return open_[0]
    compute: Callable[..., Any] = np.logical_or if decides else np.logical_and

    def run(context: Any) -> Any:
        made = compute(context.value(open_[0]), context.value(open_[1]))
        for part in open_[2:]:
            compute(made, context.value(part), out=made)
        return made

    return builder.make(
        (word,),
        kind=Kind.CONDITION,
        text=f" {word} ".join(wrapped(part, PRECEDENCE[word] + 1) for part in open_),
        binds=PRECEDENCE[word],
        op=word,
        parts=tuple(open_),
        run=run,
        negated=lambda: joined(
            builder, "and" if decides else "or", [builder.negation(part) for part in open_]
        ),
    )
