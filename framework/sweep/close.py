"""What ends a sweep: the table, the best trial once more in full, and what is said of it all."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from framework.errors import CheckFailed, FrameworkError
from framework.results.holdout import opened_line
from framework.results.run_directory import RunDirectory
from framework.sweep.alone import compose, free_folder, read_result, run_alone
from framework.sweep.record import COMPLETE, SweepRecord
from framework.sweep.summary import front_line, summary_table
from framework.sweep.trial import METRICS, TrialResult, TrialTable
from framework.sweep.verdict import PAGE, verdict

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext
    from omegaconf import DictConfig

    from framework.types import FloatArray

_CLOSE = 1e-12  # of a figure: sums of a batch and of a run alone are taken in the same order


def close(
    record: SweepRecord,
    context: HydraContext,
    config: DictConfig,
    jobs: Sequence[Sequence[str]],
    returns: Sequence[JobReturn],
    launcher: Launcher,
) -> None:
    """Write and say what came of a sweep.

    Parameters
    ----------
    record : SweepRecord
        Its trials.
    context, config
        As a sweeper is given them.
    jobs : sequence of sequence of str
        Words of each trial, by its index.
    returns : sequence of JobReturn
        What the launcher gave for each.
    launcher : Launcher
        That ran them.

    Raises
    ------
    CheckFailed
        The best trial run alone is not what it was among the others.
    FrameworkError
        Trials failed.
    """
    record.begin()
    record.hide_progress()
    _take_others(record, returns)
    record.write()
    seconds = perf_counter() - record.started
    table = record.table()
    wanted = record.settings.sweep
    objectives = {
        each.text: table.objective(each.text, wanted.min_trades, wanted.constraints)
        for each in record.objectives
    }
    objective = objectives[record.objectives[0].text]
    figures: dict[str, Any] = {
        "trials": len(table),
        "failed": len(table.errors),
        "trials_per_second": round((len(table) - record.before) / max(seconds, 1e-9), 1),
        "objective": record.objectives[0].text,
    }
    alone: Path | None = None
    if np.isfinite(objective).any():
        row = int(np.nanargmax(objective))
        best = table.result(row)
        figures["best_params"] = best.params
        words = jobs[best.index]
        _write_best(record, compose(context, config, words), best)
        alone = best.directory
        if wanted.rerun_best and alone is None:
            alone = _rerun(record, context, config, words, best)
        if wanted.rerun_best and record.settings.evaluation.holds_tests:
            _test(record, context, config, words, best)
    openings = record.openings()
    notices = [line for line in (record.sealed(), opened_line(openings)) if line is not None]
    judged = verdict(record, table, objectives, alone, jobs, launcher, notices)
    figures |= judged.figures()
    if len(objectives) > 1:
        figures["objectives"] = list(objectives)
        figures["pareto_front"] = table.index[list(judged.front)].tolist()
    figures["sealed_tail_openings"] = len(openings)
    figures["seconds"] = round(perf_counter() - record.started, 3)
    _tell(record, table, objective, figures)
    for line in notices:
        record.voice.print(line)
    _end(record, figures)
    _raise_failed(record, table, returns)


def _tell(
    record: SweepRecord, table: TrialTable, objective: FloatArray, figures: dict[str, Any]
) -> None:
    """Print what came of the trials."""
    judged = int(np.isfinite(objective).sum())
    record.voice.print(
        f"{len(table):,} trials, {judged:,} judged, {figures['trials_per_second']:,} a second"
    )
    if judged:
        record.voice.print(
            summary_table(table, objective, figures["objective"], record.settings.sweep.top)
        )
        if "pareto_front" in figures:
            record.voice.print(front_line(figures["objectives"], figures["pareto_front"]))
    elif table.metrics:
        record.voice.say(
            f"no trial is judged: none with {record.settings.sweep.min_trades} trades "
            f"(sweep.min_trades) has a {record.objectives[0].text}"
            f"{' and holds to sweep.constraints' if record.constraints else ''}"
        )


def _take_others(record: SweepRecord, returns: Sequence[JobReturn]) -> None:
    """Take the results of a launcher that hands on runs instead of results."""
    for index, job in enumerate(returns):
        if index in record.done or job.hydra_cfg is None:
            continue
        folder = Path(str(job.hydra_cfg.hydra.runtime.output_dir))
        params = dict(word.split("=", 1) for word in job.overrides or ())
        record.take([read_result(index, params, folder)], None)


def _write_best(record: SweepRecord, tree: dict[str, Any], best: TrialResult) -> None:
    """Write the best trial as a strategy file, for ``strategies/``."""
    sections = ["features", "strategy"]
    sections += [
        name
        for name in ("risk", "execution")
        if any(key.partition(".")[0] == name for key in best.params)
    ]
    shown = {name: _plain(tree[name]) for name in sections}
    words = " ".join(f"{key}={value}" for key, value in best.params.items())
    text = (
        f"# @package _global_\n# Best of the sweep {record.directory.name}: {words}.\n\n"
        f"{yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)}"
    )
    RunDirectory(record.directory).write_text("best.yaml", text)


def _plain(section: Any) -> Any:
    return {name: value for name, value in section.items() if name != "_target_"}


def _rerun(
    record: SweepRecord,
    context: HydraContext,
    config: DictConfig,
    words: Sequence[str],
    best: TrialResult,
) -> Path:
    """Run the best trial again as a full backtest, compare, and return its directory."""
    record.voice.say(f"the best trial, number {best.index}, once more as a full backtest")
    directory = free_folder(record.directory / "best")
    fault = run_alone(context, config, words, directory, best.index)
    if fault is not None:
        raise fault
    again = read_result(best.index, best.params, directory)
    unlike = [
        f"{name} {best.metrics[name]!r} and {again.metrics[name]!r}"
        for name in METRICS
        if name in best.metrics
        and name in again.metrics
        and not _same(best.metrics[name], again.metrics[name])
    ]
    if best.orders_hash != again.orders_hash:
        unlike.insert(0, f"orders_hash {best.orders_hash[:16]} and {again.orders_hash[:16]}")
    if unlike:
        raise CheckFailed(
            f"sweep: trial {best.index} is not what it is when run alone: {', '.join(unlike)}."
        )
    return directory


def _test(
    record: SweepRecord,
    context: HydraContext,
    config: DictConfig,
    words: Sequence[str],
    best: TrialResult,
) -> None:
    """Run the best trial over the parts, too, that no trial has seen."""
    record.voice.say(f"the best trial, number {best.index}, over the test parts as well")
    directory = free_folder(record.directory / "test")
    opened = (*words, "evaluation.open_test=true")
    fault = run_alone(context, config, opened, directory, best.index)
    if fault is not None:
        raise fault


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_CLOSE) or (math.isnan(one) and math.isnan(other))


def _end(record: SweepRecord, figures: dict[str, Any]) -> None:
    """Write ``sweep.json``, which says that the sweep is complete, and the row's end."""
    if record.database is None or record.run_id is None:
        raise ValueError("only a sweep that was begun can end")
    text = json.dumps(figures, indent=2, default=str) + "\n"
    RunDirectory(record.directory).write_text(COMPLETE, text, durable=True)
    numbers = {
        name: value
        for name, value in figures.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    record.database.finish_sweep(record.run_id, numbers, ended_at=time_ns())
    shown = PAGE if record.settings.report else COMPLETE
    record.voice.say(f"done in {figures['seconds']} s: {record.directory / shown}")


def _raise_failed(record: SweepRecord, table: TrialTable, returns: Sequence[JobReturn]) -> None:
    """Raise the fault of the first trial that failed."""
    if not table.errors:
        return
    index, line = next(iter(table.errors.items()))
    fault = returns[index]._return_value
    kind = type(fault) if isinstance(fault, FrameworkError) else FrameworkError
    raise kind(f"{len(table.errors):,} of {len(table):,} trials failed; number {index}: {line}")
