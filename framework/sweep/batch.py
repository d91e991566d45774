"""Run one group of trials in this process: candles loaded once, all trials through one engine call.

Everything that can be wrong with a trial is found by `check_group`, before any data is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from framework.config.build import build_part
from framework.engine.execution import Execution
from framework.engine.make_rules import check_rules, make_rules
from framework.engine.many import simulate_many
from framework.engine.risk import Risk
from framework.engine.trials import Trials
from framework.errors import UserError
from framework.exchange.contract import Exchange
from framework.modes.market_rules import ruled
from framework.modes.settings import Settings
from framework.results.metrics import cagr
from framework.run import settings_of
from framework.strategy.many import compile_many
from framework.strategy.plan import Plan
from framework.sweep.candle_shelf import CandleShelf, TradedSignals
from framework.sweep.groups import SECTIONS, Group
from framework.sweep.trial import BLOCKS, TrialResult
from framework.types import YEAR_NS, Interval

_SECONDS = 2.0
"""About how long a stretch of trials takes, after which their results are handed on."""

_FIRST_TRIALS = 128
_METRICS = (
    *("total_return", "sharpe", "max_drawdown", "volatility", "trades", "fills", "turnover"),
    *("fees_paid", "slippage_paid", "final_equity"),
)


@dataclass(slots=True)
class Checked:
    """A group whose trials are all known to be sound.

    Parameters
    ----------
    group : Group
        P trials.
    tree, plugins
        As `check_group` was given them, for another process to check a part of the group.
    settings : Settings
        Of its first trial.
    plans : list of Plan
        Of each different set of parameters.
    rules : list of tuple
        Each different risk, execution and exchange.
    which_plan, which_rules : list of int
        P indices each.
    """

    group: Group
    tree: dict[str, Any]
    plugins: tuple[str, ...]
    settings: Settings
    plans: list[Plan]
    rules: list[tuple[Risk, Execution, Exchange]]
    which_plan: list[int]
    which_rules: list[int]

    @property
    def warmup(self) -> int:
        """Bars that the trial with the longest memory needs."""
        return max(plan.warmup for plan in self.plans)

    def order(self) -> list[int]:
        """Return the trials so that neighbours share most: those of one warm-up the candles."""
        of_trial = [(self.plans[plan].warmup, plan) for plan in self.which_plan]
        return sorted(range(len(of_trial)), key=of_trial.__getitem__)


def can_batch(tree: Mapping[str, Any]) -> bool:
    """Tell whether a composed configuration is one that the engine can trade many of at once."""
    interval = tree["execution"].get("interval")
    return (
        tree["mode"].get("name") == "backtest"
        and tree["verify"] is None
        and tree["model"].get("name") == "none"
        and interval in (None, tree["strategy"].get("interval"))
        and not tree["execution"].get("book")
        and all(target.startswith("framework.") for target in _targets(tree))
    )


def _targets(node: object) -> Iterator[str]:
    """Yield the names of all components of a configuration."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for child in node.values():
            yield from _targets(child)
    elif isinstance(node, list):
        for child in node:
            yield from _targets(child)


def check_group(group: Group, tree: dict[str, Any], plugins: tuple[str, ...]) -> Checked:
    """Build what the trials of a group are made of.

    Parameters
    ----------
    group : Group
        P trials.
    tree : dict
        The composed configuration of the first, without interpolations.
    plugins : tuple of str
        Modules that add functions.

    Raises
    ------
    UserError
        With every different fault of every trial, naming a trial that has it.
    """
    settings = settings_of(tree, plugins)
    faults: dict[str, str] = {}
    rules, which_rules = _rules(group, tree, plugins, settings, faults)
    params = [group.strategy_params(row) for row in range(len(group.trials))]
    which_plan, firsts = _distinct([tuple(each.items()) for each in params])
    plans: list[Plan] = []
    try:
        plans = compile_many(
            settings.strategy,
            settings.features,
            [params[row] for row in firsts],
            plugins=plugins,
            pairs=settings.pairs.symbols,
            distances=settings.risk.expressions,
        )
    except UserError as error:
        for fault in error.faults:
            found = re.fullmatch(r"params\[(\d+)\]: (.*)", fault, re.DOTALL)
            row = firsts[int(found[1])] if found else 0
            faults.setdefault(found[2] if found else fault, _words(group, row))
    if faults:
        raise UserError(*(f"{line} Trial: {words}" for line, words in faults.items()))
    return Checked(group, tree, plugins, settings, plans, rules, which_plan, which_rules)


