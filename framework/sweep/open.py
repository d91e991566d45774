"""Open a sweep: settings of its first trial, place to write, and the end of one that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from framework.config.signals import require_untold, was_told
from framework.errors import OutsideFault

if TYPE_CHECKING:
    from hydra.types import HydraContext

    from framework.sweep.record import SweepRecord


@contextmanager
def open_sweep(
    context: HydraContext,
    config: DictConfig,
    arguments: Sequence[str],
    first: Sequence[str],
    total: int,
) -> Iterator[SweepRecord]:
    """Yield the record of a sweep, and write down how it ended if it fails.

    Parameters
    ----------
    context : HydraContext
        As a sweeper is given it.
    config : DictConfig
        Of the whole sweep; ``hydra.sweep.dir`` becomes where the sweep writes.
    arguments : sequence of str
        The command line.
    first : sequence of str
        Words of a trial, whose settings are those of the sweep.
    total : int
        Number of trials.

    Raises
    ------
    UserError
        The settings, the objective or the sweep to go on with are no good.
    """
    from dotenv import load_dotenv

    from framework.backtest.evaluation import require_closed
    from framework.config.build import plain_tree
    from framework.config.secrets import Redactor
    from framework.run import plugins_of, settings_of
    from framework.sweep.record import SweepRecord
    from framework.sweep.voice import Voice

    require_untold()
    load_dotenv(Path.cwd() / ".env")
    composed = OmegaConf.create(_load(context, config, first))
    tree = plain_tree(composed)
    settings = settings_of(tree, plugins_of(tree))
    require_closed(tree["evaluation"])
    settings.tracking.prepare()
    redact = Redactor(settings)
    wanted = Path(str(config.hydra.sweep.dir))
    record = SweepRecord(
        settings,
        [redact(word) for word in arguments],
        redact.as_yaml(composed),
        wanted.with_name(settings.sweep.name or wanted.name),
        total,
        Voice(redact),
        lambda directory: _write_into(config, directory),
    )
    try:
        yield record
    except BaseException as raised:
        fault = _meant(raised, record.directory)
        record.fail(fault)
        if fault is raised:
            raise
        raise fault from raised
    else:
        record.voice.require_told(record.directory)
    finally:
        record.voice.close()


def _load(context: HydraContext, config: DictConfig, words: Sequence[str]) -> DictConfig:
    from framework.sweep.alone import load_config

    return load_config(context, config, words)


def _write_into(config: DictConfig, directory: Path) -> None:
    """Let the jobs of a sweep write into its directory."""
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(directory)


def _meant(raised: BaseException, directory: Path) -> BaseException:
    """Return what an exception comes down to: a signal, a fault outside, or itself."""
    if was_told():
        return raised if isinstance(raised, KeyboardInterrupt) else KeyboardInterrupt()
    if isinstance(raised, MemoryError):
        return OutsideFault(f"memory: not enough ({str(raised).rstrip('.') or 'none is left'}).")
    if isinstance(raised, OSError) and not isinstance(raised, HydraException):
        return OutsideFault(f"{raised.filename or directory}: {raised.strerror or raised}.")
    return raised
