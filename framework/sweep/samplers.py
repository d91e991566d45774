"""Optuna's samplers, made such that what they draw does not depend on when a sweep was killed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from framework.sweep.sampler_settings import SamplerSettings

_GENERATION = 50
_STARTUP = 10

BLIND = ("cmaes",)
"""Samplers that learn and know no constraints: what breaks one must look bad to them."""


class RepeatableSampler(BaseSampler):
    """Draws as one of Optuna's samplers does that is made anew for each batch.

    Its seed is made of the sweep's and of the number of the batch's first trial. So a sweep that
    goes on does not draw once more what it drew before, nor do processes that share a study.

    Parameters
    ----------
    settings : SamplerSettings
        Of the sampler.
    """

    def __init__(self, settings: SamplerSettings) -> None:
        self._settings = settings
        self._sampler: BaseSampler | None = None
        self.given: Mapping[str, Any] | None = None
        """Parameters of the next trial; None: to be drawn."""

    def renew(self) -> None:
        """Begin a new batch."""
        self._sampler = None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let the sampler of this batch see a trial that begins."""
        self._of(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what is drawn together: nothing where all is given."""
        if self.given is not None:
            return {}
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return parameters drawn together."""
        if self.given is not None:
            return {}
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return one parameter: the one given, or one drawn by itself."""
        if self.given is not None:
            return self.given[param_name]
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Let the sampler of this batch see a trial that ended."""
        self._of(trial).after_trial(study, trial, state, values)

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if self._sampler is None:
            words = np.random.SeedSequence([self._settings.seed, trial.number])
            self._sampler = _make(self._settings, int(words.generate_state(1)[0]))
        return self._sampler


def _make(settings: SamplerSettings, seed: int) -> BaseSampler:
    if settings.sampler == "tpe":
        # what runs is taken for bad (`constant_liar`), so that a batch does not crowd
        startup = settings.startup or _STARTUP
        return TPESampler(n_startup_trials=startup, constant_liar=True, seed=seed)
    if settings.sampler == "cmaes":
        return CmaEsSampler(
            n_startup_trials=settings.startup or _STARTUP,
            warn_independent_sampling=False,
            seed=seed,
        )
    if settings.sampler == "nsga2":
        return NSGAIISampler(population_size=settings.startup or _GENERATION, seed=seed)
    return RandomSampler(seed=seed)