def _words(group: Group, row: int) -> str:
    return " ".join(group.trials[row].overrides) or "the only one."


def _rules(
    group: Group,
    tree: dict[str, Any],
    plugins: tuple[str, ...],
    settings: Settings,
    faults: dict[str, str],
) -> tuple[list[tuple[Risk, Execution, Exchange]], list[int]]:
    """Build each different section once and return the combinations; note what is wrong."""
    of_section: dict[str, tuple[list[Any], list[int]]] = {}
    for section in SECTIONS:
        columns = group.columns(section)
        keys = [tuple(values[k] for k in columns) for values in group.values]
        which, firsts = _distinct(keys)
        built: list[Any] = []
        for row in firsts:
            changed = group.section(tree, section, keys[row])
            try:
                built.append(build_part(changed, section, plugins))
            except UserError as error:
                built.append(getattr(settings, section))
                for fault in error.faults:
                    faults.setdefault(fault, _words(group, row))
        of_section[section] = (built, which)
    which, firsts = _distinct(list(zip(*(which for _, which in of_section.values()), strict=True)))
    rules: list[tuple[Risk, Execution, Exchange]] = []
    for row in firsts:
        risk, execution, exchange = (built[which[row]] for built, which in of_section.values())
        rules.append((risk, execution, exchange))
        try:
            check_rules(risk, execution, exchange, settings.strategy.terms)
        except UserError as error:
            for fault in error.faults:
                faults.setdefault(fault, _words(group, row))
    return rules, which


def _distinct(keys: Sequence[Any]) -> tuple[list[int], list[int]]:
    """Return the number of each key among the different ones, and where each of these is first."""
    numbers: dict[Any, int] = {}
    firsts: list[int] = []
    which: list[int] = []
    for row, key in enumerate(keys):
        typed = tuple((type(value), value) for value in key)  # 1 and 1.0 are two parameters
        if typed not in numbers:
            numbers[typed] = len(firsts)
            firsts.append(row)
        which.append(numbers[typed])
    return which, firsts


def run_group(
    checked: Checked, shelf: CandleShelf, threads: int | None = None
) -> Iterator[list[TrialResult]]:
    """Trade the trials of a group, and yield their results stretch by stretch.

    Parameters
    ----------
    checked : Checked
        P trials.
    shelf : CandleShelf
        Holds their candles.
    threads : int, optional
        As for `simulate_many`.
    """
    group, settings = checked.group, checked.settings
    loaded = shelf.load(settings, checked.warmup)
    candles = loaded.candles[loaded.first :]
    rules = [
        make_rules(
            risk,
            execution,
            ruled(exchange, settings.database, candles.pairs),
            candles.pairs,
            settings.strategy.terms,
        )
        for risk, execution, exchange in checked.rules
    ]
    order = checked.order()
    done, size = 0, _FIRST_TRIALS
    while done < len(order):
        rows = order[done : done + size]
        started = perf_counter()
        used = list(dict.fromkeys(checked.which_plan[row] for row in rows))
        place = {plan: k for k, plan in enumerate(used)}
        trials = simulate_many(
            candles,
            TradedSignals([checked.plans[plan] for plan in used], shelf),
            rules,
            [place[checked.which_plan[row]] for row in rows],
            [checked.which_rules[row] for row in rows],
            settings.cash,
            blocks=BLOCKS,
            threads=threads,
        )
        yield _results(group, rows, trials, candles.interval, loaded.certificate.sha256)
        done += len(rows)
        size = max(1, round(_SECONDS * len(rows) / max(perf_counter() - started, 1e-3)))


def _results(
    group: Group, rows: Sequence[int], trials: Trials, interval: Interval, data_hash: str
) -> list[TrialResult]:
    """Return the rows of a batch as results."""
    years = trials.bars * interval.ns / YEAR_NS
    columns = {name: getattr(trials, name).astype(np.float64).tolist() for name in _METRICS}
    results: list[TrialResult] = []
    for k, row in enumerate(rows):
        metrics = {name: values[k] for name, values in columns.items()}
        growth = cagr(trials.initial_cash, metrics["final_equity"], years)
        depth = metrics["max_drawdown"]
        metrics["cagr"] = math.nan if growth is None else growth
        metrics["calmar"] = metrics["cagr"] / depth if depth else math.nan
        metrics["bars"] = float(trials.bars)
        results.append(
            TrialResult(
                index=group.trials[row].index,
                params=group.params[row],
                metrics=metrics,
                orders_hash=trials.orders_hash[k],
                data_hash=data_hash,
                blocks=trials.blocks[k],
            )
        )
    return results
