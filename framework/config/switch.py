"""Make one strategy of several: ``strategy.switch`` names them, and the conditions that choose.

It is written out before anything is composed, in the expression language, so what the command
line, a sweep and the compiler see is a strategy like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from framework.config.used_strategy import (
    RULES,
    UsedStrategy,
    is_expression,
    prefix_of,
    use_strategy,
)
from framework.errors import UserError, did_you_mean

_CASE = ("when", "use")
_CONDITIONS = ("enter", "exit", "enter_short", "exit_short")


def write_out_switch(
    tree: Mapping[str, Any],
    own: str,
    read: Callable[[str], Mapping[str, Any]],
    choices: Sequence[str],
) -> dict[str, Any]:
    """Return a strategy's tree with the strategies that it switches between written out.

    Parameters
    ----------
    tree : mapping
        Of the strategy's file, interpolations as they are written.
    own : str
        Name of the strategy, as in the name of its file.
    read : callable
        Gives the tree of another strategy's file.
    choices : sequence of str
        Names of all strategies.

    Raises
    ------
    UserError
        With one line for everything that is wrong with the switch and the strategies it uses.
    """
    strategy = tree["strategy"]
    faults: list[str] = []
    whens = _whens(strategy["switch"], own, choices, faults)
    faults += [
        f"strategy.{key}: goes without a switch, which takes it from the strategies it uses."
        for key in (*RULES, "direction")
        if strategy.get(key) is not None
    ]
    for group, given in (
        ("strategy.params", strategy.get("params")),
        ("features", tree.get("features")),
    ):
        if not isinstance(given or {}, Mapping):
            faults.append(f"{group}: must be a mapping of names to values (was {given}).")
    faults = [f"strategies/{own}.yaml: {fault}" for fault in faults]
    used: list[UsedStrategy] = []
    for name in whens:
        try:
            used.append(use_strategy(read(name), name, strategy.get("interval")))
        except UserError as fault:
            faults += fault.faults
    if not faults:
        found = _faults_together(used, strategy.get("params") or {})
        faults = [f"strategies/{own}.yaml: {fault}" for fault in found]
    if faults:
        raise UserError(*faults)
    return _written(tree, used, list(whens.values()))


def _whens(switch: object, own: str, choices: Sequence[str], faults: list[str]) -> dict[str, str]:
    """Return the condition of each strategy used; note what is no case."""
    path, whens = "strategy.switch", dict[str, str]()
    if not isinstance(switch, list) or not switch:
        faults.append(f"{path}: must be a list of {{when: CONDITION, use: STRATEGY}}.")
        return whens
    others = [name for name in choices if name != own]
    for n, case in enumerate(switch):
        keys = [str(key) for key in case] if isinstance(case, Mapping) else []
        unknown = [key for key in keys if key not in _CASE]
        faults += [f"{path}[{n}].{key}: no such key.{did_you_mean(key, _CASE)}" for key in unknown]
        if not isinstance(case, Mapping) or not all(is_expression(case.get(k)) for k in _CASE):
            if not unknown:
                faults.append(f"{path}[{n}]: must be {{when: CONDITION, use: STRATEGY}}.")
            continue
        name = str(case["use"])
        if name == own:
            faults.append(f"{path}[{n}].use: '{name}' is this strategy itself.")
        elif name not in others:
            faults.append(f"{path}[{n}].use: there is no '{name}'.{did_you_mean(name, others)}")
        elif not re.fullmatch(r"[A-Za-z][\w-]*", name):
            rule = "must be letters, digits, '_' and '-', from a letter on, to be used"
            faults.append(f"{path}[{n}].use: {rule} (was '{name}').")
        elif name in whens:
            faults.append(f"{path}[{n}].use: '{name}' is used already; join its conditions by or.")
        else:
            whens[name] = str(case["when"])
    return whens


def _faults_together(used: Sequence[UsedStrategy], params: Mapping[str, Any]) -> list[str]:
    """Return why sound strategies cannot be used by one, or not with these parameters."""
    faults: list[str] = []
    wanting = [each.name for each in used if "target" in each.rules]
    if 0 < len(wanting) < len(used):
        acting = [each.name for each in used if "target" not in each.rules]
        faults.append(
            "strategy.switch: takes either strategies with enter and exit, or with target "
            f"({', '.join(acting)} and {', '.join(wanting)})."
        )
    owners: dict[str, list[str]] = {}
    for each in used:
        for name in (*each.names, each.prefixed("when"), each.prefixed("active")):
            owners.setdefault(name, []).append(each.name)
    for name, users in owners.items():
        if len(users) > 1:
            faults.append(
                f"strategy.switch: '{name}' would mean two things, of {' and '.join(users)}; "
                "rename one of them."
            )
    for name in map(str, params):
        meant = [each for each in used if name.startswith(prefix_of(each.name))]
        if meant and not any(name in each.params for each in meant):
            near = did_you_mean(name, [key for each in meant for key in each.params])
            faults.append(f"strategy.params.{name}: {meant[0].name} has no such parameter.{near}")
    return faults


def _written(
    tree: Mapping[str, Any], used: Sequence[UsedStrategy], whens: Sequence[str]
) -> dict[str, Any]:
    """Return the tree of one strategy that trades as those it uses, each while it is active."""
    strategy = {key: value for key, value in tree["strategy"].items() if key != "switch"}
    params, features = dict[str, Any](), dict[str, str]()
    before: list[str] = []
    for each, when in zip(used, whens, strict=True):
        params |= each.params
        features |= each.features
        features |= {each.prefixed(rule): text for rule, text in each.rules.items()}
        own = each.prefixed("when")
        features[own] = when
        # What rests on NaN is unknown, and so are the cases after it: none of them is active.
        chosen = " and ".join([*(f"not {other}" for other in before), own])
        features[each.prefixed("active")] = f"holds({chosen}) == 1"
        before.append(own)
    both = any(each.direction == "both" for each in used)
    return {
        **tree,
        "features": features | dict(tree.get("features") or {}),
        "strategy": {
            **strategy,
            "params": params | dict(strategy.get("params") or {}),
            **({"direction": "both"} if both else {}),
            **_rules(used),
        },
    }


def _rules(used: Sequence[UsedStrategy]) -> dict[str, str]:
    """Return the rules that follow those of the active strategy."""
    if "target" in used[0].rules:
        rules = {"target": _chosen(used, "target", "0")}
    else:
        given = [rule for rule in _CONDITIONS if any(rule in each.rules for each in used)]
        rules = {rule: _while_active(used, rule) for rule in given}
        left = " or ".join([_none(used), *(_begun(each) for each in used)])
        rules |= {rule: f"{rules[rule]} or {left}" for rule in given if rule.startswith("exit")}
    if any("confidence" in each.rules for each in used):
        rules["confidence"] = _chosen(used, "confidence", "1")
    return rules


def _while_active(used: Sequence[UsedStrategy], rule: str) -> str:
    return " or ".join(
        f"{each.prefixed('active')} and {each.prefixed(rule)}"
        for each in used
        if rule in each.rules
    )


def _none(used: Sequence[UsedStrategy]) -> str:
    return " and ".join(f"not {each.prefixed('active')}" for each in used)


def _begun(each: UsedStrategy) -> str:
    """Return the condition that a strategy is active and was not one bar ago."""
    active = each.prefixed("active")
    return f"{active} and not {active}[1]"


def _chosen(used: Sequence[UsedStrategy], rule: str, otherwise: str) -> str:
    """Return the number that the active strategy gives, and another where there is none."""
    text = otherwise
    for each in reversed(used):
        if rule in each.rules:
            active, value = each.prefixed("active"), each.prefixed(rule)
            if rule == "target":  # one that leaves the weight alone must not keep another's
                value = f"where({_begun(each)} and holds({value} == {value}) == 0, 0, {value})"
            text = f"where({active}, {value}, {text})"
    return text
