"""Which trials differ in numbers only and can go through the engine together.

Within a group the configuration is composed once; what differs are parameters of the strategy and
numbers of the rules, which are put into the composed tree. A trial that differs in anything else, a
choice, a text, a null, belongs to another group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from framework.sweep.trial import Trial, Value

SECTIONS = ("risk", "execution", "exchange")
"""Parts of the configuration that hold the engine's rules."""

_NUMBERS = re.compile(
    r"(?:risk|execution)\.\w+"
    r"|exchange\.(?:maker_fee_bps|taker_fee_bps|borrow_rate|maintenance_margin)"
)
_PARAMETER = re.compile(r"strategy\.params\.(\w+)")
_WORD = re.compile(
    r"(?P<key>\+{0,2}[\w.]+)="
    r"(?:(?P<whole>[+-]?(?:0|[1-9]\d*))"
    r"|(?P<real>[+-]?(?:(?:0|[1-9]\d*)?\.\d+|(?:0|[1-9]\d*)\.)(?:[eE][+-]?\d+)?"
    r"|[+-]?(?:0|[1-9]\d*)[eE][+-]?\d+))"
)
"""A plain number given to a key, as Hydra's grammar has it: read without its parser."""


@dataclass(frozen=True, slots=True)
class Word:
    """One override, read."""

    text: str
    name: str
    """Key without a plus."""
    value: Value
    in_tree: bool
    """Whether its value can be put into a composed tree."""


@dataclass(slots=True)
class Group:
    """Trials that are composed once.

    Parameters
    ----------
    key : tuple of str
        Words that its trials share, and the keys of the others: equal for equal compositions.
    words : tuple of str
        Hydra's words of the first trial.
    names : tuple of str
        Keys whose values are put into the tree.
    trials : list of Trial
        P.
    values : list of tuple
        P times the values of `names`.
    params : list of dict
        P times the key and value of every axis.
    """

    key: tuple[str, ...]
    words: tuple[str, ...]
    names: tuple[str, ...]
    trials: list[Trial] = field(default_factory=list)
    values: list[tuple[Value, ...]] = field(default_factory=list)
    params: list[dict[str, Value]] = field(default_factory=list)

    def part(self, rows: Sequence[int]) -> Group:
        """Return a group of some of the trials."""
        return replace(
            self,
            trials=[self.trials[row] for row in rows],
            values=[self.values[row] for row in rows],
            params=[self.params[row] for row in rows],
        )

    def singles(self, shared: Sequence[str]) -> list[Group]:
        """Return a group of each trial; `shared` are the words of all groups."""
        return [
            replace(self.part([row]), words=(*shared, *trial.overrides))
            for row, trial in enumerate(self.trials)
        ]

    def columns(self, section: str) -> list[int]:
        """Return which of the values belong to a section of the configuration."""
        return [k for k, name in enumerate(self.names) if name.startswith(f"{section}.")]

    def strategy_params(self, row: int) -> dict[str, Any]:
        """Return the parameters of the strategy that a trial changes."""
        return {
            self.names[k].rpartition(".")[2]: self.values[row][k] for k in self.columns("strategy")
        }

    def section(self, tree: Mapping[str, Any], section: str, values: Sequence[Value]) -> Any:
        """Return a section of the tree with the values of `columns` put in."""
        changed = dict(tree[section])
        for k, value in zip(self.columns(section), values, strict=True):
            changed[self.names[k].rpartition(".")[2]] = value
        return changed


def split(trials: Sequence[Trial], fixed: Sequence[str], apart: Sequence[str] = ()) -> list[Group]:
    """Return the groups of `trials`, in the order of their first.

    Parameters
    ----------
    trials : sequence of Trial
    fixed : sequence of str
        Words of every trial.
    apart : sequence of str
        Keys whose values make groups of their own all the same, because other parts of the
        configuration refer to them.
    """
    read: dict[str, Word] = {}
    groups: dict[tuple[str, ...], Group] = {}
    for trial in trials:
        words = [read.get(text) or read.setdefault(text, _word(text)) for text in trial.overrides]
        numbers = [word for word in words if word.in_tree and word.name not in apart]
        key = tuple(
            f"{word.text.partition('=')[0]}=" if word in numbers else word.text for word in words
        )
        group = groups.get(key)
        if group is None:
            names = tuple(word.name for word in numbers)
            group = groups[key] = Group((*fixed, *key), (*fixed, *trial.overrides), names)
        group.trials.append(trial)
        group.values.append(tuple(word.value for word in numbers))
        group.params.append({word.name: word.value for word in words})
    return list(groups.values())


def _word(text: str) -> Word:
    match = _WORD.fullmatch(text)
    if match is not None:
        value: Any = int(match["whole"]) if match["whole"] else float(match["real"])
        name = match["key"].lstrip("+")
        return Word(text, name, value, bool(_NUMBERS.fullmatch(name) or _PARAMETER.fullmatch(name)))
    (override,) = OverridesParser.create().parse_overrides([text])
    name, value = override.key_or_group, override.value()
    plain = isinstance(value, str | bool | int | float) and "${" not in str(value)
    if not isinstance(value, str | bool | int | float | None):
        value = text.partition("=")[2]
    return Word(text, name, value, plain and bool(_PARAMETER.fullmatch(name)))
