"""Secrets are masked in what is saved, and what is saved can still be read."""

import yaml
from omegaconf import OmegaConf
from pydantic import SecretStr

from framework.config.component import component
from framework.config.secrets import Redactor


@component
class Login:
    """Holds secrets."""

    key: SecretStr
    """One."""

    more: dict[str, SecretStr]
    """Others."""


def test_a_saved_configuration_is_yaml_with_masks_and_interpolations():
    redact = Redactor(Login(key="abc123", more={"b": "xyz789"}))
    config = OmegaConf.create(
        {
            "key": "abc123",
            "list": ["xyz789", 1, None, True],
            "within": "say xyz789 aloud",
            "open": "${oc.env:KEY}",
            "url": "postgresql://me:word@host/name",
            "more": {"b": "xyz789"},
        }
    )
    text = redact.as_yaml(config)
    assert yaml.safe_load(text) == {
        "key": "**********",
        "list": ["**********", 1, None, True],
        "within": "say ********** aloud",
        "open": "${oc.env:KEY}",
        "url": "postgresql://me:**********@host/name",
        "more": {"b": "**********"},
    }
    assert config.key == "abc123"
