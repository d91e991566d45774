"""One key that a sampler explores: a range of numbers, or a choice of words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from framework.errors import did_you_mean

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_KEYS = ("low", "high", "step", "log", "choices")
_DIGITS = 12
"""Decimals of a value on a range with a step, which leave out what adding steps adds."""

_BARE = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_][\w.-]*", re.IGNORECASE)
"""Texts that Hydra reads as themselves."""


class Wrong(ValueError):
    """What is wrong with a dimension, as the end of a line."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Words of which one is taken."""

    key: str
    words: tuple[str, ...]

    def word(self, value: Any) -> str:
        """Return the override that gives the key a value."""
        return f"{self.key}={value}"

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that are tried before data is read: all."""
        return self.words

    @property
    def grid(self) -> tuple[Any, ...]:
        """All values."""
        return self.words

    def distribution(self) -> BaseDistribution:
        """Return what a sampler draws from."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.words)


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    key: str
    low: float
    high: float
    step: float | None
    log: bool
    whole: bool

    def word(self, value: Any) -> str:
        """Return the override that gives the key a value."""
        return f"{self.key}={value!r}"

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that are tried before data is read: the least and the greatest."""
        return (self.low, self.high)

    @property
    def grid(self) -> tuple[Any, ...]:
        """All values; only a range with a step has them."""
        if self.step is None:
            raise Wrong("has no step; a grid takes lists, choices and ranges with one.")
        count = round((self.high - self.low) / self.step) + 1
        return tuple(
            self.low + k * self.step if self.whole else round(self.low + k * self.step, _DIGITS)
            for k in range(count)
        )

    def distribution(self) -> BaseDistribution:
        """Return what a sampler draws from."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)


Dimension = Choices | Range


def of_override(override: Override, now: object) -> Dimension:
    """Return what a word of the command line explores.

    Parameters
    ----------
    override : Override
        With a sweep for a value.
    now : object
        Value of the key without it; decides between whole numbers and others.

    Raises
    ------
    Wrong
        It spans nothing.
    """
    key, value = override.get_key_element(), override.value()
    log = "log" in getattr(value, "tags", ())
    if isinstance(value, IntervalSweep):
        low, high = value.start or 0.0, value.end or 0.0
        whole = "int" in value.tags or isinstance(low, int) or _is_whole(now)
        return _range(key, low, high, None, log, whole and low == int(low) and high == int(high))
    try:
        texts = tuple(dict.fromkeys(override.sweep_string_iterator()))
    except ValueError as wrong:
        raise Wrong(f"{override.get_value_string()} is no range ({wrong}).") from None
    if not texts:
        raise Wrong(f"{override.get_value_string()} is empty.")
    if isinstance(value, RangeSweep) and len(texts) > 1:
        numbers = sorted(float(text) for text in texts)
        whole = all(float(text) == int(float(text)) for text in texts) and "." not in "".join(texts)
        step = None if log else abs(float(value.step))
        return _range(key, numbers[0], numbers[-1], step, log, whole and not _is_real(now))
    return Choices(key, texts)


def of_entry(key: str, entry: object, now: object) -> Dimension:
    """Return what an entry of a strategy's ``search`` explores; as `of_override`."""
    if not isinstance(entry, Mapping):
        raise Wrong(f"must be {{low: 5, high: 50}} or {{choices: [...]}} (was {entry!r}).")
    for name in entry:
        if name not in _KEYS:
            raise Wrong(f"'{name}' is no key of a range.{did_you_mean(str(name), _KEYS)}")
    if "choices" in entry:
        if len(entry) > 1:
            raise Wrong("takes choices alone, or low and high.")
        return _choices(key, entry["choices"])
    for name in ("low", "high"):
        if name not in entry:
            raise Wrong(f"needs {name}.")
    for name in ("low", "high", "step"):
        if name in entry and not _is_number(entry[name]):
            raise Wrong(f"{name} must be a number (was {entry[name]!r}).")
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise Wrong(f"log must be true or false (was {log!r}).")
    low, high, step = entry["low"], entry["high"], entry.get("step")
    whole = all(isinstance(each, int) for each in (low, high) if each is not None)
    whole = whole and (step is None or isinstance(step, int)) and not _is_real(now)
    return _range(key, low, high, step, log, whole)


def _range(key: str, low: float, high: float, step: float | None, log: bool, whole: bool) -> Range:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Wrong(f"must have finite ends (was {low!r} and {high!r}).")
    if low >= high:
        raise Wrong(f"low must be below high (was {low:g} and {high:g}).")
    if log and low <= 0:
        raise Wrong(f"low must be greater than 0 where log is true (was {low:g}).")
    if log and step is not None:
        raise Wrong("takes either log or step.")
    if step is not None and not 0 < step <= high - low:
        raise Wrong(f"step must be greater than 0 and at most {high - low:g} (was {step:g}).")
    kind = int if whole else float
    if step is not None:
        steps = math.floor((high - low) / step + 1e-9)
        high = low + steps * step if whole else round(low + steps * step, _DIGITS)
    return Range(key, kind(low), kind(high), None if step is None else kind(step), log, whole)


def _choices(key: str, values: object) -> Choices:
    if not isinstance(values, list) or not values:
        raise Wrong(f"choices must be a list of values (was {values!r}).")
    for value in values:
        if not isinstance(value, str | bool | int | float | None):
            raise Wrong(f"choices must be numbers, texts, true, false or null (was {value!r}).")
    return Choices(key, tuple(dict.fromkeys(_text(value) for value in values)))


def _text(value: str | bool | int | float | None) -> str:
    """Return a value as Hydra's grammar writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) or _BARE.fullmatch(value):
        return str(value)
    escaped = value.replace("'", "\\'")
    return f"'{escaped}'"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return isinstance(value, float)
