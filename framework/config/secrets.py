"""Keep secrets out of everything that is written or printed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from omegaconf import DictConfig

MASK = "**********"

_URL_PASSWORD = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(@)")


class Redactor:
    """Replaces the values of all secrets of a configuration by a mask.

    Parameters
    ----------
    root : object
        Built settings; every `SecretStr` at any depth is a secret.
    """

    def __init__(self, root: object) -> None:
        self._secrets = sorted(set(_secrets(root)), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every secret in it masked, and every password in a URL."""
        text = _URL_PASSWORD.sub(rf"\1{MASK}\2", text)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def as_yaml(self, config: DictConfig) -> str:
        """Return a configuration as YAML with every secret in it masked, interpolations kept."""
        from omegaconf import OmegaConf

        # Value by value first: a mask that is not quoted would be read as an alias of YAML.
        tree = self._masked(OmegaConf.to_container(config, resolve=False))
        return self(OmegaConf.to_yaml(OmegaConf.create(tree)))

    def _masked(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {key: self._masked(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._masked(value) for value in node]
        return self(node) if isinstance(node, str) else node


def _secrets(node: object) -> Iterator[str]:
    if isinstance(node, SecretStr):
        if node.get_secret_value():
            yield node.get_secret_value()
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        for field in dataclasses.fields(node):
            yield from _secrets(getattr(node, field.name))
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _secrets(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _secrets(value)
