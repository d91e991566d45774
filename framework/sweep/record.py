"""One sweep from its first trial on: directory, row in the database, trials as they come.

What is finished is written every few seconds: a sweep that is killed keeps it, and can go on.
"""

from __future__ import annotations

import json
import math
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter, time_ns
from typing import TYPE_CHECKING

import numpy as np

from framework import __version__
from framework.config.signals import INTERRUPTED, was_told
from framework.errors import FrameworkError, UserError
from framework.modes.settings import Settings
from framework.results.database import Database, open_database
from framework.results.holdout import sealed_line
from framework.results.run_directory import RunDirectory
from framework.results.sweep.constraint import read_constraints
from framework.results.sweep.objective import Objective, read_objectives
from framework.results.trial_ledger import TrialRow
from framework.sweep.trial import METRICS, TrialResult, TrialTable
from framework.sweep.voice import Progress, Voice
from framework.types import FloatArray

if TYPE_CHECKING:
    from framework.market.certificate import Certificate
    from framework.results.holdout import Opening

TRIALS = "trials.parquet"
COMPLETE = "sweep.json"

_SECONDS = 2.0
"""At least so long between two writings of the table, and ten times what the last one took."""


class SweepRecord:
    """The record of a sweep that runs.

    Parameters
    ----------
    settings : Settings
        Of its first trial.
    words : sequence of str
        The command line, without secrets.
    config : str
        Composed configuration of the first trial as YAML, without secrets.
    directory : Path
        Wanted; made by `begin`.
    total : int
        Number of trials, where it is known.
    voice : Voice
        Of the sweep.
    claimed : callable
        Told which directory it is.
    """

    def __init__(
        self,
        settings: Settings,
        words: Sequence[str],
        config: str,
        directory: Path,
        total: int,
        voice: Voice,
        claimed: Callable[[Path], None],
    ) -> None:
        self._claimed = claimed
        self.settings, self.voice, self.total = settings, voice, total
        self.words, self.config = tuple(words), config
        self.directory = directory
        self.started = perf_counter()
        self.done: dict[int, TrialResult] = {}
        self.objectives: tuple[Objective, ...] = read_objectives(settings.sweep.objective, METRICS)
        self.constraints = read_constraints(settings.sweep.constraints, METRICS)
        self.database: Database | None = None
        self.run_id: int | None = None
        self.before = 0
        """Trials that were done when this process began."""
        self._best = -math.inf
        self._progress: Progress | None = None
        self.certificate: Certificate | None = None
        """Of the data of the newest trials."""
        self._waiting: list[tuple[list[TrialResult], Certificate]] = []
        self._written, self._pause = perf_counter(), _SECONDS
        if settings.sweep.resume is not None:
            self._find(settings.sweep.resume)

    def begin(self) -> None:
        """Make directory and row, once."""
        from framework.engine.simulate import say_compiling

        if self.database is None:
            self.database = open_database(self.settings.database)
        if self._progress is not None:
            return
        if self.run_id is None:
            self._make()
        self._claimed(self.directory)
        self.before = len(self.done)
        self.voice.log_into(self.directory / "run.log")
        self.voice.say(
            f"sweep of {self.settings.strategy.name} on {self.settings.exchange.name}, "
            f"{self.total:,} trials, in {self.directory}"
        )
        say_compiling(self.voice.say)
        if self.done:
            self.voice.say(f"going on: {len(self.done):,} trials are done already")
        self._progress = self.voice.progress(self.total, len(self.done))

    def take(self, results: Sequence[TrialResult], certificate: Certificate | None) -> None:
        """Keep results, and write them down when the time has come."""
        self.done |= {result.index: result for result in results}
        if certificate is not None:
            self.certificate = certificate
            self._waiting.append((list(results), certificate))
        if self._progress is not None:
            self._progress.show(len(self.done), self._best_so_far(results))
        if perf_counter() - self._written >= self._pause:
            self.write()

    def past_sharpes(self, data_hash: str) -> FloatArray:
        """Return the annualised Sharpe ratios of other trials on some data, NaN where undefined."""
        if self.database is None or self.run_id is None:
            raise ValueError("only a sweep that was begun has a past")
        return self.database.trials.past_sharpes(data_hash, self.run_id)

    def write(self) -> None:
        """Write the table and the rows of what came since the last time."""
        if self.run_id is None or self.database is None:
            return
        started = perf_counter()
        if self.done:
            self.table().write(self.directory / TRIALS)
        while self._waiting:
            results, certificate = self._waiting[0]
            rows = [_row(each) for each in results]
            self.database.trials.add(self.run_id, certificate, rows, at=time_ns())
            self._waiting.pop(0)
        self._written = perf_counter()
        self._pause = max(_SECONDS, 10.0 * (self._written - started))

    def table(self) -> TrialTable:
        """Return what came of all trials so far."""
        return TrialTable.of(list(self.done.values()))

    def openings(self) -> list[Opening]:
        """Return the runs that opened sealed bars of the data, or its sealed tail."""
        certificate = self._certified()
        if self.database is None or certificate is None:
            return []
        return self.database.openings(certificate)

    def sealed(self) -> str | None:
        """Return what is sealed of the data as a sentence."""
        certificate = self._certified()
        return None if certificate is None else sealed_line(certificate)

    def hide_progress(self) -> None:
        """Take the bar away, before something else is printed."""
        if self._progress is not None:
            self._progress.close()

    def fail(self, fault: BaseException) -> None:
        """Write down what is finished, and how the sweep ended."""
        self.hide_progress()
        if self.run_id is None or self.database is None:
            return
        told = was_told() or isinstance(fault, KeyboardInterrupt)
        code = fault.exit_code if isinstance(fault, FrameworkError) else 1
        try:
            self.write()
            self.database.fail(
                self.run_id,
                error="interrupted" if told else str(fault) or repr(fault),
                exit_code=INTERRUPTED if told else code,
                ended_at=time_ns(),
                status="interrupted" if told else "failed",
            )
        except FrameworkError as second:  # the first fault is the one to report
            self.voice.note(str(second))
        self.voice.note("interrupted" if told else str(fault))
        if len(self.done) < self.total:
            self.voice.say(
                f"{len(self.done):,} of {self.total:,} trials are kept; go on with "
                f"sweep.resume={self.directory}"
            )

    def _certified(self) -> Mapping[str, object] | None:
        """Return the certificate of the data, from the database where no trial was run here."""
        if self.certificate is not None or self.database is None:
            return None if self.certificate is None else self.certificate.as_dict()
        known = (each.data_hash for each in self.done.values() if each.data_hash)
        return self.database.certificate(next(known, ""))

    def _make(self) -> None:
        made = RunDirectory.create(self.directory)
        self.directory = made.path
        assert self.database is not None  # noqa: S101 - opened by `begin`
        settings = self.settings
        self.run_id = self.database.begin(
            directory=self.directory,
            mode="sweep",
            strategy=settings.strategy.name,
            started_at=time_ns(),
            pid=os.getpid(),
            host=socket.gethostname(),
            seed=settings.seed,
            version=__version__,
            config=self.config,
            overrides=self.words,
        )
        made.write_config(self.config, self.words)

    def _find(self, named: str) -> None:
        """Read what an unfinished sweep has left."""
        self.database = open_database(self.settings.database)
        row = self.database.find_run(named)
        if row is None or row.mode != "sweep":
            raise UserError(f"sweep.resume: no sweep is named '{named}' in {self.database.url}.")
        directory = Path(row.directory)
        if (directory / COMPLETE).is_file():
            raise UserError(f"sweep.resume: {directory} is finished.")
        words = _read_words(directory / "config" / "overrides.yaml")
        if words != _lasting(self.words):
            raise UserError(
                f"sweep.resume: {directory} was started with other words: {' '.join(words)}."
            )
        self.directory, self.run_id = directory, row.id
        if (directory / TRIALS).is_file():
            table = TrialTable.read(directory / TRIALS)
            self.done = {each.index: each for each in table.results() if each.error is None}
        self._repair(self.database.trials.params(row.id))

    def _repair(self, written: list[dict[str, object]]) -> None:
        """Forget trials that the table has and the database has not, and run them again."""
        rows = Counter(json.dumps(params, sort_keys=True) for params in written)
        kept: dict[int, TrialResult] = {}
        for index, each in self.done.items():
            params = json.dumps(each.params, sort_keys=True)
            if each.directory is not None:
                kept[index] = each
            elif rows[params] > 0:
                rows[params] -= 1  # a sampler may ask for the same parameters again
                kept[index] = each
        self.done = kept

    def _best_so_far(self, results: Sequence[TrialResult]) -> str:
        """Return the best objective yet as words."""
        columns = {
            name: np.array([each.metrics.get(name, np.nan) for each in results]) for name in METRICS
        }
        values = self.objectives[0].of(columns, self.settings.sweep.min_trades)
        for constraint in self.constraints:
            values[constraint.violation(columns) > 0] = np.nan
        if np.isfinite(values).any():
            self._best = max(self._best, float(np.nanmax(values)))
        known = math.isfinite(self._best)
        return f", best {self.objectives[0].text} {self._best:.4g}" if known else ""


def _row(result: TrialResult) -> TrialRow:
    metrics: Mapping[str, float | None] = {
        name: value if np.isfinite(value) else None for name, value in result.metrics.items()
    }
    return TrialRow(result.params, result.orders_hash, metrics)


def _read_words(file: Path) -> tuple[str, ...]:
    import yaml

    return _lasting(yaml.safe_load(file.read_text(encoding="utf-8")))


def _lasting(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that stay the same when a sweep goes on."""
    return tuple(word for word in words if not word.startswith("sweep.resume="))
