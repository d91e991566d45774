"""An Optuna study as the memory of a sweep: which trial asked for what, and what came of it.

Every step is in the study's database before the next one is made, so that a sweep killed at any
moment finds its trials again: those without a result are given up there and asked for once more
with the same parameters.
"""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.pruners import NopPruner
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from framework.errors import OutsideFault, UserError
from framework.results.run_directory import RunDirectory
from framework.sweep.judgement import Judgement
from framework.sweep.sampler_settings import SamplerSettings
from framework.sweep.samplers import RepeatableSampler
from framework.sweep.search_space import SearchSpace
from framework.sweep.trial import TrialResult

_OWN = "trial"
"""Attribute of a trial in the study: the sweep that asked for it, and its index there."""

_STORAGE = "hydra.sweeper.storage"


class _Unqueued(optuna.Study):
    """A study in which nobody puts trials into a queue, so that none need be looked for there."""

    def _pop_waiting_trial_id(self) -> None:
        """Spare each question a reading of all trials that run."""


class SweepStudy:
    """The trials of one sweep in a study; made by `open_study`.

    Parameters
    ----------
    study : Study
        Of Optuna; other sweeps may add trials to it.
    sampler : RepeatableSampler
        Of the study.
    space : SearchSpace
        That it explores.
    sweep : str
        What marks this sweep's trials.
    """

    def __init__(
        self, study: optuna.Study, sampler: RepeatableSampler, space: SearchSpace, sweep: str
    ) -> None:
        self._study, self._sampler, self._sweep = study, sampler, sweep
        self._distributions = space.distributions()
        self.params: dict[int, dict[str, Any]] = {}
        """What each trial of this sweep asked for, by its index."""
        self.complete: set[int] = set()
        """Trials whose result the study has."""
        self._asked: dict[int, Trial] = {}

    def recover(self, alone: bool) -> None:
        """Read what the sweep has asked for before, and give up what it left running.

        Parameters
        ----------
        alone : bool
            No other sweep has trials in the study, so that those of nobody are this one's.
        """
        for trial in self._study.get_trials(deepcopy=False):
            sweep, index = trial.user_attrs.get(_OWN, (None, None))
            if sweep == self._sweep:
                self.params[index] = dict(trial.params)
                if trial.state == TrialState.COMPLETE:
                    self.complete.add(index)
            running = trial.state == TrialState.RUNNING
            if running and (sweep == self._sweep or (sweep is None and alone)):
                self._study.tell(trial.number, state=TrialState.FAIL)

    def ask(
        self, indices: Iterable[int], given: Mapping[int, dict[str, Any]] | None = None
    ) -> None:
        """Ask for the parameters of a batch of trials that the study has no result of.

        Parameters
        ----------
        indices : iterable of int
            Of the trials; one that asked before gets the same parameters.
        given : mapping
            Parameters that need not be drawn.
        """
        self._sampler.renew()
        for index in indices:
            self._sampler.given = self.params.get(index, (given or {}).get(index))
            trial = self._study.ask(self._distributions)
            trial.set_user_attr(_OWN, [self._sweep, index])
            self.params[index] = dict(trial.params)
            self._asked[index] = trial

    def tell(self, index: int, result: TrialResult | None, judgement: Judgement) -> None:
        """Write down what came of a trial that was asked for; None: it failed."""
        trial = self._asked.pop(index, None)
        if trial is None:
            return
        if result is None or result.error is not None:
            self._study.tell(trial, state=TrialState.FAIL)
            return
        values, violations = judgement.of(result)
        for name, violation in violations.items():
            trial.set_constraint(name, violation)
        self._study.tell(trial, values)
        self.complete.add(index)


@contextmanager
def open_study(
    directory: Path, settings: SamplerSettings, space: SearchSpace, objectives: Sequence[str]
) -> Iterator[SweepStudy]:
    """Make or find the study of a sweep, with what it asked for before.

    Parameters
    ----------
    directory : Path
        Of the sweep.
    settings : SamplerSettings
        Where the study is.
    space : SearchSpace
        That it explores.
    objectives : sequence of str
        All to be maximised.

    Raises
    ------
    UserError
        The storage is none, or its study of that name explores or looks for something else.
    OutsideFault
        The storage cannot be reached, read or written.
    """
    sampler = RepeatableSampler(settings)
    with _opened(settings.storage or f"sqlite:///{directory / 'study.db'}") as storage:
        made = optuna.create_study(
            study_name=settings.study or directory.name,
            storage=storage,
            directions=["maximize"] * len(objectives),
            load_if_exists=True,
        )
        study = _Unqueued(made.study_name, storage, sampler, NopPruner())
        _require_same(study, space, objectives)
        found = SweepStudy(study, sampler, space, _mark(directory))
        found.recover(alone=settings.storage is None)
        yield found


def require_storage(settings: SamplerSettings) -> None:
    """Raise what is wrong with the storage that is to hold the study, if one is named."""
    if settings.storage is not None:
        with _opened(settings.storage):
            pass


@contextmanager
def _opened(url: str) -> Iterator[RDBStorage]:
    """Yield a storage, and say in one line what fails with it."""
    optuna.logging.disable_default_handler()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="optuna")
            storage = _open_storage(url)
            try:
                yield storage
            finally:
                storage.remove_session()
                storage.engine.dispose()
    except (SQLAlchemyError, StorageInternalError) as fault:
        cause = next(
            (each.orig for each in (fault, fault.__cause__) if isinstance(each, DBAPIError)), fault
        )
        line = str(cause).partition("\n")[0].rstrip(".")
        raise OutsideFault(f"{_STORAGE}: {line}.") from fault


def _open_storage(url: str) -> RDBStorage:
    try:
        sqlite = sqlalchemy.make_url(url).get_backend_name() == "sqlite"
        connect = {"timeout": 60.0} if sqlite else {}
        storage = RDBStorage(url, engine_kwargs={"connect_args": connect})
    except (ArgumentError, ImportError) as wrong:
        line = str(wrong).partition("\n")[0].rstrip(".")
        raise UserError(f"{_STORAGE}: must be a URL such as sqlite:///study.db ({line}).") from None
    if sqlite:
        sqlalchemy.event.listen(storage.engine, "connect", _hurry)
        storage.remove_session()
        storage.engine.dispose()
    return storage


def _hurry(connection: Any, _: object) -> None:
    """Let SQLite append what is committed to its log; a killed process loses none of it."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _require_same(study: optuna.Study, space: SearchSpace, objectives: Sequence[str]) -> None:
    """Raise UserError unless a study explores and looks for what a sweep does."""
    wanted = {
        "explores": {key: str(each) for key, each in sorted(space.distributions().items())},
        "looks for": list(objectives),
    }
    for what, own in wanted.items():
        known = study.user_attrs.get(what)
        if known is None:
            study.set_user_attr(what, own)
        elif known != own:
            raise UserError(
                f"hydra.sweeper.study: '{study.study_name}' {what} {known} (was {own})."
            )


def _mark(directory: Path) -> str:
    """Return what marks the trials of the sweep in a directory, made up once."""
    file = directory / "study.json"
    if not file.is_file():
        text = json.dumps({"sweep": secrets.token_hex(8)}) + "\n"
        RunDirectory(directory).write_text(file.name, text, durable=True)
    return str(json.loads(file.read_text(encoding="utf-8"))["sweep"])
