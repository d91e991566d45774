"""Import TA-Lib without the pandas and polars it would pull in.

``import talib`` imports pandas and polars where they are installed, only to accept their series;
that costs a second at start-up, and the framework hands over arrays. For the moment of the import
both are marked as absent. Where they are loaded already there is nothing to save.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def load_talib() -> Any:
    """Return the module ``talib``, with ``talib.abstract`` loaded."""
    hidden = [name for name in ("pandas", "polars") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import talib
        import talib.abstract
    finally:
        for name in hidden:
            del sys.modules[name]
    return talib
