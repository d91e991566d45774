"""What a sweep aims at and how it ends: the schema of ``sweep:``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from framework.config.component import component


def _several(value: object) -> object:
    """Return one expression as a list of one."""
    return [value] if isinstance(value, str) else value


@component
class SweepSettings:
    """What ``-m`` does beside running trials."""

    objective: Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)] = (
        "sharpe",
    )
    """Metric that the best trial has most of, or an expression of metrics, such as ``sharpe - 2 *
    max_drawdown``; several for a sampler that weighs them against each other."""

    min_trades: NonNegativeInt = 10
    """A trial with fewer is not judged: its objective is NaN."""

    constraints: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    """What must hold of a trial, such as ``max_drawdown < 0.3``; one of which it does not is not
    judged."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=80)] | None = None
    """Of the sweep; null: made of time and strategy."""

    resume: str | None = None
    """Name or directory of an unfinished sweep to go on with."""

    rerun_best: bool = True
    """Whether the best trial is run again as a full backtest, tested for look-ahead, whose figures
    and orders must be those of the trial."""

    top: PositiveInt = 10
    """Trials in the summary, and, ten at most, among the curves of the page."""
