"""Put pydantic's findings into one line each: path, rule, value, nearest choice."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from yaml import YAMLError

from framework.config.component import is_component
from framework.errors import did_you_mean

_RULES = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be {expected}",
    "dataclass_type": "must be a mapping of keys to values",
    "dataclass_exact_type": "must be a mapping of keys to values",
    "is_instance_of": "must be a component of the kind {class}",
}

_TYPES = {
    "float_type",
    "float_parsing",
    "int_type",
    "int_parsing",
    "int_from_float",
    "bool_type",
    "bool_parsing",
    "string_type",
}
"""Kinds of fault that a branch of a union has with what another branch is for."""

_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def fault_lines(
    error: ValidationError, cls: type, path: str = "", ignore: Collection[str] = ()
) -> Iterator[str]:
    """Yield a line for each fault; one of the whole configuration names its own path.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    cls : type
        The component that was being built.
    path : str
        Where it stands in the configuration.
    ignore : collection of str
        Fields that have been reported already.
    """
    faults: dict[tuple[Any, ...], list[Any]] = {}
    for found in error.errors(include_url=False):
        parts = tuple(part for part in found["loc"] if not _is_branch(part))
        if parts[0] not in ignore if parts else not ignore:  # the whole needs all its parts
            faults.setdefault(parts, []).append(found)
    for parts, branches in faults.items():
        location = list(parts)
        where = _join(path, location)
        rule = _rule_of_branches(branches, cls, location)
        yield f"{where}: {rule}" if where else rule


def explain_yaml(fault: YAMLError) -> str:
    """Return one line for text that is not YAML: where, and what is wrong.

    Examples
    --------
    >>> import yaml
    >>> try:
    ...     yaml.safe_load("a: [1,")
    ... except yaml.YAMLError as fault:
    ...     explain_yaml(fault)
    "is not YAML: expected the node content, but found '<stream end>' (line 1, column 7)."
    """
    problem = getattr(fault, "problem", None) or str(fault).splitlines()[0]
    mark = getattr(fault, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"is not YAML: {problem}{where}."


def _is_branch(part: object) -> bool:
    """Tell whether pydantic names a branch of a union here, not a key."""
    return isinstance(part, str) and (
        part in {"str", "int", "float", "bool", "none"}
        or "[" in part
        or part.startswith("constrained-")
    )


def _join(path: str, location: list[Any]) -> str:
    text = path
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _rule_of_branches(branches: list[Any], cls: type, location: list[Any]) -> str:
    """Return the fault of the branch that a value was meant for, or name what all are for."""
    meant = [found for found in branches if not _is_of_another_type(found)]
    if meant or len(branches) == 1:
        return _rule((meant or branches)[0], cls, location)
    rules = [
        _RULES[found["type"] if found["type"] in _TYPES else "float_type"] for found in branches
    ]
    types = dict.fromkeys(rule.removeprefix("must be ") for rule in rules)
    return f"must be {' or '.join(types)} (was {_shown(branches[0]['input'])})."


def _is_of_another_type(found: Any) -> bool:
    """Tell whether a value has not even the type that a branch takes; true is no number."""
    return found["type"] in _TYPES or (
        found["type"] in _BOUNDS and isinstance(found["input"], bool)
    )


def _rule(found: Any, cls: type, location: list[Any]) -> str:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        owner = _owner(cls, location[:-1])
        return f"no such key.{did_you_mean(str(location[-1]), _fields(owner))}"
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return "a value is needed."
    shown = str(len(value)) if kind in ("too_short", "too_long") else _shown(value)
    if kind == "literal_error":
        choices = [str(choice) for choice in _literal_choices(cls, location)]
        named = ", ".join(choices) if choices else context["expected"].replace("'", "")
        rule = f"must be one of {named}"
        hint = did_you_mean(str(value), choices) if choices else ""
        return f"{rule} (was {shown}).{hint if hint.startswith(' Did') else ''}"
    if kind == "value_error":
        message = str(context.get("error", found["msg"])).rstrip(".")
        whole = not isinstance(value, str | int | float | bool)
        return (
            f"{message}." if whole or shown.strip("'") in message else f"{message} (was {shown})."
        )
    if kind not in _RULES:
        return f"{found['msg'].rstrip('.')} (was {shown})."
    limits = {name: _number(limit) for name, limit in context.items()}
    return f"{_RULES[kind].format_map(limits)} (was {shown})."


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "a secret"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value[:80]}'"
    if isinstance(value, int | float):
        return f"{value}"
    return type(value).__name__ if not isinstance(value, list | dict) else str(value)[:80]


def _owner(cls: Any, location: list[Any]) -> Any:
    """Follow `location` down the component fields of `cls`."""
    for part in location:
        field = getattr(cls, "__pydantic_fields__", {}).get(part)
        annotation = field.annotation if field is not None else cls
        inner = [arg for arg in (annotation, *get_args(annotation)) if is_component(arg)]
        cls = inner[0] if inner else annotation
    return cls


def _fields(cls: Any) -> list[str]:
    """Return the keys of a component, as a user writes them."""
    fields = getattr(cls, "__pydantic_fields__", {})
    return [field.alias or name for name, field in fields.items()]


def _literal_choices(cls: Any, location: list[Any]) -> list[Any]:
    owner = _owner(cls, location[:-1])
    field = getattr(owner, "__pydantic_fields__", {}).get(location[-1]) if location else None
    if field is None:
        return []
    flat: list[Any] = []
    waiting = [field.annotation]
    while waiting:
        annotation = waiting.pop()
        args = get_args(annotation)
        if not args and annotation is not type(None) and not isinstance(annotation, type):
            flat.append(annotation)
        waiting.extend(reversed(args))
    return flat
