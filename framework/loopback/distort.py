"""Payloads with a number that is none: what a strict reader must refuse."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.loopback.script import Kind
from framework.loopback.wire import bare

DISTORTED = (Kind.WRONG_TYPES, Kind.HUGE_NUMBERS, Kind.NOT_A_NUMBER)

HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"

# Any text is a name: a reader cannot tell a wrong one.
_NAMES = frozenset(
    {"id", "tradeId", "trade_id", "a", "f", "l", "snapshotId", "orderId", "interval", "currency"}
)


def distort(payload: Any, kind: Kind, rng: np.random.Generator) -> Any:
    """Return a copy of `payload` in which one number became what `kind` says.

    Numbers are JSON's, and decimals in text; where there is none, all stays as it is.
    """
    places: list[tuple[Any, ...]] = []
    _find(payload, (), places)
    if not places:
        return payload
    return _with(payload, places[int(rng.integers(len(places)))], kind, rng)


def _find(value: Any, path: tuple[Any, ...], places: list[tuple[Any, ...]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _NAMES or isinstance(inner, dict | list):
                _find(inner, (*path, key), places)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _find(inner, (*path, index), places)
    elif path and _is_number(value):
        places.append(path)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.removeprefix("\0").replace(".", "", 1).isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _with(value: Any, path: tuple[Any, ...], kind: Kind, rng: np.random.Generator) -> Any:
    if not path:
        return _wrong(value, kind, rng)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], kind, rng)
    return copy


def _wrong(value: Any, kind: Kind, rng: np.random.Generator) -> Any:
    """Return what stands where the number `value` should be."""
    if kind is Kind.WRONG_TYPES:
        return [None, [], {}, "abc", True, ""][int(rng.integers(6))]
    text = "NaN" if kind is Kind.NOT_A_NUMBER else ["1e400", "9" * 400][int(rng.integers(2))]
    is_text = isinstance(value, str) and not value.startswith("\0")
    return text if is_text else bare(text)
