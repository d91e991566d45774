"""The faults a run can end with, each with its exit code.

FrameworkError
├── CheckFailed   1  a check failed: causality, replay, gate
├── UserError     2  the user's mistake: configuration, expression, strategy or data file
└── OutsideFault  3  network, disk, database, another program
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FrameworkError(Exception):
    """A fault that is reported in plain lines, without a traceback."""

    exit_code = 1


class CheckFailed(FrameworkError):
    """A check on the result failed: causality, replay, gate."""

    exit_code = 1


class UserError(FrameworkError):
    """One or several mistakes of the user's, all reported at once.

    Parameters
    ----------
    *faults : str
        One line each, naming path, rule broken, value found and nearest valid choice.
    """

    exit_code = 2

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class OutsideFault(FrameworkError):
    """Something outside the program failed: network, disk, database."""

    exit_code = 3


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return a sentence with the nearest choice, or with all of a few, to append to a message.

    Examples
    --------
    >>> did_you_mean("ema_fst", ["ema_fast", "close"])
    " Did you mean 'ema_fast'?"
    >>> did_you_mean("q", ["long", "both"])
    ' Choices: both, long.'
    """
    known = sorted(set(choices))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6) or difflib.get_close_matches(
        name.lower(), known, n=1, cutoff=0.5
    )
    if near:
        return f" Did you mean '{near[0]}'?"
    if 0 < len(known) <= 12:
        return f" Choices: {', '.join(known)}."
    return ""
