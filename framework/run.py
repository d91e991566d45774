"""One run from start to end: settings, seed, directory, row, mode, close."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from framework import __version__, collector
from framework.config.blame import blaming
from framework.config.build import build, build_part, plain_tree
from framework.config.secrets import Redactor
from framework.config.signals import INTERRUPTED, require_untold, was_told
from framework.config.stream import Stream
from framework.errors import FrameworkError, OutsideFault, UserError
from framework.interfaces import Continuing
from framework.modes.context import Context
from framework.modes.settings import Settings
from framework.modes.tracking import tracked
from framework.notify.courier import Courier
from framework.strategy.spec import StrategySpec

if TYPE_CHECKING:
    from loguru import Record

    from framework.results.run_directory import RunDirectory


def run(config: DictConfig) -> None:
    """Run one composed configuration.

    Parameters
    ----------
    config : DictConfig
        As Hydra composed it.

    Raises
    ------
    FrameworkError
        With the exit code that the process should end with.
    """
    from dotenv import load_dotenv

    require_untold()
    load_dotenv(Path.cwd() / ".env")
    tree = plain_tree(config)
    plugins = plugins_of(tree)
    with blaming(plugins):
        settings = settings_of(tree, plugins)
        context = _context(config, settings)
        try:
            _work(context)
        except FrameworkError as fault:
            fault.args = (context.redact(str(fault)),)
            raise
    context.require_told()


def _work(context: Context) -> None:
    """Do what the mode does, with a directory and a row of its own where it is recorded."""
    settings = context.settings
    settings.mode.prepare(context)
    collector.settle()
    if not settings.mode.recorded:
        settings.mode.run(context)
        return
    settings.tracking.prepare()
    if isinstance(settings.notify, Courier):
        settings.notify.prepare()
    context.logger.info(
        f"{settings.mode.name} of {settings.strategy.name} on {settings.exchange.name}, "
        f"seed {settings.seed}"
    )
    _recorded(context)


def settings_of(tree: dict[str, Any], plugins: tuple[str, ...]) -> Settings:
    """Build the settings; where that fails, name the faults of the rules as well."""
    try:
        return build(tree, Settings, plugins)
    except UserError as fault:
        raise UserError(*fault.faults, *_faults_of_rules(tree, plugins)) from None


def _faults_of_rules(tree: dict[str, Any], plugins: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is wrong with a strategy's expressions, if the strategy itself can be built."""
    from framework.market.recorded import BOOKS, TRADES
    from framework.strategy.compile import compile_strategy
    from framework.strategy.rules import DISTANCES

    try:
        strategy = build(tree["strategy"], StrategySpec, plugins)
        model = build_part(tree["model"], "model", plugins)
    except UserError:  # reported with the settings
        return ()
    features, risk = _texts(tree["features"]), _texts(tree["risk"])
    distances = {name: risk[name] for name in DISTANCES if risk.get(name)}
    try:
        compile_strategy(
            strategy,
            features,
            model_outputs=getattr(model, "outputs", ()),
            records=(BOOKS, TRADES),
            plugins=plugins,
            distances=distances,
            inputs=getattr(model, "inputs", {}),
        )
    except UserError as fault:
        return fault.faults
    return ()


def _texts(group: object) -> dict[str, str]:
    """Return what is text in a group of the configuration, whatever else is wrong with it."""
    values = group if isinstance(group, dict) else {}
    return {name: text for name, text in values.items() if isinstance(text, str)}


def plugins_of(tree: dict[str, object]) -> tuple[str, ...]:
    """Return the plug-in modules, importable from the user's working directory too."""
    plugins = tree.get("plugins")
    if not isinstance(plugins, list) or not all(isinstance(name, str) for name in plugins):
        raise UserError(f"plugins: must be a list of module names (was {plugins}).")
    if plugins and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    return tuple(plugins)


def _context(config: DictConfig, settings: Settings) -> Context:
    """Open the run's voice and keep its secrets out of it."""
    from loguru import logger
    from rich.console import Console

    redact = Redactor(settings)
    output, errors = Stream(sys.stdout), Stream(sys.stderr)
    logger.remove()

    def keep_secrets(record: Record) -> None:
        record["message"] = redact(record["message"])

    logger.configure(patcher=keep_secrets)
    logger.add(
        errors,
        format="{time:HH:mm:ss} {message}",
        level="INFO",
    )
    return Context(
        settings=settings,
        config=redact.as_yaml(config),
        overrides=tuple(redact(word) for word in _overrides()),
        redact=redact,
        logger=logger,
        console=Console(file=output),  # type: ignore[arg-type]
        output=output,
        errors=errors,
        sweeping=_sweeping(),
    )


