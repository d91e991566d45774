"""Tell the faults of a user's own code from our own."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from framework.errors import FrameworkError, UserError


@contextmanager
def blaming(plugins: Sequence[str]) -> Iterator[None]:
    """Turn an exception that passed through a plug-in into one line naming its function and line.

    Parameters
    ----------
    plugins : sequence of str
        Names of modules or packages.

    Raises
    ------
    UserError
        In the place of such an exception. Those that say what they mean pass: `FrameworkError`,
        and the faults of disk, network and memory.
    """
    try:
        yield
    except (FrameworkError, OSError, MemoryError):
        raise
    except Exception as defect:
        where = _where(defect, plugins)
        if where is None:
            raise
        reason = " ".join(f"{type(defect).__name__}: {defect}".split()).removesuffix(":")
        raise UserError(f"plugins: {where}: {reason.rstrip('.')}.") from defect


def _where(defect: Exception, plugins: Sequence[str]) -> str | None:
    """Return the innermost place in a plug-in that `defect` passed."""
    files = {
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if any(name == plugin or name.startswith(f"{plugin}.") for plugin in plugins)
    }
    for frame, line in reversed(list(traceback.walk_tb(defect.__traceback__))):
        code = frame.f_code
        if code.co_filename in files:
            name = code.co_qualname if hasattr(code, "co_qualname") else code.co_name
            return f"{name}() failed at {code.co_filename}:{line}"
    return None
