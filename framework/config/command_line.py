"""End the process the way its exit codes promise, and say Hydra's faults in our own words."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from framework.config.faults import explain_yaml
from framework.config.signals import INTERRUPTED, say, say_interrupted, silence, was_told
from framework.errors import FrameworkError, OutsideFault, UserError, did_you_mean

_OPEN_MAPS = {
    "features",
    "strategy.params",
    "model.inputs",
    "gate",
    "search",
    "exchange.markets",
    "exchange.columns",
    "store_options",
}
"""Maps whose keys are the user's own."""

_RULE = re.compile(
    r"\+{0,2}("
    r"strategy\.(?:(?:enter|exit)(?:_short)?|target|confidence|anomaly"
    r"|(?:entry|exit)_order\.(?:limit|stop))"
    r"|(?:features|model\.inputs)\.\w+)=(.*)",
    re.DOTALL,
)
"""Keys that hold expressions, whether the strategy's file has them or not."""

_LEFT_OUT = re.compile(
    r"(strategy\.(?!(?:name|interval|params)=)(?:(?:entry|exit)_order\.)?\w+=.*)", re.DOTALL
)
"""Keys that a strategy's file may leave out; whether there are such keys is for it to say."""

_DISTANCE = re.compile(r"(risk\.(?:stop_loss|take_profit|trailing_stop))=(.*)", re.DOTALL)
"""Keys that hold a number or an expression."""

_OBJECTIVE = re.compile(r"(sweep\.(?:objective|constraints))=([^\['\"].*)", re.DOTALL)
"""Keys that hold an expression of metrics, or a list of them."""

_PLAIN = re.compile(
    r"[\d\s.,eE+-]*|null|true|false|\$\{.*|['\"].*|(?:choice|range|interval|shuffle|sort|tag)\(.*",
    re.DOTALL,
)
"""Values that Hydra reads as they are meant: numbers, several of them, and its own sweeps."""


@contextmanager
def exit_with_faults() -> Iterator[None]:
    """Turn every fault into plain lines on standard error and the exit code it stands for."""
    # Hydra then raises instead of printing its own text and exiting with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
        sys.stdout.flush()
    except FrameworkError as fault:
        _exit(str(fault), fault.exit_code)
    except KeyboardInterrupt:
        _exit("interrupted", INTERRUPTED)
    except (HydraException, OmegaConfBaseException) as fault:
        _exit(explain(fault), UserError.exit_code)
    except YAMLError as fault:
        _exit(f"configuration: {explain_yaml(fault)}", UserError.exit_code)
    except OSError as fault:
        if fault.filename is None and fault.errno in (errno.EPIPE, errno.ENOSPC):
            silence(1)  # printing is all that is done with a file that has no name
            _exit(f"standard output: cannot be written ({fault.strerror}).", OutsideFault.exit_code)
        _exit(f"{fault.filename or 'system'}: {fault.strerror or fault}.", OutsideFault.exit_code)


def _exit(message: str, code: int) -> None:
    if was_told():
        say_interrupted()
        raise SystemExit(INTERRUPTED) from None
    say(message)
    raise SystemExit(code) from None


def quoted_expressions(words: Sequence[str]) -> list[str]:
    """Return the command line with its expressions in the quotes that Hydra needs.

    A shell takes the quotes of ``'strategy.enter=cross_above(a, b)'`` away, and Hydra would read
    a call of its own. Values that are quoted twice, or null, stay as they are, and so do numbers
    where an expression may stand instead.

    Examples
    --------
    >>> quoted_expressions(["strategy.enter=cross_above(a, b)", "+features.x=ema(close, 9)[1]"])
    ["++strategy.enter='cross_above(a, b)'", "++features.x='ema(close, 9)[1]'"]
    >>> quoted_expressions(["strategy.exit=null", "strategy.params.fast=1,2"])
    ['++strategy.exit=null', 'strategy.params.fast=1,2']
    >>> quoted_expressions(["risk.stop_loss=0.01,0.02", "risk.stop_loss=2 * atr(14) / close"])
    ['risk.stop_loss=0.01,0.02', "risk.stop_loss='2 * atr(14) / close'"]
    >>> quoted_expressions(["sweep.objective=min(sharpe, calmar)", "sweep.objective=[sharpe]"])
    ["sweep.objective='min(sharpe, calmar)'", 'sweep.objective=[sharpe]']
    >>> quoted_expressions(["sweep.constraints=max_drawdown < 0.3"])
    ["sweep.constraints='max_drawdown < 0.3'"]
    >>> quoted_expressions(["strategy.entry_order.limit=close - 1", "strategy.entry_order.bars=4"])
    ["++strategy.entry_order.limit='close - 1'", '++strategy.entry_order.bars=4']
    """
    return [_quoted(word) for word in words]


