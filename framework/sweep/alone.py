"""One trial as Hydra runs it: composed from its words, and as a run of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobStatus, run_job
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from framework.errors import FrameworkError
from framework.sweep.trial import BLOCKS, TrialResult

if TYPE_CHECKING:
    from hydra.types import HydraContext

    from framework.types import FloatArray

_TEXTS = ("orders_hash", "data_hash", "causality", "version")


def load_config(context: HydraContext, config: DictConfig, words: Sequence[str]) -> DictConfig:
    """Return the configuration of one trial, without Hydra's own part."""
    whole = context.config_loader.load_sweep_config(config, list(words))
    return OmegaConf.masked_copy(whole, [str(name) for name in whole if name != "hydra"])


def compose(context: HydraContext, config: DictConfig, words: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of one trial as a plain tree.

    Parameters
    ----------
    context : HydraContext
        As a sweeper is given it.
    config : DictConfig
        Of the whole sweep.
    words : sequence of str
        Of the trial.
    """
    from framework.config.build import plain_tree

    return plain_tree(load_config(context, config, words))


def run_alone(
    context: HydraContext, config: DictConfig, words: Sequence[str], directory: Path, number: int
) -> FrameworkError | None:
    """Run a configuration as a run of its own in a folder of the sweep's; return its fault."""
    from framework.run import run

    own = context.config_loader.load_sweep_config(config, list(words))
    with read_write(own.hydra), open_dict(own.hydra):
        own.hydra.sweep.dir = str(directory.parent)
        own.hydra.sweep.subdir = directory.name
        own.hydra.job.id = str(number)
        own.hydra.job.num = number
    ended = run_job(
        hydra_context=context,
        task_function=run,
        config=own,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        configure_logging=False,
    )
    if ended.status == JobStatus.COMPLETED:
        return None
    fault = ended._return_value  # asking for `return_value` would print a line of Hydra's
    if not isinstance(fault, FrameworkError):
        raise fault
    return fault


def free_folder(directory: Path) -> Path:
    """Return `directory`, or beside it the first that an interrupted run has not begun."""
    free, count = directory, 1
    while free.is_dir() and any(free.iterdir()):
        count += 1
        free = directory.with_name(f"{directory.name}_{count}")
    return free


def read_result(index: int, params: Mapping[str, Any], directory: Path) -> TrialResult:
    """Return what a run of its own came to; without figures where its mode has none."""
    file = directory / "metrics.json"
    if not file.is_file():
        return TrialResult(index, params, {}, directory=directory.resolve())
    found = json.loads(file.read_text(encoding="utf-8"))
    metrics = {
        name: math.nan if value is None else float(value)
        for name, value in found.items()
        if name not in _TEXTS
    }
    return TrialResult(
        index,
        params,
        metrics,
        orders_hash=found["orders_hash"],
        data_hash=found["data_hash"],
        directory=directory.resolve(),
        blocks=_blocks(directory),
    )


def read_equity(directory: Path) -> FloatArray:
    """Return the equity of a run at each close, (T,) float64."""
    import numpy as np
    import pyarrow.csv

    options = pyarrow.csv.ConvertOptions(include_columns=["equity"])
    equity = pyarrow.csv.read_csv(directory / "equity.csv", convert_options=options)["equity"]
    return np.ascontiguousarray(equity.to_numpy(), np.float64)


def _blocks(directory: Path) -> FloatArray:
    """Return the sums of a run's returns in each block."""
    import numpy as np

    from framework.engine.tally import tally_blocks

    blocks = np.zeros((BLOCKS, 2))
    tally_blocks(read_equity(directory), blocks)
    return blocks
