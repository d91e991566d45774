"""What a function of the expression language is, and the decorator that makes one.

A plug-in module needs nothing else::

    from framework.strategy.function import function
    from framework.types import FloatArray

    @function(warm_up=lambda bars: bars, memory=lambda bars: bars, source="Rise over run")
    def slope(x: FloatArray, bars: int = 20) -> FloatArray:
        '''Rise per bar over the last `bars` bars.'''
        ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from framework.strategy.memory import Memory

MAX_BARS = 1_000_000
"""The longest look-back that an expression may ask for."""

ATTRIBUTE = "__framework_function__"

Rule = Callable[..., int]
MemoryRule = Callable[..., Memory]
InputKind = Literal["number", "condition", "any", "books", "trades"]
Scope = Literal["pair", "every", "cross_section", "form"]
Constant = int | float

RECORDS: dict[str, InputKind] = {"BarBooks": "books", "BarTrades": "trades"}
"""Annotation of what is recorded beside the candles, to its name."""

C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Input:
    """One series that a function reads.

    Parameters
    ----------
    name : str
        Of the argument, or of the candle column where `given` is False.
    kind : {"number", "condition", "any", "books", "trades"}
        What it must be; books and trades are those recorded, joined to the bars.
    given : bool
        Whether the expression names it; otherwise it is a candle column (or ``time``), or recorded.
    """

    name: str
    kind: InputKind = "number"
    given: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """One constant that a function takes.

    Parameters
    ----------
    name : str
        Of the argument.
    kind : {"int", "float", "interval", "pair"}
        What it must be.
    default : int, float or None
        None where the expression must give it.
    low, high : float
        Inclusive range.
    """

    name: str
    kind: Literal["int", "float", "interval", "pair"]
    default: Constant | None = None
    low: float = -1e15
    high: float = 1e15


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the expression language.

    Parameters
    ----------
    name : str
        As expressions write it.
    group : str
        Under which it is documented.
    summary : str
        What it gives, in a sentence or two.
    inputs, parameters : tuple
        What it reads and takes; given inputs come first in a call, then parameters.
    outputs : tuple of str
        Names of its outputs where it has several, else empty.
    aliases : mapping
        Further names of outputs.
    gives : {"number", "condition", "any"}
        What it gives.
    scope : {"pair", "every", "cross_section", "form"}
        Called with (T,) arrays pair by pair; with the whole (T, N) array, value by value; with
        the whole array, across the pairs; or built by the compiler itself.
    warm_up : callable
        Bars that its inputs need beyond their own warm-up, from the parameters.
    warm_up_text : str
        The same in words.
    memory : callable, optional
        How far back a value reaches, from the parameters; None: to the first bar.
    source : str
        Where it is defined.
    call : callable
        Arrays of the inputs, then the parameters, to an array or a tuple of them.
    """

    name: str
    group: str
    summary: str
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    gives: Literal["number", "condition", "any"]
    scope: Scope
    warm_up: Rule
    warm_up_text: str
    source: str
    call: Callable[..., Any]
    memory: MemoryRule | None = None
    outputs: tuple[str, ...] = ()
    aliases: Mapping[str, str] | None = None
    given: tuple[Input, ...] = field(init=False, repr=False)
    """The inputs that an expression names."""
    records: frozenset[str] = field(init=False, repr=False)
    """What must have been recorded beside the candles: books, trades."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "given", tuple(item for item in self.inputs if item.given))
        records = frozenset(item.kind for item in self.inputs if item.kind in RECORDS.values())
        object.__setattr__(self, "records", records)

    @property
    def is_column(self) -> bool:
        """Whether its name alone, without parentheses, stands for a call with the defaults."""
        needed = [item for item in self.parameters if item.default is None]
        return bool(self.records) and not self.given and not needed

    @property
    def signature(self) -> str:
        """Return how it is written, with its defaults."""
        parts = [item.name for item in self.given]
        for item in self.parameters:
            parts.append(item.name if item.default is None else f"{item.name}={item.default}")
        if self.name in ("on", "of"):
            parts.reverse()
        return f"{self.name}({', '.join(parts)})"


def function(
    *,
    warm_up: Rule | int = 0,
    warm_up_text: str | None = None,
    memory: Rule | MemoryRule | int | None = None,
    source: str = "",
    ranges: Mapping[str, tuple[float, float]] | None = None,
    scope: Scope = "pair",
    group: str = "Plug-ins",
    name: str | None = None,
) -> Callable[[C], C]:
    """Make a Python function one of the expression language.

    Its signature says how it is called: parameters annotated ``FloatArray`` are series of
    numbers, ``BoolArray`` conditions, ``int`` and ``float`` constants; one called ``open``,
    ``high``, ``low``, ``close``, ``volume`` or ``time`` (``IntArray``, UTC ns) is the candles' own
    column and not written in the call. ``BarBooks`` and ``BarTrades`` are what was recorded, joined
    to the bars. It takes and returns (T,) arrays of one pair, must not
    change its inputs, and must be causal: what it gives for a prefix of the bars must be, bit for
    bit, the prefix of what it gives for all of them.

    Parameters
    ----------
    warm_up : int or callable
        Leading bars without a value, beyond those of the inputs; called with the constants.
    warm_up_text : str, optional
        The same in words, for the documentation.
    memory : int or callable, optional
        Bars before its own that a value rests on, bit for bit, or the `Memory` that says more;
        called with the constants. A session then computes the newest values from these alone,
        however long it has run. Left out: a value may rest on all bars before.
    source : str
        Paper, book or definition.
    ranges : mapping, optional
        Inclusive range of a constant; an ``int`` is between 1 and `MAX_BARS` unless said.
    scope : str
        See `Function`.
    group : str
        Under which it is documented.
    name : str, optional
        In expressions, where it must differ from the Python name.
    """

    def decorate(code: C) -> C:
        inputs, parameters = _read_signature(code, ranges or {})
        rule: Rule = warm_up if callable(warm_up) else _fixed(warm_up)
        text = warm_up_text or _rule_text(rule, parameters)
        returns = _words(inspect.signature(code).return_annotation)
        made = Function(
            name=name or code.__name__,
            group=group,
            summary=" ".join((inspect.getdoc(code) or "").split("\n\n")[0].split()),
            inputs=inputs,
            parameters=parameters,
            gives="condition" if "bool" in returns.lower() else "number",
            scope=scope,
            warm_up=rule,
            warm_up_text=text,
            memory=None if memory is None else _memory_rule(memory),
            source=source,
            call=code,
        )
        setattr(code, ATTRIBUTE, made)
        return code

    return decorate


IMPLIED = ("open", "high", "low", "close", "volume", "time")


def _fixed(bars: int) -> Rule:
    return lambda *_, **__: bars


def _memory_rule(rule: Rule | MemoryRule | int) -> MemoryRule:
    def memory(**values: Constant) -> Memory:
        found = rule(**values) if callable(rule) else rule
        return found if isinstance(found, Memory) else Memory(found)

    return memory


def _rule_text(rule: Rule, parameters: tuple[Parameter, ...]) -> str:
    """Return the rule's value for its defaults, where it has them all."""
    values = {item.name: item.default for item in parameters}
    if None in values.values():
        return "by its parameters"
    bars = rule(**values)
    return "none" if not bars else f"{bars} bar{'s' if bars != 1 else ''} by default"


