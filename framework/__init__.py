"""Crypto trading strategies as configuration: one engine, honest results.

``load_run(run)`` opens a finished run; ``function`` makes a plug-in function for expressions. Both
are imported on first use, so that ``import framework`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.results.load import load_run as load_run
    from framework.strategy.function import function as function

__version__ = "0.1.0"
__all__ = ["__version__", "function", "load_run"]

_HOMES = {"load_run": "framework.results.load", "function": "framework.strategy.function"}


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'framework' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
