"""All functions that expressions may call: the framework's own, a plug-in's, TA-Lib's."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType

from framework.strategy import functions
from framework.strategy.function import ATTRIBUTE, Function


@dataclass(frozen=True)
class Catalogue:
    """Functions by name. The framework's own hide TA-Lib's of the same name.

    Parameters
    ----------
    plugins : mapping of str to Function
        Added by plug-in modules.
    """

    plugins: Mapping[str, Function] = field(default_factory=dict)

    def find(self, name: str) -> Function | None:
        """Return the function of that name, or None."""
        found = own_functions().get(name) or self.plugins.get(name)
        if found is None:
            from framework.strategy.talib_functions import talib_function, talib_names

            if name in talib_names():
                found = talib_function(name)
        return found

    def names(self) -> list[str]:
        """Return every name, sorted."""
        from framework.strategy.talib_functions import talib_names

        return sorted({*own_functions(), *self.plugins, *talib_names()})

    def columns(self, records: frozenset[str]) -> list[str]:
        """Return the names of those that are columns of what is recorded, sorted."""
        own = {**own_functions(), **self.plugins}
        return sorted(
            name for name, item in own.items() if item.is_column and item.records <= records
        )


def list_functions(plugins: Sequence[str] = ()) -> list[Function]:
    """Return every function there is, sorted by group and name, TA-Lib's last.

    Parameters
    ----------
    plugins : sequence of str
        Modules that add functions.
    """
    catalogue = Catalogue(load_plugins(plugins, []))
    found = [catalogue.find(name) for name in catalogue.names()]
    listed = [item for item in found if item is not None]
    return sorted(listed, key=lambda f: (f.group.startswith("TA-Lib"), f.group, f.name))


@cache
def own_functions() -> Mapping[str, Function]:
    """Return the framework's own functions by name, found by scanning their folder."""
    found: dict[str, Function] = {}
    for item in pkgutil.iter_modules(functions.__path__, f"{functions.__name__}."):
        for function in _defined_in(importlib.import_module(item.name)):
            if function.name in found:
                raise ValueError(f"{item.name}: {function.name} is defined twice")
            found[function.name] = function
    return found


def load_plugins(modules: Sequence[str], faults: list[str]) -> dict[str, Function]:
    """Return the functions that plug-in modules define, noting every fault in `faults`."""
    found: dict[str, Function] = {}
    for name in modules:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            faults.append(f"plugins: '{name}' is no importable module name.")
            continue
        try:
            module = importlib.import_module(name)
            defined = list(_defined_in(module))
        except Exception as error:  # a stranger's module may raise anything; it is reported
            reason = " ".join(str(error).split()) or type(error).__name__
            faults.append(
                f"plugins: '{name}' cannot be imported ({type(error).__name__}: {reason})."
            )
            continue
        taken = Catalogue(found)
        for function in defined:
            if taken.find(function.name) is not None:
                faults.append(
                    f"plugins: '{name}' defines {function.name}(), but there is a function of that "
                    "name already; rename it."
                )
                continue
            found[function.name] = function
    return found


def _defined_in(module: ModuleType) -> Iterable[Function]:
    """Yield the functions that `module` itself defines."""
    for value in vars(module).values():
        if isinstance(value, Function):
            yield value
            continue
        made = getattr(value, ATTRIBUTE, None) if callable(value) else None
        if isinstance(made, Function) and value.__module__ == module.__name__:
            yield made
