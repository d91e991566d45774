"""Read the text of an expression into a syntax tree of the few kinds that expressions have.

Nothing is ever evaluated as Python: the tree is checked node by node against a list of what is
allowed, within bounds on its length and depth, so that a stranger's file can neither run code nor
hang the program.
"""

from __future__ import annotations

import ast
import warnings

MAX_LENGTH = 4_000
MAX_DEPTH = 64

ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Call,
    ast.keyword,
    ast.Attribute,
    ast.Subscript,
    ast.UnaryOp,
    ast.UAdd,
    ast.USub,
    ast.Not,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
)

_NOT_PART: dict[type[ast.AST], str] = {
    ast.IfExp: "'x if c else y' is not part of expressions; write where(c, x, y)",
    ast.BitAnd: "'&' is not part of expressions; write 'and'",
    ast.BitOr: "'|' is not part of expressions; write 'or'",
    ast.BitXor: "'^' is not part of expressions; a power is written '**'",
    ast.Invert: "'~' is not part of expressions; write 'not'",
    ast.MatMult: "'@' is not part of expressions",
    ast.LShift: "'<<' is not part of expressions; x[n] is x n bars ago",
    ast.RShift: "'>>' is not part of expressions; x[n] is x n bars ago",
    ast.Is: "'is' is not part of expressions; write '=='",
    ast.IsNot: "'is not' is not part of expressions; write '!='",
    ast.In: "'in' is not part of expressions; write x == a or x == b",
    ast.NotIn: "'not in' is not part of expressions; write x != a and x != b",
    ast.Lambda: "'lambda' is not part of expressions",
    ast.NamedExpr: "':=' is not part of expressions; name it under features:",
    ast.JoinedStr: "an f-string is not part of expressions",
    ast.ListComp: "a comprehension is not part of expressions",
    ast.SetComp: "a comprehension is not part of expressions",
    ast.DictComp: "a comprehension is not part of expressions",
    ast.GeneratorExp: "a comprehension is not part of expressions",
    ast.Starred: "'*' before an argument is not part of expressions",
    ast.Slice: "a slice is not part of expressions; x[n] is x n bars ago",
    ast.Tuple: "a list of values is not part of expressions",
    ast.List: "a list of values is not part of expressions",
    ast.Set: "a list of values is not part of expressions",
    ast.Dict: "a list of values is not part of expressions",
    ast.Await: "'await' is not part of expressions",
    ast.Yield: "'yield' is not part of expressions",
    ast.YieldFrom: "'yield' is not part of expressions",
}

_INSIDE: tuple[type[ast.AST], ...] = (
    ast.comprehension,
    ast.arguments,
    ast.arg,
    ast.Store,
    ast.Del,
    ast.FormattedValue,
)  # parts of something that is named itself


class Wrong(Exception):
    """One fault of an expression; the message becomes a line after the path."""


def parse(text: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Parameters
    ----------
    text : str
        At most `MAX_LENGTH` characters; line breaks count as spaces.

    Raises
    ------
    Wrong
        It cannot be read, is too long or deep, or holds what expressions do not have.

    Examples
    --------
    >>> parse("close if up else open")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    framework.strategy.parse.Wrong: 'x if c else y' is not part of ...
    """
    line = " ".join(text.split())
    if not line:
        raise Wrong("is empty; write an expression, such as close > ema(close, 20).")
    if len(line) > MAX_LENGTH:
        raise Wrong(f"must have at most {MAX_LENGTH} characters (was {len(line)}).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line, mode="eval")
    except SyntaxError as error:
        raise Wrong(_unreadable(line, error)) from None
    except (RecursionError, MemoryError):
        raise Wrong("is nested too deep; name parts of it under features:.") from None
    except ValueError:
        raise Wrong("holds characters that no expression has.") from None
    _check(tree)
    return tree.body


def _check(tree: ast.Expression) -> None:
    """Raise the first thing that expressions do not have, level by level from the outside."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > 2 * MAX_DEPTH:
            raise Wrong("is nested too deep; name parts of it under features:.")
        for node in level:
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                raise Wrong(f"'.{node.attr}' is no output of a function.")
            if not isinstance(node, ALLOWED) and not isinstance(node, _INSIDE):
                name = type(node).__name__
                raise Wrong(f"{_NOT_PART.get(type(node), f'{name} is not part of expressions')}.")
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _unreadable(line: str, error: SyntaxError) -> str:
    """Return where and near what reading stopped."""
    within = error.lineno == 1 and error.offset is not None and 0 < error.offset <= len(line)
    column = error.offset if within and error.offset else len(line) + 1
    near = f"near '{line[column - 1 :][:20]}'" if within else "where it ends"
    hint = ""
    bare = line.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", "")
    if line.count("(") != line.count(")"):
        hint = f"; it has {line.count('(')} '(' and {line.count(')')} ')'"
    elif "=" in bare and "(" not in bare:
        hint = "; equality is written '=='"
    elif "&&" in line or "||" in line:
        hint = "; write 'and' and 'or'"
    elif "!" in bare:
        hint = "; write 'not'"
    return f"cannot be read at column {column}, {near}{hint}."
