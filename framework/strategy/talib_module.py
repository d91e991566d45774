"""Import TA-Lib without the pandas and polars it would pull in.

``import talib`` imports pandas and polars where they are installed, only to accept their series;
that costs a second at start-up, and the framework hands over arrays. For the moment of the import
both are marked as absent. Where they are loaded already there is nothing to save.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from framework.imports import hidden


@cache
def load_talib() -> Any:
    """Return the module ``talib``, with ``talib.abstract`` loaded."""
    with hidden("pandas", "polars"):
        import talib
        import talib.abstract
    return talib