def _quoted(word: str) -> str:
    if match := _RULE.fullmatch(word):
        key, text = match.groups()
        left = text in ("", "null") or text[0] in "'\""
        return f"++{key}={text if left else _in_quotes(text)}"
    if match := _LEFT_OUT.fullmatch(word):
        return f"++{match[1]}"
    if (match := _DISTANCE.fullmatch(word)) and not _PLAIN.fullmatch(match[2]):
        return f"{match[1]}={_in_quotes(match[2])}"
    if match := _OBJECTIVE.fullmatch(word):
        return f"{match[1]}={_in_quotes(match[2])}"
    return word


def _in_quotes(text: str) -> str:
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"


def explain(fault: Exception) -> str:
    """Return one line for a fault that Hydra or OmegaConf found."""
    text = str(fault)
    if isinstance(fault, OverrideParseException):
        return f"{fault.override}: cannot be read as key=value ({text.splitlines()[0]})."
    if isinstance(fault, MissingConfigException):
        return _explain_missing(text, fault.missing_cfg_file or "", fault.options)
    if isinstance(fault, ConfigCompositionException):
        return _explain_composition(text, fault)
    cause = text.splitlines()[0] if text else type(fault).__name__
    return f"configuration: {cause}."


def _explain_missing(text: str, missing: str, options: object) -> str:
    group, _, name = missing.rpartition("/")
    choices = [str(option) for option in options] if isinstance(options, list | tuple) else []
    if not group:
        return f"configuration: {text.splitlines()[0]}."
    return f"{group}: there is no '{name}'.{did_you_mean(name, choices)}"


def _explain_composition(text: str, fault: Exception) -> str:
    cause = str(fault.__cause__ or "")
    override = re.search(
        r"Could not (?:override|append to config|delete from config)[^'\"]*['\"]?([\w./@\[\]-]+)",
        text,
    )
    group = re.search(r"No match in the defaults list", text)
    if group and override:
        key = override[1]
        return f"{key}: there is no such choice.{did_you_mean(key, _keys())}"
    if override:
        key = override[1].strip("'\".")
        if "Could not append" in text:
            return f"{key}: is there already; change it with {key}=VALUE, without the plus."
        return _explain_key(key, _keys())
    first = (text or cause).splitlines()[0]
    return f"configuration: {first.rstrip('.')}."


def _explain_key(key: str, keys: list[str]) -> str:
    """Say what may stand where `key` does not, or how to add it to a map that is open."""
    if key in keys:
        return f"{key}: takes new keys with a plus: +{key}.NAME=VALUE."
    parent, _, name = key.rpartition(".")
    hint = f" To add it: +{key}=VALUE." if parent in _OPEN_MAPS else ""
    if parent not in keys:
        return f"{key}: no such key.{did_you_mean(key, keys)}{hint}"
    beside = {known.rpartition(".")[2] for known in keys if known.rpartition(".")[0] == parent}
    return f"{key}: no such key.{did_you_mean(name, beside - {'_target_'})}{hint}"


def _keys() -> list[str]:
    """Return every dotted key of the configuration that the group choices alone compose."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import DictConfig, OmegaConf

    from framework.config.search_path import project_root

    choices = [word for word in sys.argv[1:] if re.fullmatch(r"[a-z_/]+=[\w-]+", word)]
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(project_root() / "conf")):
        try:
            config = compose("config", overrides=choices, return_hydra_config=True)
        except HydraException:
            config = compose("config", return_hydra_config=True)
    keys: list[str] = []

    def walk(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for name, value in node.items():
                keys.append(f"{prefix}{name}")
                walk(value, f"{prefix}{name}.")

    if isinstance(config, DictConfig):
        walk(OmegaConf.to_container(config, resolve=False), "")
    own = ("hydra.sweeper.", "hydra.launcher.")
    return [key for key in keys if not key.startswith("hydra") or key.startswith(own)]
