"""The command line of a sweep as axes and fixed words; every fault of it at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from framework.errors import UserError

MOST_TRIALS = 1_000_000
"""Combinations that one grid may have."""

_NOT_SWEPT = (
    *("run_dir", "database", "store", "mode", "report", "run", "runs", "plugins", "search"),
    *("evaluation", "sweep"),
)
"""Keys of a run as a whole, with all below them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A key and the words that give it each of its values."""

    key: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """What a command line asks for."""

    fixed: tuple[str, ...]
    """Words of every trial."""

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return math.prod(len(axis.words) for axis in self.axes)

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """Yield the words of each trial, those of the axes alone; the last axis changes fastest."""
        return product(*(axis.words for axis in self.axes))


def read_grid(words: Sequence[str], loader: ConfigLoader) -> Grid:
    """Return the fixed words and axes of a command line.

    Parameters
    ----------
    words : sequence of str
        As Hydra got them, without its own.
    loader : ConfigLoader
        Knows the choices that ``glob`` stands for.

    Raises
    ------
    UserError
        For empty axes, intervals, keys that no trial can differ in, and too many trials.
    """
    parser = OverridesParser.create(config_loader=loader)
    fixed: dict[str, str] = {}
    axes: dict[str, Axis] = {}
    faults: list[str] = []
    for override in parser.parse_overrides(list(words)):
        key = override.get_key_element()
        if not override.is_sweep_override():
            axes.pop(key, None)
            fixed[key] = str(override.input_line)
            continue
        fixed.pop(key, None)
        axis, fault = _axis(override, key)
        if fault:
            faults.append(f"{override.key_or_group}: {fault}")
        axes[key] = axis
    grid = Grid(tuple(fixed.values()), tuple(axes.values()))
    if len(grid) > MOST_TRIALS:
        faults.append(
            f"sweep: has {len(grid):,} combinations, more than {MOST_TRIALS:,}; a sampler explores "
            "large spaces: hydra/sweeper=optuna."
        )
    if faults:
        raise UserError(*faults)
    return grid


def same_for_all(name: str) -> bool:
    """Tell whether no trial of a sweep can differ in a key."""
    return name.partition(".")[0] in _NOT_SWEPT


def _axis(override: Override, key: str) -> tuple[Axis, str]:
    """Return an axis and what is wrong with it."""
    name, text = override.key_or_group, override.get_value_string()
    if same_for_all(name):
        return Axis(key, ("",)), f"is the same for all trials of a sweep (was {text})."
    if override.is_interval_sweep():
        return Axis(
            key, ("",)
        ), f"{text} needs hydra/sweeper=optuna; a grid takes lists and ranges."
    try:
        values = tuple(dict.fromkeys(override.sweep_string_iterator()))
    except ValueError as wrong:
        return Axis(key, ("",)), f"{text} is no range ({wrong})."
    if not values:
        return Axis(key, ("",)), f"{text} is empty."
    return Axis(key, tuple(f"{key}={value}" for value in values)), ""
