"""A session's directory: what it began with, from which it can be built again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import OutsideFault, UserError
from framework.market.rules import MarketRules

if TYPE_CHECKING:
    from framework.backtest.pipeline import Pipeline
    from framework.exchange.contract import Exchange
    from framework.learning.schedule import Schedule, Stage
    from framework.market.candles import Candles
    from framework.modes.settings import Settings
    from framework.session.folding import Inputs
    from framework.strategy.plan import Plan

MODELS = "models"
"""Folder of a run's directory: every model that its session used."""

_BEGUN, _WARMUP, _PAST = "begun.json", "warmup.npz", "past.npz"


@dataclass(frozen=True, slots=True)
class Session:
    """All that a replay needs.

    Parameters
    ----------
    settings : Settings
        Of the session.
    pipeline : Pipeline
        With every model that it used.
    warmup : Candles
        (T, N) before its first bar.
    inputs : Inputs
        Of its journal.
    """

    settings: Settings
    pipeline: Pipeline
    warmup: Candles
    inputs: Inputs


def begin_session(
    folder: Path,
    warmup: Candles,
    source: str,
    exchange: Exchange,
    began_ns: int,
    past: Candles | None = None,
) -> None:
    """Write what a session begins with, the list of it last.

    All of it is on the disk when this returns, models and configuration too.

    Parameters
    ----------
    folder : Path
        Of the session.
    warmup : Candles
        (T, N) before its first bar.
    source : str
        Where they came from.
    exchange : Exchange
        Whose order rules count until the session ends.
    began_ns : int
        When it began by the wall's clock, UTC ns.
    past : Candles, optional
        (T, N) of the strategy's interval before those, for models to learn from.
    """
    from framework.disk import all_on_disk, disk_fault, whole_file
    from framework.session.candle_file import file_digest, save_candles

    save_candles(folder / _WARMUP, warmup)
    begun: dict[str, Any] = {
        "began": began_ns,
        "warmup": file_digest(warmup),
        "source": source,
        "rules": {pair: asdict(exchange.rules_of(pair)) for pair in warmup.pairs},
    }
    if past is not None:
        save_candles(folder / _PAST, past)
        begun["past"] = file_digest(past)
    with disk_fault(str(folder.parent)):
        all_on_disk(folder.parent)
    with whole_file(folder / _BEGUN, durable=True) as beside:
        beside.write_text(json.dumps(begun, indent=2) + "\n", encoding="utf-8")


def has_begun(folder: Path) -> bool:
    """Tell whether `begin_session` came to its end."""
    return (folder / _BEGUN).is_file()


@dataclass(frozen=True, slots=True)
class Begun:
    """What a session began with.

    Parameters
    ----------
    warmup : Candles
        (T, N) before its first bar.
    source : str
        Where they came from.
    began_ns : int
        When it began by the wall's clock, UTC ns.
    rules : mapping of str to MarketRules
        Of the orders of each pair.
    """

    warmup: Candles
    source: str
    began_ns: int
    rules: Mapping[str, MarketRules]


