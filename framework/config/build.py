"""Turn the composed configuration into components and report every fault at once.

A configuration is data: ``_target_`` names a component inside `framework` or a listed plug-in
package, and nothing else is ever called.
"""

from __future__ import annotations

import importlib
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from framework.config.component import from_keys, is_component
from framework.config.faults import fault_lines
from framework.errors import UserError, did_you_mean

T = TypeVar("T")

_MISSING = "???"


class _Faulty:
    """Stands for a component that could not be built, so that its parent is still checked."""


_FAULTY = _Faulty()


def plain_tree(config: DictConfig) -> dict[str, Any]:
    """Return the configuration as plain dictionaries with interpolations resolved.

    Raises
    ------
    UserError
        An interpolation has no value, or a mandatory value is not given; all of them at once.
    """
    faults = [f"{key}: a value is needed; give {key}=VALUE." for key in _open_keys(config)]
    tree: dict[str, Any] = {}
    for key in map(str, config.keys()):
        try:
            tree[key] = _resolved(config, key)
        except OmegaConfBaseException as error:
            where = getattr(error, "full_key", None) or key
            faults.append(f"{where}: {_cause(error)}.")
    if faults:
        raise UserError(*faults)
    return tree


def _open_keys(config: DictConfig) -> list[str]:
    """Return the keys whose value is still to be given."""
    found: list[str] = []

    def walk(node: Any, path: str) -> None:
        if node == _MISSING:
            found.append(path)
        elif isinstance(node, Mapping):
            for name, value in node.items():
                walk(value, f"{path}.{name}" if path else str(name))

    walk(OmegaConf.to_container(config, resolve=False), "")
    return found


def _resolved(config: DictConfig, key: str) -> Any:
    if OmegaConf.is_missing(config, key):
        return None
    value = config[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _cause(error: OmegaConfBaseException) -> str:
    """Return what a resolver said, without OmegaConf's own frame around it."""
    missing = re.fullmatch(r"Interpolation key '(.+)' not found", str(error).splitlines()[0])
    if missing:
        return f"needs {missing[1]}, which is not given"
    line = str(error).splitlines()[0]
    return line.partition("interpolation: ")[2].strip('"') or line


def build(tree: Mapping[str, Any], schema: type[T], plugins: Sequence[str] = ()) -> T:
    """Build `schema` and every component below it from plain dictionaries.

    Parameters
    ----------
    tree : mapping
        The composed configuration.
    schema : type
        Component class of the root.
    plugins : sequence of str
        Packages besides `framework` whose components may be named by ``_target_``.

    Raises
    ------
    UserError
        With one line for every fault found.
    """
    faults: list[str] = []
    kinds = getattr(schema, "__pydantic_fields__", {})
    children = {
        key: _instantiate(value, key, ("framework", *plugins), faults, _kind(kinds.get(key)))
        for key, value in tree.items()
    }
    built = _construct(schema, children, "", faults)
    if faults:
        raise UserError(*faults)
    return typing.cast(T, built)


def build_part(node: Mapping[str, Any], path: str, plugins: Sequence[str] = ()) -> Any:
    """Build the component that stands at `path` of a configuration, as `build` would.

    Raises
    ------
    UserError
        With one line for every fault found.
    """
    faults: list[str] = []
    built = _instantiate(node, path, ("framework", *plugins), faults)
    if faults:
        raise UserError(*faults)
    return built


def _kind(field: Any) -> type:
    """Return the component class that a field asks for, or `object` where it leaves that open."""
    return field.annotation if field is not None and is_component(field.annotation) else object


def _instantiate(
    node: Any, path: str, allowed: Sequence[str], faults: list[str], kind: type = object
) -> Any:
    """Replace every mapping that names a ``_target_`` by its component, one of `kind`."""
    if isinstance(node, list):
        return [
            _instantiate(value, f"{path}[{index}]", allowed, faults)
            for index, value in enumerate(node)
        ]
    if not isinstance(node, Mapping):
        return node
    target = node.get("_target_")
    children = {
        key: _instantiate(value, f"{path}.{key}", allowed, faults)
        for key, value in node.items()
        if key != "_target_"
    }
    if "_target_" not in node:
        return children
    cls = _find(target, path, allowed, faults)
    if cls is not None and not issubclass(cls, kind):
        faults.append(f"{path}._target_: must be a kind of {kind.__name__} (was '{target}').")
        return _FAULTY
    return _FAULTY if cls is None else _construct(cls, children, path, faults)


def _find(target: Any, path: str, allowed: Sequence[str], faults: list[str]) -> type | None:
    """Return the component class that `target` names, or note why there is none."""
    where = f"{path}._target_"
    module_name, _, class_name = str(target).rpartition(".")
    package = module_name.split(".")[0]
    if package not in allowed:
        names = ", ".join(allowed)
        faults.append(
            f"{where}: '{target}' lies outside the packages allowed ({names}); "
            "list its package under plugins: to allow it."
        )
        return None
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        faults.append(f"{where}: '{target}' cannot be imported ({error}).")
        return None
    cls = getattr(module, class_name, None)
    if not is_component(cls):
        components = [name for name, value in vars(module).items() if is_component(value)]
        hint = did_you_mean(class_name, components)
        faults.append(f"{where}: '{target}' is no component.{hint}")
        return None
    return typing.cast(type, cls)


def _construct(cls: type, fields: Mapping[str, Any], path: str, faults: list[str]) -> Any:
    """Build one component, or note all that is wrong with its fields."""
    faulty = {name for name, value in fields.items() if _holds_fault(value)}
    given = {name: value for name, value in fields.items() if name not in faulty}
    try:
        built: object = from_keys(cls, given)
    except ValidationError as error:
        faults.extend(fault_lines(error, cls, path, ignore=faulty))
        return _FAULTY
    return _FAULTY if faulty else built


def _holds_fault(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_fault(child) for child in value.values())
    if isinstance(value, list):
        return any(_holds_fault(child) for child in value)
    return value is _FAULTY