def _words(annotation: object) -> str:
    """Return an annotation as text, whether its module postpones annotations or not."""
    plain = isinstance(annotation, type) and not hasattr(annotation, "__args__")
    return annotation.__name__ if plain else str(annotation)  # type: ignore[attr-defined]


def _read_signature(
    code: Callable[..., Any], ranges: Mapping[str, tuple[float, float]]
) -> tuple[tuple[Input, ...], tuple[Parameter, ...]]:
    inputs: list[Input] = []
    parameters: list[Parameter] = []
    for item in inspect.signature(code).parameters.values():
        kind = _words(item.annotation)
        if kind in ("int", "float"):
            bounds = (1.0, float(MAX_BARS)) if kind == "int" else (-1e15, 1e15)
            low, high = ranges.get(item.name, bounds)
            default = None if item.default is inspect.Parameter.empty else item.default
            parameters.append(
                Parameter(item.name, "int" if kind == "int" else "float", default, low, high)
            )
        elif kind in RECORDS:
            inputs.append(Input(item.name, RECORDS[kind], given=False))
        elif "Array" in kind or "ndarray" in kind or "NDArray" in kind:
            condition = "bool" in kind.lower()
            inputs.append(
                Input(item.name, "condition" if condition else "number", item.name not in IMPLIED)
            )
        else:
            raise TypeError(
                f"{code.__name__}: parameter {item.name!r} must be annotated FloatArray, "
                f"BoolArray, BarBooks, BarTrades, int or float (was {kind})"
            )
    return tuple(inputs), tuple(parameters)