def read_begun(folder: Path) -> Begun:
    """Return what `begin_session` wrote.

    Raises
    ------
    OutsideFault
        It is damaged or cannot be read.
    """
    from framework.session.candle_file import load_candles_file

    begun = _begun(folder)
    try:
        digest, source = str(begun["warmup"]), str(begun["source"])
        began_ns = int(begun["began"])
        rules = {pair: MarketRules(**own) for pair, own in begun["rules"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise OutsideFault(f"{folder / _BEGUN}: is damaged ({fault}).") from fault
    return Begun(load_candles_file(folder / _WARMUP, digest), source, began_ns, rules)


def read_past(folder: Path) -> Candles | None:
    """Return the candles before those that a session began with, None where none were kept."""
    from framework.session.candle_file import load_candles_file

    begun = _begun(folder)
    return load_candles_file(folder / _PAST, begun["past"]) if "past" in begun else None


def _begun(folder: Path) -> dict[str, Any]:
    """Return what `begin_session` wrote last."""
    from framework.disk import disk_fault

    file = folder / _BEGUN
    try:
        with disk_fault(str(file), "read"):
            begun = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise OutsideFault(f"{file}: is damaged ({fault}).") from fault
    if not isinstance(begun, dict):
        raise OutsideFault(f"{file}: is damaged (it is no object).")
    return begun


def read_session(directory: Path, plugins: tuple[str, ...]) -> Session:
    """Build again what a session ran with, and read what it acted on.

    Raises
    ------
    UserError
        The directory is no session's, or its configuration cannot be built any more.
    OutsideFault
        A file is damaged.
    """
    from omegaconf import OmegaConf

    from framework.config.build import build, plain_tree
    from framework.modes.reading import compile_plan
    from framework.modes.settings import Settings
    from framework.session.folding import inputs_of
    from framework.session.journal import FILE, read_journal
    from framework.session.state import FOLDER

    folder = directory / FOLDER
    if not has_begun(folder):
        raise UserError(f"run: {directory} is no session, it has no {FOLDER}/{_BEGUN}.")
    config = OmegaConf.load(directory / "config" / "config.yaml")
    settings = build(plain_tree(config), Settings, plugins)  # type: ignore[arg-type]
    begun = read_begun(folder)
    warmup = begun.warmup
    inputs = inputs_of(read_journal(directory / FILE), warmup.pairs, warmup.interval)
    plan = compile_plan(settings)
    schedule = read_models(directory, settings, plan, warmup.pairs)
    if schedule is not None:
        swapped = (stage_of(directory, settings, swap) for swap in inputs.swaps)
        schedule = replace(schedule, stages=(*schedule.stages, *swapped))
    pipeline = pipeline_of(settings, plan, begun, schedule)
    return Session(settings, pipeline, warmup, inputs)


def pipeline_of(
    settings: Settings, plan: Plan, begun: Begun, schedule: Schedule | None
) -> Pipeline:
    """Return strategy, rules, cash and models of a session."""
    from framework.backtest.pipeline import Pipeline
    from framework.engine.make_rules import make_rules
    from framework.modes.reading import records_of

    exchange = replace(settings.exchange, markets=dict(begun.rules))
    rules = make_rules(
        settings.risk,
        settings.execution,
        exchange,
        begun.warmup.pairs,
        settings.strategy.terms,
        records_of(settings),
    )
    return Pipeline(plan, rules, settings.cash, schedule)


def keep_models(
    directory: Path, settings: Settings, plan: Plan, pairs: tuple[str, ...], schedule: Schedule
) -> None:
    """Copy the models that a session begins with into its directory.

    What a process left there that was killed over it is replaced.
    """
    import shutil

    from framework.disk import disk_fault
    from framework.learning.library import save_schedule
    from framework.modes.predicting import fit_of

    with disk_fault(str(directory / MODELS)):
        if (directory / MODELS).is_dir():  # of a beginning that was cut short
            shutil.rmtree(directory / MODELS)
        save_schedule(directory / MODELS, schedule, fit_of(settings.model, plan, pairs))  # type: ignore[arg-type]


def read_models(
    directory: Path, settings: Settings, plan: Plan, pairs: tuple[str, ...]
) -> Schedule | None:
    """Return the models that a session began with, None where it has none."""
    from framework.learning.library import FILE, load_schedule
    from framework.learning.model import Model
    from framework.modes.predicting import fit_of

    if not isinstance(settings.model, Model):
        return None
    if not (directory / MODELS / FILE).is_file():
        raise OutsideFault(
            f"{directory / MODELS / FILE}: is missing; without its models the session cannot go on."
        )
    return load_schedule(directory / MODELS, settings.model, fit_of(settings.model, plan, pairs))


def stage_of(directory: Path, settings: Settings, values: Mapping[str, Any]) -> Stage:
    """Return the model that took over by an entry of the journal."""
    from framework.learning.library import digest_of
    from framework.learning.model import Model
    from framework.learning.schedule import Stage

    assert isinstance(settings.model, Model)  # noqa: S101 - only models are swapped
    place = directory / MODELS / str(values["model"])
    if digest_of(place) != values["sha256"]:
        raise OutsideFault(f"{place}: is damaged (its digest is another than the journal's).")
    return Stage(
        int(values["number"]),
        int(values["start_ns"]),
        int(values["from_ns"]),
        settings.model.load(place),
    )
