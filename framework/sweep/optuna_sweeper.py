"""Hydra sweeper ``optuna``: a sampler asks for batches of trials and learns from their results."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from pydantic import ValidationError

from framework.errors import UserError
from framework.sweep.sweeper import LaunchingSweeper
from framework.sweep.trial import TrialResult

if TYPE_CHECKING:
    from framework.sweep.record import SweepRecord
    from framework.sweep.sampler_settings import SamplerSettings
    from framework.sweep.search_space import SearchSpace
    from framework.sweep.study import SweepStudy


class OptunaSweeper(LaunchingSweeper):
    """Asks a study for a batch of trials, hands them to the launcher, and tells what came of them.

    Parameters
    ----------
    **settings : Any
        As `SamplerSettings`.
    """

    def __init__(self, **settings: Any) -> None:
        self._wanted = settings

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep that a command line names.

        Raises
        ------
        FrameworkError
            The user's mistake before anything is written, or what failed.
        """
        from framework.sweep.alone import load_config
        from framework.sweep.batch_launcher import BatchLauncher
        from framework.sweep.close import close
        from framework.sweep.open import open_sweep
        from framework.sweep.search_space import read_space
        from framework.sweep.study import open_study, require_storage

        settings = _read(self._wanted)
        space = read_space(
            arguments,
            self._context.config_loader,
            lambda words: load_config(self._context, self._config, words),
        )
        grid = space.grid(settings.seed) if settings.sampler == "grid" else None
        total = settings.n_trials if grid is None else min(settings.n_trials, len(grid))
        probes = space.probes()
        with open_sweep(self._context, self._config, arguments, probes[0], total) as record:
            _require_one(settings, record)
            if isinstance(self._launcher, BatchLauncher):
                self._launcher.check(probes)
                self._launcher.recorder, self._launcher.strict = record, False
            require_storage(settings)
            record.begin()
            texts = [each.text for each in record.objectives]
            with open_study(record.directory, settings, space, texts) as study:
                _require_known(study, record)
                returns = self._run(settings, space, study, record, grid)
            jobs = [space.words(study.params[index]) for index in range(total)]
            close(record, self._context, self._config, jobs, returns, self._launcher)
        return returns

    def _run(
        self,
        settings: SamplerSettings,
        space: SearchSpace,
        study: SweepStudy,
        record: SweepRecord,
        grid: Sequence[dict[str, Any]] | None,
    ) -> list[JobReturn]:
        """Run the trials that are still to be run, batch by batch; return what came of all."""
        from framework.sweep.judgement import Judgement

        wanted = record.settings.sweep
        judgement = Judgement(
            record.objectives,
            record.constraints,
            wanted.min_trades,
            blind=settings.sampler == "cmaes",
        )
        given = {} if grid is None else dict(enumerate(grid))
        returns: dict[int, JobReturn] = {}
        for index, result in record.done.items():
            returns[index] = JobReturn(status=JobStatus.COMPLETED, _return_value=result)
        todo = [
            index
            for index in range(record.total)
            if index not in study.complete or index not in record.done
        ]
        for first in range(0, len(todo), settings.batch):
            batch = todo[first : first + settings.batch]
            study.ask((index for index in batch if index not in study.complete), given)
            for stretch in _stretches(batch):
                jobs = [space.words(study.params[index]) for index in stretch]
                ended = self._launcher.launch(jobs, initial_job_idx=stretch[0])
                returns |= dict(zip(stretch, ended, strict=True))
            for index in batch:
                study.tell(index, _result(returns[index]), judgement)
        return [returns[index] for index in range(record.total)]


def _read(wanted: dict[str, Any]) -> SamplerSettings:
    """Return the settings of the sampler, whose packages are known to be there."""
    from framework.config.faults import fault_lines
    from framework.sweep.sampler_settings import SamplerSettings

    try:
        settings = SamplerSettings(**wanted)
    except ValidationError as error:
        raise UserError(*fault_lines(error, SamplerSettings, "hydra.sweeper")) from None
    needed = ("optuna", "cmaes") if settings.sampler == "cmaes" else ("optuna",)
    for package in needed:
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"hydra/sweeper=optuna: {package} is not installed; pip install -e '.[sweep]'."
            )
    return settings


def _require_one(settings: SamplerSettings, record: SweepRecord) -> None:
    count = len(record.objectives)
    if settings.sampler == "cmaes" and count > 1:
        raise UserError(
            f"sweep.objective: cmaes looks for one (was {count}); hydra.sweeper.sampler=nsga2 "
            "weighs several against each other."
        )


def _require_known(study: SweepStudy, record: SweepRecord) -> None:
    unknown = sorted(set(record.done) - set(study.params))
    if unknown:
        raise UserError(
            f"sweep.resume: the study does not know trials of {record.directory}, the first is "
            f"{unknown[0]}; give the storage and study that the sweep was started with."
        )


def _stretches(indices: Sequence[int]) -> Iterator[list[int]]:
    """Yield runs of indices without a gap, as a launcher wants them."""
    stretch: list[int] = []
    for index in indices:
        if stretch and index != stretch[-1] + 1:
            yield stretch
            stretch = []
        stretch.append(index)
    if stretch:
        yield stretch


def _result(ended: JobReturn) -> TrialResult | None:
    """Return what a trial came to; None where it failed."""
    value = ended._return_value  # asking for `return_value` would raise the fault
    if isinstance(value, TrialResult):
        return value
    if isinstance(value, Exception):
        return None
    raise UserError(
        "hydra/launcher: hydra/sweeper=optuna needs one that hands on results, such as batch."
    )
