"""What must hold of a trial: a comparison of expressions of metrics."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framework.errors import UserError
from framework.results.sweep.objective import Objective, read_objective
from framework.types import FloatArray

_PATH = "sweep.constraints"
_LEAST = float(np.finfo(np.float64).tiny)
_UNDEFINED = 1e6
"""Violation of a constraint on a figure that a trial does not have."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One comparison, read as a sum that must not be above zero.

    Parameters
    ----------
    text : str
        As it was written.
    excess : Objective
        What is on the greater side less what is on the smaller.
    strict : bool
        Whether zero is too much.

    Examples
    --------
    >>> (bound,) = read_constraints(["max_drawdown < 0.25"], ["max_drawdown"])
    >>> bound.violation({"max_drawdown": np.array([0.5, 0.125])}).tolist()
    [0.25, -0.125]
    """

    text: str
    excess: Objective
    strict: bool

    def violation(self, metrics: Mapping[str, FloatArray]) -> FloatArray:
        """Return by how much each trial breaks it, (P,); zero or less where it holds."""
        excess = self.excess.of(metrics)
        if self.strict:
            excess = np.where(excess == 0, _LEAST, excess)
        return np.where(np.isnan(excess), _UNDEFINED, excess)


def read_constraints(texts: Sequence[str], known: Iterable[str]) -> tuple[Constraint, ...]:
    """Return `texts` as constraints.

    Parameters
    ----------
    texts : sequence of str
        Two expressions of metrics each, with ``<``, ``<=``, ``>`` or ``>=`` between them.
    known : iterable of str
        Names of the metrics that there are.

    Raises
    ------
    UserError
        With every fault of every constraint.
    """
    names = list(known)
    found: list[Constraint] = []
    faults: list[str] = []
    for text in texts:
        try:
            found.append(_read(text, names))
        except UserError as error:
            faults += error.faults
    if faults:
        raise UserError(*faults)
    return tuple(found)


def _read(text: str, known: Sequence[str]) -> Constraint:
    line = " ".join(text.split())
    try:
        tree = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    match tree:
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() as sign], comparators=[right]):
            less, more = left, right
        case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE() as sign], comparators=[right]):
            less, more = right, left
        case _:
            raise UserError(
                f"{_PATH}: '{line}' is no comparison of two expressions, such as "
                "'max_drawdown < 0.3'."
            )
    excess = f"({ast.unparse(less)}) - ({ast.unparse(more)})"
    return Constraint(line, read_objective(excess, known, _PATH), isinstance(sign, ast.Lt | ast.Gt))
