"""Build what changes the bar, interval or pair looked at: shift, where, on, of."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import did_you_mean
from framework.strategy.function import MAX_BARS, Function
from framework.strategy.memory import Memory
from framework.strategy.node import ATOM, CONDITIONS, CONSTANTS, NUMBERS, Kind, Node
from framework.strategy.operators import compared, joined
from framework.strategy.parse import Wrong
from framework.types import Interval

if TYPE_CHECKING:
    from framework.strategy.build import Builder, Place

_COMMON = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")


def build_form(
    builder: Builder, function: Function, arguments: Mapping[str, ast.expr], place: Place
) -> Node:
    """Return the node of a call of shift, where, on or of."""
    if function.name == "on":
        return _on(builder, arguments, place)
    nodes = {name: builder.visit(tree, place) for name, tree in arguments.items()}
    if any(node.kind is Kind.UNKNOWN for node in nodes.values()):
        return builder.unknown
    if function.name == "shift":
        return shifted(builder, nodes["x"], nodes["bars"], "shift")
    if function.name == "where":
        return _where(builder, nodes["condition"], nodes["x"], nodes["y"])
    return _of(builder, nodes["pair"], nodes["x"])


def shifted(builder: Builder, x: Node, bars: Node, written: str) -> Node:
    """Return the node of ``x[bars]``: the value so many bars ago."""
    if Kind.UNKNOWN in (x.kind, bars.kind):
        return builder.unknown
    if x.kind is not Kind.CONDITION:
        builder.need(x, (*NUMBERS, Kind.FLAG), "[n]")
    count = bars.constant
    shown = f"{x.text}[{bars.text}]" if written == "[" else f"shift({x.text}, {bars.text})"
    if bars.kind is not Kind.CONSTANT or count != int(count):  # type: ignore[arg-type]
        raise Wrong(f"{shown}: bars ago must be a whole number known beforehand (was {bars.text}).")
    count = int(count)
    if count < 0:
        raise Wrong(f"{shown} looks forward; bars ago count from 0 (was {count}).")
    if count > MAX_BARS:
        raise Wrong(f"{shown}: bars ago must be at most {MAX_BARS:,} (was {count}).")
    if x.kind in CONSTANTS or count == 0:
        return x
    return _shift(builder, x, count)


def _shift(builder: Builder, x: Node, bars: int) -> Node:
    condition = x.kind is Kind.CONDITION

    def run(context: Any) -> Any:
        value = context.value(x)
        made = np.empty(value.shape, value.dtype, order="F")
        made[:bars] = False if condition else np.nan
        made[bars:] = value[: max(len(value) - bars, 0)]
        return made

    return builder.make(
        ("shift", bars),
        kind=x.kind,
        text=f"{x.text if x.binds == ATOM else f'({x.text})'}[{bars}]",
        binds=ATOM,
        op="shift",
        parts=(x,),
        warm_up=x.warm_up + bars,
        memory=Memory(bars),
        run=run,
        negated=(lambda: _shift(builder, builder.negation(x), bars)) if condition else None,
    )


def not_crossed(builder: Builder, name: str, a: Node, b: Node) -> Node:
    """Return where a is known not to have crossed b: the contrary of either half of crossing."""
    now, before = ("<=", ">") if name == "cross_above" else (">=", "<")
    earlier = [part if part.kind in CONSTANTS else _shift(builder, part, 1) for part in (a, b)]
    return joined(
        builder,
        "or",
        [compared(builder, now, a, b), compared(builder, before, earlier[0], earlier[1])],
    )


def _where(builder: Builder, condition: Node, x: Node, y: Node) -> Node:
    builder.need(condition, CONDITIONS, "where()")
    if x.kind in CONDITIONS and y.kind in CONDITIONS:
        contrary = builder.negation(condition)
        return joined(
            builder,
            "or",
            [joined(builder, "and", [condition, x]), joined(builder, "and", [contrary, y])],
        )
    for value in (x, y):
        builder.need(value, NUMBERS, "where()")
    if condition.kind is Kind.FLAG:
        return x if condition.constant else y
    contrary = builder.negation(condition)

    def run(context: Any) -> Any:
        holds, fails = context.value(condition), context.value(contrary)
        made = np.where(holds, context.value(x), context.value(y))
        made[~(holds | fails)] = np.nan
        return made

    return builder.make(
        ("where",),
        kind=Kind.NUMBER,
        text=f"where({condition.text}, {x.text}, {y.text})",
        binds=ATOM,
        op="where",
        parts=(condition, x, y),
        run=run,
    )


def _on(builder: Builder, arguments: Mapping[str, ast.expr], place: Place) -> Node:
    from framework.strategy.build import Place

    named = builder.visit(arguments["interval"], place)
    if named.kind is Kind.UNKNOWN:
        return named
    if named.kind is not Kind.TEXT:
        raise Wrong(f"on(): the interval must be a text, such as '1d' (was {named.text}).")
    try:
        interval = Interval.parse(str(named.constant))
    except ValueError as error:
        raise Wrong(f"on(): {error}.") from None
    here = place.interval
    if interval.ns <= here.ns or not here.divides(interval):
        choices = [text for text in _COMMON if _longer(here, Interval.parse(text))]
        raise Wrong(
            f"on(): '{interval}' must be longer than {here} and made of whole {here} candles. "
            f"Choices: {', '.join(choices)}."
        )
    x = builder.visit(arguments["x"], Place(place.path, interval))
    if x.kind is Kind.UNKNOWN or x.kind in CONSTANTS:
        return x
    if x.kind is not Kind.CONDITION:
        builder.need(x, NUMBERS, "on()")
    return _coarse(builder, interval, here, x)


def _longer(here: Interval, other: Interval) -> bool:
    return other.ns > here.ns and here.divides(other)


def _coarse(builder: Builder, interval: Interval, here: Interval, x: Node) -> Node:
    bars = interval.ns // here.ns
    return builder.make(
        ("on", interval.ns, here.ns),
        kind=x.kind,
        text=f"on('{interval}', {x.text})",
        binds=ATOM,
        op="on",
        parts=(x,),
        # data may start one bar after the opening of a candle, which is then incomplete
        warm_up=(x.warm_up + 2) * bars - 2,
        run=lambda context: context.on(interval, x),
        negated=(
            (lambda: _coarse(builder, interval, here, builder.negation(x)))
            if x.kind is Kind.CONDITION
            else None
        ),
    )


def _of(builder: Builder, named: Node, x: Node) -> Node:
    if named.kind is not Kind.TEXT:
        raise Wrong(f"of(): the pair must be a text, such as 'BTC-AUD' (was {named.text}).")
    pair = str(named.constant)
    if builder.pairs is not None and pair not in builder.pairs:
        near = did_you_mean(pair, builder.pairs)
        raise Wrong(f"of(): '{pair}' is no pair of this run.{near}")
    if x.kind in CONSTANTS:
        return x
    if x.kind is not Kind.CONDITION:
        builder.need(x, NUMBERS, "of()")
    return _elsewhere(builder, pair, x)


def _elsewhere(builder: Builder, pair: str, x: Node) -> Node:
    return builder.make(
        ("of", pair),
        kind=x.kind,
        text=f"of({pair!r}, {x.text})",
        binds=ATOM,
        op="of",
        parts=(x,),
        run=lambda context: context.of(pair, x),
        negated=(
            (lambda: _elsewhere(builder, pair, builder.negation(x)))
            if x.kind is Kind.CONDITION
            else None
        ),
    )
