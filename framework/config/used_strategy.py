"""What one strategy takes of another: parameters, features and rules, under longer names.

A strategy is data here: its texts are read to rename what they name, and never evaluated.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framework.errors import UserError, did_you_mean
from framework.types import Interval

RULES = ("enter", "exit", "enter_short", "exit_short", "target", "confidence")
"""What is taken besides parameters and features; each becomes a feature."""

BESIDE = ("name", "interval", "params", "direction", "anomaly")
"""What else a used strategy may say; its name and anomaly score are not taken."""

_REFUSED = {
    "entry_order": "is not for a strategy that is used: orders are the switching one's to give.",
    "exit_order": "is not for a strategy that is used: orders are the switching one's to give.",
    "switch": "is not for a strategy that is used: switches are not nested.",
}
_PAIRS = (("enter", "exit"), ("enter_short", "exit_short"))
_LONGEST = 4_000
"""Characters of an expression; longer ones are left to the compiler to refuse."""


@dataclass(frozen=True, slots=True)
class UsedStrategy:
    """A sound strategy, renamed.

    Parameters
    ----------
    name : str
        As in the name of its file.
    params : mapping
        Value of each parameter.
    features : mapping of str to str
        Expression of each feature.
    rules : mapping of str to str
        Expression of each rule, by its own name.
    direction : str
        ``long`` or ``both``.
    """

    name: str
    params: Mapping[str, Any]
    features: Mapping[str, str]
    rules: Mapping[str, str]
    direction: str

    @property
    def names(self) -> list[str]:
        """The names that it brings, each as often as it means something."""
        return [*self.params, *self.features, *(self.prefixed(rule) for rule in self.rules)]

    def prefixed(self, name: str) -> str:
        """Return a name as it is where this strategy is used."""
        return f"{prefix_of(self.name)}{name}"


def prefix_of(name: str) -> str:
    """Return what the names that a strategy of some name brings begin with."""
    return f"{name.replace('-', '_')}_"


def is_expression(value: object) -> bool:
    """Tell whether a value of YAML is, or stands for, the text of an expression."""
    return isinstance(value, str | bool | int | float)


def use_strategy(tree: Mapping[str, Any], name: str, interval: object) -> UsedStrategy:
    """Return what a strategy brings to the one that uses it.

    Parameters
    ----------
    tree : mapping
        Of its file.
    name : str
        As in the name of its file.
    interval : object
        Of the strategy that uses it.

    Raises
    ------
    UserError
        With one line for everything that keeps it from being used.
    """
    faults = [*_faults_of_maps(tree)]
    if not faults:
        faults = [*_faults_of_keys(tree["strategy"], interval), *_faults_of_texts(tree)]
    if faults:
        raise UserError(*(f"strategies/{name}.yaml: {fault}" for fault in faults))
    strategy, params, features = _maps(tree)
    prefix, own = prefix_of(name), {*map(str, params), *map(str, features)}
    return UsedStrategy(
        name=name,
        params={f"{prefix}{key}": value for key, value in params.items()},
        features={
            f"{prefix}{key}": renamed(str(text), own, prefix) for key, text in features.items()
        },
        rules={key: renamed(str(strategy[key]), own, prefix) for key in _rules(strategy)},
        direction=str(strategy.get("direction") or "long"),
    )


def renamed(text: str, names: Collection[str], prefix: str) -> str:
    """Return an expression with a prefix before some of the names in it.

    Functions, their arguments' names and texts in quotes stay as they are; what cannot be read
    does, too, for the compiler to say why.

    Examples
    --------
    >>> renamed("ema(close, bars=bars) > low[bars]", {"bars", "ema"}, "trend_")
    'ema(close, bars=trend_bars) > low[trend_bars]'
    """
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        return line
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return line
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    places = sorted(node.col_offset for node in found if id(node) not in called)
    source = line.encode()  # columns count bytes
    for place in reversed(places):
        source = source[:place] + prefix.encode() + source[place:]
    return source.decode()


def _maps(tree: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return the strategy's own section, its parameters and its features."""
    strategy = tree.get("strategy")
    params = strategy.get("params") if isinstance(strategy, Mapping) else None
    return strategy, params or {}, tree.get("features") or {}


def _rules(strategy: Mapping[str, Any]) -> list[str]:
    return [rule for rule in RULES if strategy.get(rule) is not None]


def _faults_of_maps(tree: Mapping[str, Any]) -> Iterator[str]:
    paths = ("strategy", "strategy.params", "features")
    for path, value in zip(paths, _maps(tree), strict=True):
        if not isinstance(value, Mapping):
            yield f"{path}: must be a mapping of names to values (was {value})."


def _faults_of_keys(strategy: Mapping[str, Any], interval: object) -> Iterator[str]:
    for key in map(str, strategy):
        if key in _REFUSED:
            yield f"strategy.{key}: {_REFUSED[key]}"
        elif key not in (*RULES, *BESIDE):
            yield f"strategy.{key}: no such key.{did_you_mean(key, (*RULES, *BESIDE))}"
    its, rules = strategy.get("interval"), _rules(strategy)
    if None not in (its, interval) and not _same(its, interval):
        yield (
            f"strategy.interval: must be {interval}, as where the strategy is used, or be left out "
            f"(was {its})."
        )
    for pair in _PAIRS:
        given = [rule for rule in pair if rule in rules]
        if given and "target" in rules:
            yield f"strategy.{given[0]}: goes without target."
        elif len(given) == 1:
            (other,) = set(pair) - set(given)
            yield f"strategy.{other}: a value is needed beside {given[0]}."
    if not {"target", "enter", "exit", "switch"} & {*rules, *strategy}:
        yield "strategy: give enter and exit, or target."


def _same(its: object, interval: object) -> bool:
    """Tell whether two intervals are one; what is none is reported elsewhere."""
    try:
        return Interval.parse(str(its)) == Interval.parse(str(interval))
    except ValueError:
        return str(its) == str(interval)


def _faults_of_texts(tree: Mapping[str, Any]) -> Iterator[str]:
    strategy, params, features = _maps(tree)
    texts = {f"features.{key}": text for key, text in features.items()}
    texts |= {f"strategy.{rule}": strategy[rule] for rule in _rules(strategy)}
    for path, text in texts.items():
        if not is_expression(text):
            yield f"{path}: must be an expression (was {text})."
    for path, value in [*texts.items(), *((f"strategy.params.{p}", v) for p, v in params.items())]:
        if "${" in str(value):
            yield f"{path}: an interpolation has no meaning where the strategy is used."
