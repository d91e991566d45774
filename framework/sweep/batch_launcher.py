"""Hydra launcher ``batch``: what can go through the engine together does, the rest is jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from framework.errors import FrameworkError, UserError
from framework.sweep.alone import compose, free_folder, read_result, run_alone
from framework.sweep.trial import Trial, TrialResult

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction

    from framework.market.certificate import Certificate
    from framework.sweep.batch import Checked
    from framework.sweep.candle_shelf import CandleShelf
    from framework.sweep.groups import Group


_TREES = 64
"""Compositions kept for the next launch."""


class Recorder(Protocol):
    """Who is told of results as they come."""

    @property
    def done(self) -> Mapping[int, TrialResult]:
        """Trials that need not be run, by their index."""
        ...

    def begin(self) -> None:
        """All trials asked for are sound; data is read next."""

    def take(self, results: Sequence[TrialResult], certificate: Certificate | None) -> None:
        """Keep results; with the certificate of their data where they are no runs of their own."""


class _Nobody:
    done: Mapping[int, TrialResult] = {}

    def begin(self) -> None:
        pass

    def take(self, results: Sequence[TrialResult], certificate: Certificate | None) -> None:
        pass


class BatchLauncher(Launcher):
    """Runs trials in this process.

    ``launch`` returns one JobReturn for each trial, in order: its value is a `TrialResult`, or the
    fault for which it failed.
    """

    def __init__(self) -> None:
        self.recorder: Recorder = _Nobody()
        self.strict = True
        """Whether one unsound trial stops all before data is read; else it fails alone."""
        self._shelf: CandleShelf | None = None
        self._trees: dict[tuple[str, ...], dict[str, Any]] = {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over."""
        self.hydra_context = hydra_context
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the trials.

        Raises
        ------
        UserError
            Before any data is read, with every fault of every trial, if it is strict.
        """
        setup_globals()
        trials, shared = self._trials(job_overrides, initial_job_idx)
        done = self.recorder.done
        groups = self._groups([each for each in trials if each.index not in done], shared)
        results: dict[int, TrialResult | Exception] = dict(done)
        batches, jobs, unsound = self._checked(groups, shared)
        self.recorder.begin()
        for group, fault in unsound:
            results[group.trials[0].index] = self._failed(group, 0, fault)
        for each in self.run_batches(batches):
            results |= {
                result.index: result if result.error is None else UserError(result.error)
                for result in each
            }
        for group in jobs:
            for row, trial in enumerate(group.trials):
                results[trial.index] = self._run_job(group, row, shared)
        return [
            _job_return(words, results[trial.index])
            for words, trial in zip(job_overrides, trials, strict=True)
        ]

    def check(self, job_overrides: Sequence[Sequence[str]]) -> None:
        """Raise UserError with every fault of some trials, without running any."""
        setup_globals()
        trials, shared = self._trials(job_overrides, 0)
        self._checked(self._groups(trials, shared), shared)

    def batches(self, job_overrides: Sequence[Sequence[str]]) -> tuple[list[Checked], CandleShelf]:
        """Return trials as batches, numbered in the order given, and what their candles are on."""
        setup_globals()
        trials, shared = self._trials(job_overrides, 0)
        batches, _, _ = self._checked(self._groups(trials, shared), shared)
        return batches, self._candles()

    def run_batches(self, batches: Sequence[Checked]) -> Iterator[Sequence[TrialResult]]:
        """Run groups that are batches and yield results as they come, each taken down before."""
        from framework.sweep.isolate import run_isolated

        shelf = self._candles()
        for checked in batches:
            certificate = shelf.load(checked.settings, checked.warmup).certificate
            for results in run_isolated(checked, shelf):
                self.keep(results, certificate)
                yield results

    def _candles(self) -> CandleShelf:
        """Return the shelf, which stays from one launch to the next."""
        from framework.sweep.candle_shelf import CandleShelf

        self._shelf = self._shelf or CandleShelf()
        return self._shelf

    def _trials(
        self, job_overrides: Sequence[Sequence[str]], first: int
    ) -> tuple[list[Trial], list[str]]:
        """Return trials with the words of their own, and the words that all share."""
        fixed = set(self.config.hydra.overrides.task).intersection(*job_overrides)
        trials = [
            Trial(index, tuple(word for word in words if word not in fixed))
            for index, words in enumerate(job_overrides, start=first)
        ]
        return trials, [word for word in (job_overrides or [[]])[0] if word in fixed]

    def _groups(self, trials: Sequence[Trial], shared: Sequence[str]) -> list[Group]:
        from framework.sweep.groups import split

        return split(trials, shared, self._referred_to())

    def keep(self, results: Sequence[TrialResult], certificate: Certificate) -> None:
        """Have results taken down; trials that failed traded on nothing."""
        good = [result for result in results if result.error is None]
        failed = [result for result in results if result.error is not None]
        if good:
            self.recorder.take(good, certificate)
        if failed:
            self.recorder.take(failed, None)

    def _referred_to(self) -> list[str]:
        """Return the keys that other parts of the configuration refer to."""
        text = OmegaConf.to_yaml(self.config, resolve=False)
        return re.findall(r"\$\{([\w.]+)\}", text)

    def _checked(
        self, groups: Sequence[Group], shared: Sequence[str]
    ) -> tuple[list[Checked], list[Group], list[tuple[Group, UserError]]]:
        """Return the groups that are batches, known to be sound, those that are jobs, and trials
        that are unsound.
        """
        batches: list[Checked] = []
        jobs: list[Group] = []
        unsound: list[tuple[Group, UserError]] = []
        waiting = list(groups)
        while waiting:
            group = waiting.pop(0)
            try:
                checked = self._check(group)
            except UserError as error:
                if self.strict or len(group.trials) == 1:
                    unsound.append((group, error))
                else:  # one by one, to find those that are sound
                    waiting[:0] = group.singles(shared)
                continue
            if checked is None:
                jobs.append(group)
            else:
                batches.append(checked)
        if self.strict and unsound:
            faults = (fault for _, error in unsound for fault in error.faults)
            raise UserError(*dict.fromkeys(faults))
        return batches, jobs, unsound

    def _check(self, group: Group) -> Checked | None:
        """Return a group as a batch, or None where its trials must be jobs."""
        from framework.backtest.evaluation import require_closed
        from framework.run import plugins_of, settings_of
        from framework.sweep.batch import can_batch, check_group

        tree = self._trees.get(group.key)
        if tree is None:
            tree = compose(self.hydra_context, self.config, group.words)
        require_closed(tree["evaluation"])
        plugins = plugins_of(tree)
        if not can_batch(tree):
            settings_of(tree, plugins)
            return None
        checked = check_group(group, tree, plugins)
        if len(self._trees) < _TREES:
            self._trees[group.key] = tree
        return checked

    def _run_job(
        self, group: Group, row: int, shared: Sequence[str]
    ) -> TrialResult | FrameworkError:
        """Run one trial as a job of its own, in a folder of its own."""
        trial = group.trials[row]
        directory = free_folder(Path(self.config.hydra.sweep.dir) / str(trial.index))
        words = (*shared, *trial.overrides)
        fault = run_alone(self.hydra_context, self.config, words, directory, trial.index)
        if fault is not None:
            return self._failed(group, row, fault)
        result = read_result(trial.index, group.params[row], directory)
        self.recorder.take([result], None)
        return result

    def _failed(self, group: Group, row: int, fault: FrameworkError) -> FrameworkError:
        """Take down that a trial failed."""
        line = str(fault).replace("\n", " ")
        result = TrialResult(group.trials[row].index, group.params[row], {}, error=line)
        self.recorder.take([result], None)
        return fault


def _job_return(words: Sequence[str], result: TrialResult | Exception) -> JobReturn:
    failed = isinstance(result, Exception)
    return JobReturn(
        overrides=words,
        status=JobStatus.FAILED if failed else JobStatus.COMPLETED,
        _return_value=result,
    )
