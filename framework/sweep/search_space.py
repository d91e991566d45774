"""What a sampler explores: the command line's axes, or else the strategy's search block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from framework.errors import UserError, did_you_mean
from framework.sweep.dimensions import Dimension, Wrong, of_entry, of_override
from framework.sweep.space import MOST_TRIALS, same_for_all

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Fixed words and what is explored beside them."""

    fixed: tuple[str, ...]
    """Words of every trial."""

    dimensions: tuple[Dimension, ...]

    def words(self, params: Mapping[str, Any]) -> list[str]:
        """Return the words of the trial with some parameters."""
        return [*self.fixed, *(each.word(params[each.key]) for each in self.dimensions)]

    def probes(self) -> list[list[str]]:
        """Return the words of trials with every least, greatest and chosen value at least once."""
        ends = [each.ends for each in self.dimensions]
        return [
            self.words(
                {
                    each.key: values[min(row, len(values) - 1)]
                    for each, values in zip(self.dimensions, ends, strict=True)
                }
            )
            for row in range(max(map(len, ends)))
        ]

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return what a sampler draws each parameter from."""
        return {each.key: each.distribution() for each in self.dimensions}

    def grid(self, seed: int) -> Sequence[dict[str, Any]]:
        """Return all combinations, in an order drawn with a seed.

        Raises
        ------
        UserError
            A range has no step, or there are too many combinations.
        """
        values: list[tuple[Any, ...]] = []
        faults: list[str] = []
        for each in self.dimensions:
            try:
                values.append(each.grid)
            except Wrong as wrong:
                faults.append(f"{each.key}: {wrong}")
        count = math.prod(map(len, values))
        if count > MOST_TRIALS:
            faults.append(f"sweep: has {count:,} combinations, more than {MOST_TRIALS:,}.")
        if faults:
            raise UserError(*faults)
        shape = [len(each) for each in values]
        keys = [each.key for each in self.dimensions]
        return [
            dict(zip(keys, (each[k] for each, k in zip(values, place, strict=True)), strict=True))
            for place in zip(
                *(
                    axis.tolist()
                    for axis in np.unravel_index(
                        np.random.default_rng(seed).permutation(count), shape
                    )
                ),
                strict=True,
            )
        ]


def read_space(
    words: Sequence[str], loader: ConfigLoader, load: Callable[[Sequence[str]], DictConfig]
) -> SearchSpace:
    """Return what a command line, or else the strategy, lets a sampler explore.

    Parameters
    ----------
    words : sequence of str
        As Hydra got them, without its own.
    loader : ConfigLoader
        Knows the choices that ``glob`` stands for.
    load : callable
        Gives the composed configuration of some words.

    Raises
    ------
    UserError
        With every fault of the space, or when nothing is explored.
    """
    parser = OverridesParser.create(config_loader=loader)
    fixed: dict[str, str] = {}
    axes: dict[str, Override] = {}
    for override in parser.parse_overrides(list(words)):
        key = override.get_key_element()
        if override.is_sweep_override():
            fixed.pop(key, None)
            axes[key] = override
        else:
            axes.pop(key, None)
            fixed[key] = str(override.input_line)
    config = load(list(fixed.values()))
    dimensions: list[Dimension] = []
    faults: list[str] = []
    search = {} if axes else _entries(config, fixed)
    for override in axes.values():
        name = override.key_or_group
        try:
            _require_own(name, override.get_value_string())
            dimensions.append(of_override(override, OmegaConf.select(config, name)))
        except Wrong as wrong:
            faults.append(f"{name}: {wrong}")
    for name, entry in search.items():
        try:
            _require_own(name, str(entry))
            dimensions.append(of_entry(name, entry, _known(config, name)))
        except Wrong as wrong:
            faults.append(f"search.{name}: {wrong}")
    if faults:
        raise UserError(*faults)
    if not dimensions:
        raise UserError(
            "search: nothing is left to explore; name it on the command line, such as "
            "'strategy.params.fast=interval(5,50)', or in the strategy's search block."
        )
    return SearchSpace(tuple(fixed.values()), tuple(dimensions))


def _require_own(name: str, text: str) -> None:
    if same_for_all(name):
        raise Wrong(f"is the same for all trials of a sweep (was {text}).")


def _entries(config: DictConfig, fixed: Mapping[str, str]) -> dict[str, object]:
    """Return the entries of the strategy's search block that the command line leaves open."""
    block = OmegaConf.to_container(config.search, resolve=True)
    assert isinstance(block, dict)  # noqa: S101 - the schema says so
    given = {key.lstrip("+") for key in fixed}
    return {str(name): entry for name, entry in block.items() if str(name) not in given}


def _known(config: DictConfig, name: str) -> object:
    """Return the value of a key; Wrong where there is none."""
    parent, _, last = name.rpartition(".")
    beside = OmegaConf.select(config, parent) if parent else config
    if not OmegaConf.is_config(beside) or last not in beside:
        names = [str(key) for key in beside] if isinstance(beside, DictConfig) else []
        raise Wrong(f"no such key.{did_you_mean(last, names)}")
    return OmegaConf.select(config, name)
