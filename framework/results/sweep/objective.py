"""What a sweep looks for: a metric, or an expression of metrics, over a table of trials.

Expressions are read with `ast` against a short list of what they may hold; nothing is ever
evaluated as Python.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from framework.errors import UserError, did_you_mean
from framework.types import FloatArray

_PATH = "sweep.objective"
_MAX_LENGTH = 400
_MAX_DEPTH = 32
_UNARY: dict[type[ast.AST], Callable[..., Any]] = {ast.USub: np.negative, ast.UAdd: np.positive}
_BINARY: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1),
    "log": (np.log, 1),
    "sqrt": (np.sqrt, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """One expression of metrics; more is better.

    Parameters
    ----------
    text : str
        As it was written.
    metrics : frozenset of str
        Names that it reads.

    Examples
    --------
    >>> wanted = read_objective("sharpe - 2 * max_drawdown", ["sharpe", "max_drawdown"])
    >>> wanted.of({"sharpe": np.array([1.5, 1.0]), "max_drawdown": np.array([0.5, 0.1])}).tolist()
    [0.5, 0.8]
    """

    text: str
    metrics: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)

    def of(self, metrics: Mapping[str, FloatArray], min_trades: int = 0) -> FloatArray:
        """Return the objective of every trial.

        Parameters
        ----------
        metrics : mapping of str to (P,) float64
            A column for each metric; NaN where one is not defined.
        min_trades : int
            A trial of fewer round trips does not count.

        Returns
        -------
        (P,) float64
            NaN for a trial that does not count, or whose objective is not a finite number.
        """
        count = len(next(iter(metrics.values()), ()))
        with np.errstate(all="ignore"):
            value = np.broadcast_to(np.asarray(_value(self._tree, metrics), np.float64), count)
        counts = np.isfinite(value)
        if min_trades > 0:
            counts &= metrics["trades"] >= min_trades
        return np.where(counts, value, np.nan)


def read_objective(text: str, known: Iterable[str], path: str = _PATH) -> Objective:
    """Return `text` as an objective.

    Parameters
    ----------
    text : str
        Names of metrics, numbers, ``+ - * / **``, brackets and abs, log, sqrt, min, max.
    known : iterable of str
        Names of the metrics that there are.
    path : str
        Key of the configuration that holds it.

    Raises
    ------
    UserError
        It cannot be read, holds something else, or names no metric or an unknown one.
    """
    names = sorted(set(known))
    line = " ".join(str(text).split())
    if not line:
        raise UserError(f"{path}: is empty; name a metric, such as sharpe.")
    if len(line) > _MAX_LENGTH:
        raise UserError(f"{path}: must have at most {_MAX_LENGTH} characters (was {len(line)}).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError):
        raise UserError(f"{path}: '{line}' cannot be read as an expression of metrics.") from None
    except (RecursionError, MemoryError):
        raise UserError(f"{path}: is nested too deep.") from None
    used: set[str] = set()
    faults: list[str] = []
    _check(tree, names, used, faults, 0)
    if not faults and not used:
        faults.append(f"'{line}' names no metric.{did_you_mean('', names)}")
    if faults:
        raise UserError(*(f"{path}: {fault}" for fault in dict.fromkeys(faults)))
    return Objective(line, frozenset(used), tree)


def read_objectives(texts: str | Sequence[str], known: Iterable[str]) -> tuple[Objective, ...]:
    """Return one objective, or several that are looked for at once; see `read_objective`.

    Raises
    ------
    UserError
        With every fault of every objective, or when there is none.
    """
    names = list(known)
    wanted = [texts] if isinstance(texts, str) else list(texts)
    if not wanted:
        raise UserError(f"{_PATH}: is empty; name a metric, such as sharpe.")
    found: list[Objective] = []
    faults: list[str] = []
    for text in wanted:
        try:
            found.append(read_objective(text, names))
        except UserError as error:
            faults += error.faults
    if faults:
        raise UserError(*faults)
    return tuple(found)


def _check(
    node: ast.expr, known: Sequence[str], used: set[str], faults: list[str], depth: int
) -> None:
    """Collect the metrics that `node` names, and all that an objective does not have."""
    parts: Sequence[ast.expr] = ()
    if depth > _MAX_DEPTH:
        faults.append("is nested too deep.")
    elif isinstance(node, ast.Name):
        if node.id in known:
            used.add(node.id)
        else:
            faults.append(f"'{node.id}' is no metric.{did_you_mean(node.id, known)}")
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            faults.append(f"{node.value!r} is no number.")
        elif not abs(node.value) <= 1e300:
            faults.append(f"{ast.unparse(node)} is too large.")
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        parts = (node.operand,)
    elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        parts = (node.left, node.right)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        parts = node.args
        _, takes = _FUNCTIONS.get(node.func.id, (None, -1))
        if takes < 0:
            faults.append(
                f"'{node.func.id}' is no function of objectives."
                f"{did_you_mean(node.func.id, _FUNCTIONS)}"
            )
        elif len(parts) != takes:
            faults.append(f"{node.func.id} takes {takes} (was {len(parts)}).")
    else:
        faults.append(
            f"'{ast.unparse(node)}' is not part of objectives: metrics, numbers, + - * / ** and "
            f"{', '.join(_FUNCTIONS)}."
        )
    for part in parts:
        _check(part, known, used, faults, depth + 1)


def _value(node: ast.expr, metrics: Mapping[str, FloatArray]) -> Any:
    """Return what a checked tree is worth for every trial."""
    match node:
        case ast.Name(id=name):
            return metrics[name]
        case ast.Constant(value=number):
            return np.float64(number)  # type: ignore[arg-type]
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_value(operand, metrics))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left, metrics), _value(right, metrics))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _FUNCTIONS[name][0](*(_value(part, metrics) for part in args))
    raise AssertionError(ast.dump(node))
