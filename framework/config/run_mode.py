"""Spare Hydra a whole composition, which it makes only to read whether there are many runs."""

from __future__ import annotations

import re
import sys
from typing import Any

from hydra._internal.hydra import Hydra

_SETS_MODE = re.compile(r"\+{0,2}hydra(\.mode)?=.*|--config-(dir|name|path).*|-c[dnp].*", re.DOTALL)
"""Words of a command line that could set ``hydra.mode``; without one, it is as ``-m`` says."""

_composed = Hydra.get_mode


def register() -> None:
    """Let Hydra ask here which mode the configuration names."""
    Hydra.get_mode = _mode  # type: ignore[method-assign]


def _mode(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    if any(_SETS_MODE.fullmatch(word) for word in sys.argv[1:]):
        return _composed(self, config_name, overrides)
    return None