def _overrides() -> list[str]:
    from hydra.core.hydra_config import HydraConfig

    return [str(word) for word in HydraConfig.get().overrides.task]


def _sweeping() -> bool:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def _recorded(context: Context) -> None:
    """Run a mode with its own directory and a row in the database.

    The row says "interrupted" until the mode has ended, so that a killed process leaves the truth.
    """
    from framework.results.database import open_database
    from framework.results.run_directory import RunDirectory

    settings = context.settings
    context.database = open_database(settings.database)
    mode = settings.mode
    earlier = mode.goes_on(context) if isinstance(mode, Continuing) else None
    if earlier is not None:
        _continued(context, RunDirectory(Path(earlier.directory)), earlier.id)
        return
    directory = RunDirectory.create(_run_dir(settings))
    context.run_dir = directory.path
    with context.logged_into(directory.path / "run.log"):
        context.run_id = context.database.begin(
            directory=directory.path,
            mode=settings.mode.name,
            strategy=settings.strategy.name,
            started_at=time_ns(),
            pid=os.getpid(),
            host=socket.gethostname(),
            seed=settings.seed,
            version=__version__,
            config=context.config,
            overrides=context.overrides,
            durable=isinstance(mode, Continuing),
        )
        with tracked(context):
            _guarded(context, directory)


def _continued(context: Context, directory: RunDirectory, run_id: int) -> None:
    """Go on with a run that was interrupted, in its directory and with its row."""
    assert context.database is not None  # noqa: S101 - it is recorded
    context.run_dir, context.run_id = directory.path, run_id
    context.database.go_on(run_id, pid=os.getpid(), host=socket.gethostname())
    with context.logged_into(directory.path / "run.log"):
        context.logger.info(f"goes on in {directory.path}")
        with tracked(context):
            _guarded(context, directory)


def _guarded(context: Context, directory: RunDirectory) -> None:
    """Run the mode and write down how it ended when it did not end well."""
    try:
        require_untold()
        directory.write_config(context.config, context.overrides)
        with blaming(context.settings.plugins):
            context.settings.mode.run(context)
    except BaseException as raised:
        fault = _meant(raised, context)
        if isinstance(fault, KeyboardInterrupt):
            _close(context, "interrupted", INTERRUPTED, status="interrupted")
        elif isinstance(fault, FrameworkError):
            _close(context, str(fault), fault.exit_code)
        else:
            context.logger.opt(exception=fault).debug("defect")
            _close(context, repr(fault), exit_code=1)
        if fault is raised:
            raise
        raise fault from raised


def _meant(raised: BaseException, context: Context) -> BaseException:
    """Return what an exception comes down to: a signal, a fault outside, or itself."""
    if was_told():
        return raised if isinstance(raised, KeyboardInterrupt) else KeyboardInterrupt()
    if isinstance(raised, MemoryError):
        return OutsideFault(f"memory: not enough ({str(raised).rstrip('.') or 'none is left'}).")
    if isinstance(raised, OSError):
        place = raised.filename or context.run_dir
        return OutsideFault(f"{place}: {raised.strerror or raised}.")
    return raised


def _close(context: Context, error: str, exit_code: int, status: str = "failed") -> None:
    """Write into row and log that the run ended without a result, unless it has one."""
    error = context.redact(error)
    from framework.results.database import DONE
    from framework.results.run_directory import RunDirectory

    if context.database is None or context.run_id is None:
        raise ValueError("only a recorded run can be closed")
    try:
        row = context.database.find_run(context.run_id)
        if row is None or row.status != DONE:  # else only telling of it went wrong
            RunDirectory(context.run_dir).withdraw()
            context.database.fail(
                context.run_id, error=error, exit_code=exit_code, ended_at=time_ns(), status=status
            )
    except FrameworkError as second:
        # The first fault is the one to report, and the row says "interrupted" already.
        context.logger.debug(str(second))
    context.logger.debug(error)


def _run_dir(settings: Settings) -> Path:
    """Return where this run writes; one of many has a folder of its own in the sweep's."""
    from hydra.core.hydra_config import HydraConfig

    if _sweeping():
        return Path(HydraConfig.get().runtime.output_dir)
    return Path(settings.run_dir)
