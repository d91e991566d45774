"""Components: frozen classes whose fields are the schema of their YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, dataclass_transform

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import ArgsKwargs

T = TypeVar("T")

_CONFIG = ConfigDict(
    extra="forbid",
    arbitrary_types_allowed=True,
    use_attribute_docstrings=True,
    allow_inf_nan=False,
    validate_by_alias=True,
    validate_by_name=True,  # for `dataclasses.replace`; `from_keys` takes the keys of YAML alone
)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def component(cls: type[T]) -> type[T]:
    """Make `cls` a component: frozen, keyword-only, validated, refusing unknown fields.

    Types, ranges and defaults of the fields are the schema of the YAML that names the class;
    a docstring under each field says what it means and in which unit.

    Examples
    --------
    >>> from pydantic import PositiveFloat
    >>> @component
    ... class Stop:
    ...     distance: PositiveFloat = 0.02
    >>> Stop(distance=0.05).distance
    0.05
    """
    decorate: Callable[[type[T]], Any] = pydantic_dataclass(
        frozen=True, kw_only=True, config=_CONFIG
    )
    made: type[T] = decorate(cls)
    return made


def from_keys(cls: type[T], given: Mapping[str, Any]) -> T:
    """Make a component of the keys of its YAML; a field that goes by another key there has no name.

    Raises
    ------
    ValidationError
        A key or a value is not allowed.
    """
    validator: Any = cls.__pydantic_validator__  # type: ignore[attr-defined]
    made: T = validator.validate_python(ArgsKwargs((), dict(given)), by_name=False)
    return made


def is_component(cls: object) -> bool:
    """Tell whether `cls` is a component class."""
    return isinstance(cls, type) and is_dataclass(cls) and hasattr(cls, "__pydantic_fields__")
