"""Which features rest on which: every name an expression needs, and an order to compute in."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence


def names_in(tree: ast.expr) -> frozenset[str]:
    """Return every name in an expression."""
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def all_needs(names: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return every name that each feature rests on, those of the features it names included."""
    needs: dict[str, frozenset[str]] = {}
    for name in names:
        found: set[str] = set()
        open_ = [name]
        while open_:
            for other in names.get(open_.pop(), frozenset()) - found:
                found.add(other)
                open_.append(other)
        needs[name] = frozenset(found)
    return needs


def in_order(features: Sequence[str], names: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the features so that each comes after those it names, as far as that can be."""
    needs = {name: [other for other in names if other in named] for name, named in names.items()}
    done: dict[str, bool] = {}  # False while its needs are being looked at
    order: list[str] = []
    for name in features:
        stack = [name]
        while stack:
            top = stack[-1]
            if top not in done:
                done[top] = False
                stack.extend(n for n in needs.get(top, ()) if n not in done)
                continue
            stack.pop()
            if not done[top]:
                done[top] = True
                order.append(top)
    return order
