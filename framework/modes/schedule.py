"""Run other commands of this program again and again, at times that a clock tells."""

from __future__ import annotations

import shlex
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from framework.config.component import component
from framework.config.signals import ToldGently
from framework.errors import UserError
from framework.modes.context import Context
from framework.types import SECOND_NS, Interval

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler
    from rich.table import Table

_LOOK_S = 0.2
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _words(value: object) -> object:
    """Return the words of a command line."""
    return tuple(shlex.split(value)) if isinstance(value, str) else value


@component
class Job:
    """One command, and when it is run."""

    cron: str | None = None
    """Minute, hour, day of the month, month and day of the week, UTC; null: `every` is given."""

    every: Interval | None = None
    """Length from one run to the next, on the grid of candles of that length; null: `cron` is."""

    run: Annotated[tuple[str, ...], BeforeValidator(_words)] = Field(min_length=1)
    """Words of the command line, as one text or a list."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise ValueError("a job needs either cron or every, and not both")
        return self

    @model_validator(mode="after")
    def _no_schedule_in_a_schedule(self) -> Self:
        if "mode=schedule" in self.run:
            raise ValueError("a job cannot be a schedule itself (was mode=schedule)")
        return self


@component
class Schedule:
    """Start each job when it is due, as a process of its own, never twice at a time."""

    recorded: ClassVar[bool] = False

    name: Literal["schedule"] = "schedule"
    """Of this mode."""

    jobs: dict[str, Job] = Field(default_factory=dict)
    """By name."""

    logs: str = "runs/schedule"
    """Folder with a log for each job."""

    log_bytes: PositiveInt = 10_000_000
    """From which on a log is set aside, in place of the one set aside before."""

    patience: Interval = Interval.parse("60s")
    """For jobs that are told to stop, before they are killed."""

    def prepare(self, context: Context) -> None:
        """Refuse what cannot be scheduled, all of it at once."""
        if context.sweeping:
            raise UserError("mode: schedule is no trial of a sweep; leave out -m.")
        if not self.jobs:
            raise UserError(
                "mode.jobs: names nothing to run: "
                "'+mode.jobs.NAME={every: 1h, run: \"mode=models\"}'."
            )
        if faults := [line for name in self.jobs if (line := self._fault(name))]:
            raise UserError(*faults)

    def run(self, context: Context) -> None:
        """Run jobs until told to stop.

        Raises
        ------
        KeyboardInterrupt
            It was told; jobs under way were told, too, and waited for.
        OutsideFault
            A log cannot be written.
        """
        from framework.modes.scheduled_jobs import Commands

        told: list[bool] = []
        commands = Commands(context, self.logs, self.log_bytes)
        scheduler = _scheduler(context, len(self.jobs))
        for name, job in self.jobs.items():
            scheduler.add_job(commands.run, _trigger(job), (name, job.run), id=name, name=name)
        with ToldGently(lambda: told.append(True)):
            scheduler.start()
            try:
                context.print(_next_runs(scheduler, self.jobs))
                while not told:
                    time.sleep(_LOOK_S)
            finally:
                scheduler.remove_all_jobs()
                commands.stop(self.patience.ns / SECOND_NS)
                scheduler.shutdown()
        raise KeyboardInterrupt

    def _fault(self, name: str) -> str | None:
        """Return what is wrong with a job's name or times, None where nothing is."""
        if not name.replace("_", "").replace("-", "").isalnum():
            return f"mode.jobs.{name}: a name is made of letters, digits, _ and -."
        try:
            _trigger(self.jobs[name])
        except ImportError:
            return "mode=schedule: needs the package apscheduler; pip install -e '.[schedule]'."
        except ValueError as fault:
            return f"mode.jobs.{name}.cron: {fault} (was {self.jobs[name].cron})."
        return None


def _scheduler(context: Context, jobs: int) -> BackgroundScheduler:
    """Return a scheduler that tells of runs it leaves out."""
    import logging

    from apscheduler.events import EVENT_JOB_MAX_INSTANCES
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(jobs)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_listener(
        lambda event: context.logger.info(f"{event.job_id} is still running: this run is left out"),
        EVENT_JOB_MAX_INSTANCES,
    )
    return scheduler


def _trigger(job: Job) -> Any:
    """Return when a job is due.

    Raises
    ------
    ValueError
        The cron text cannot be read.
    """
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    if job.every is not None:
        first_ns = job.every.ceil(time.time_ns())
        return IntervalTrigger(
            seconds=job.every.ns // SECOND_NS,
            start_date=datetime.fromtimestamp(first_ns / SECOND_NS, UTC),
            timezone=UTC,
        )
    fields = (job.cron or "").split()
    if len(fields) != 5:
        raise ValueError("must have five fields: minute, hour, day, month, day of the week")
    minute, hour, day, month, weekday = fields
    return CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=_weekdays(weekday),
        timezone=UTC,
    )


def _weekdays(field: str) -> str:
    """Return the names of the days that a field of cron numbers, where Sunday is 0 and 7.

    Examples
    --------
    >>> _weekdays("1-5"), _weekdays("0,6"), _weekdays("mon"), _weekdays("*")
    ('mon,tue,wed,thu,fri', 'sun,sat', 'mon', '*')
    """
    names: list[str] = []
    for part in field.split(","):
        first, _, last = part.partition("-")
        if not (first.isdigit() and (last.isdigit() or not last)):
            names.append(part)
            continue
        days = range(int(first), int(last or first) + 1)
        if not days or days[-1] >= len(_DAYS):
            raise ValueError("days of the week are 0 to 7, Sunday being 0 and 7")
        names += [_DAYS[day] for day in days]
    return ",".join(dict.fromkeys(names))


def _next_runs(scheduler: BackgroundScheduler, jobs: dict[str, Job]) -> Table:
    from rich.table import Table

    table = Table(title="Next runs, UTC", title_justify="left")
    for heading in ("Job", "When", "Next", "Command"):
        table.add_column(heading, overflow="fold")
    for due in sorted(scheduler.get_jobs(), key=lambda own: str(own.next_run_time)):
        job = jobs[due.id]
        when = job.cron if job.every is None else f"every {job.every}"
        at = "never" if due.next_run_time is None else f"{due.next_run_time:%Y-%m-%d %H:%M:%S}"
        table.add_row(due.id, when, at, shlex.join(job.run))
    return table
