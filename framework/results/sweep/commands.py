"""The command that makes one trial again, as a shell takes it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_PLAIN = re.compile(r"[A-Za-z_][\w.\-/:@]*")
_OTHER_THINGS = {"true", "false", "null", "nan", "inf"}


def command_line(words: Sequence[str], params: Mapping[str, Any]) -> str:
    """Return `words` and an override for each of `params`.

    Examples
    --------
    >>> print(command_line(["python", "-m", "framework"], {"params.fast": 5, "exchange": "a b"}))
    python -m framework params.fast=5 'exchange="a b"'
    """
    return shlex.join([*words, *(f"{key}={hydra_value(value)}" for key, value in params.items())])


def hydra_value(value: Any) -> str:
    """Return a value in the grammar of Hydra's overrides; text is quoted where it must be.

    Examples
    --------
    >>> [hydra_value(value) for value in (None, True, 0.1, "15m", "btc_aud", "5")]
    ['null', 'true', '0.1', '"15m"', 'btc_aud', '"5"']
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    said = str(value)
    if _PLAIN.fullmatch(said) and said.lower() not in _OTHER_THINGS:
        return said
    # a backslash means something before a quote only
    escaped = re.sub(r'(\\*)("|$)', lambda run: run[1] * 2 + run[2].replace('"', '\\"'), said)
    return f'"{escaped}"'
