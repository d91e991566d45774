"""The composed configuration as a tracker shows it: one line of text for each key."""

from __future__ import annotations

from typing import Any

import yaml

_OWN = ("run_dir", "notify", "tracking", "search", "sweep")
"""What does not tell one run's result from another's."""


def parameters(config: str) -> dict[str, str]:
    r"""Return every key of a configuration, joined by dots, and its value.

    Parameters
    ----------
    config : str
        YAML.

    Examples
    --------
    >>> parameters("cash: 1000\nrisk: {stop_loss: null}\npairs: {symbols: [BTC-AUD]}")
    {'cash': '1000', 'risk.stop_loss': 'null', 'pairs.symbols': '[BTC-AUD]'}
    """
    flat: dict[str, str] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict) and node:
            for name, value in node.items():
                walk(value, f"{path}.{name}" if path else str(name))
        else:
            flat[path] = _text(node)

    walk({key: value for key, value in yaml.safe_load(config).items() if key not in _OWN}, "")
    return flat


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10**9).split("\n")[0]
