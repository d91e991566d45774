"""Make ``strategy=NAME`` read ``strategies/NAME.yaml``: the user's folder first, then ours.

Hydra wants the folder of a group to bear the group's name; this source, registered under the scheme
``strategies://``, maps the group ``strategy`` to folders named ``strategies``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from framework.config.faults import explain_yaml
from framework.config.switch import write_out_switch
from framework.errors import UserError, did_you_mean

GROUP = "strategy"

GROUPS = ("pairs", "features", "model", "risk", "execution", "evaluation")
"""Groups of which a strategy may make a choice of its own."""

KEYS = ("defaults", "strategy", "search", *GROUPS)
"""Keys that a strategy may set at the top."""


def project_root() -> Path:
    """Return the folder that holds ``conf`` and ``strategies``."""
    return Path(__file__).resolve().parents[2]


def strategy_folders() -> tuple[Path, ...]:
    """Return the folders searched for strategies, first match first."""
    own, user = project_root() / "strategies", Path.cwd() / "strategies"
    return (user,) if user.resolve() == own else (user, own)


class StrategySource(ConfigSource):
    """The configuration group ``strategy`` over the folders named ``strategies``."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme under which ``hydra.searchpath`` names this source."""
        return "strategies"

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one strategy with its header."""
        file = self._file(config_path)
        if file is None:
            raise ConfigLoadError(f"Config not found : {config_path}")
        text = file.read_text(encoding="utf-8")
        header = ConfigSource._get_header_dict(text[:512])
        return ConfigResult(
            config=self._with_switch(_read(file, text, header), file.stem),
            path=str(file),
            provider=self.provider,
            header=header,
        )

    def available(self) -> bool:
        """Return True: a missing folder is an empty one."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Tell whether `config_path` is the group, or the root above it."""
        return config_path.strip("/") in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        """Tell whether a strategy of that name exists."""
        return self._file(config_path) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the group at the root, and the strategies' names in the group."""
        path = config_path.strip("/")
        if path == "":
            return [] if results_filter == ObjectType.CONFIG else [GROUP]
        if path != GROUP or results_filter == ObjectType.GROUP:
            return []
        return sorted(
            {file.stem for folder in strategy_folders() for file in folder.glob("*.yaml")}
        )

    def _with_switch(self, config: DictConfig, name: str) -> DictConfig:
        """Return a strategy with those that it switches between, if it does."""
        tree = _plain(config)
        if not isinstance(tree.get("strategy"), dict) or "switch" not in tree["strategy"]:
            return config

        def read(other: str) -> dict[str, Any]:
            file = self._file(f"{GROUP}/{other}")
            assert file is not None  # noqa: S101 - it is one of the choices
            text = file.read_text(encoding="utf-8")
            return _plain(_read(file, text, ConfigSource._get_header_dict(text[:512])))

        return OmegaConf.create(write_out_switch(tree, name, read, self.list(GROUP, None)))

    def _file(self, config_path: str) -> Path | None:
        group, _, name = config_path.strip("/").partition("/")
        if group != GROUP or not name or "/" in name or name.startswith("."):
            return None
        file_name = name if name.endswith(".yaml") else f"{name}.yaml"
        for folder in strategy_folders():
            if (folder / file_name).is_file():
                return folder / file_name
        return None


def _read(file: Path, text: str, header: Mapping[str, str | None]) -> DictConfig:
    """Return a strategy's tree; raise UserError where it cannot be one."""
    name = f"strategies/{file.name}"
    if not text.strip():
        raise UserError(f"{name}: is empty.")
    if header.get("package") != "_global_":
        raise UserError(f"{name}: its first line must be '# @package _global_'.")
    try:
        config = OmegaConf.create(text)
    except YAMLError as fault:
        raise UserError(f"{name}: {explain_yaml(fault)}") from None
    if not isinstance(config, DictConfig):
        raise UserError(f"{name}: must be a mapping of keys to values (was a list).")
    faults = [*_forbidden_keys(config), *_forbidden_defaults(config)]
    if "${oc." in text:
        faults.append("${oc...}: a strategy may not read the environment.")
    if faults:
        raise UserError(*(f"{name}: {fault}" for fault in faults))
    return config


def _plain(config: DictConfig) -> dict[str, Any]:
    """Return a strategy's tree with its interpolations as they are written."""
    tree = OmegaConf.to_container(config, resolve=False)
    assert isinstance(tree, dict)  # noqa: S101 - of a mapping
    return {str(key): value for key, value in tree.items()}


def _forbidden_keys(config: DictConfig) -> Iterator[str]:
    """Yield a fault for each key that could run code or write elsewhere: strategies are data."""
    for key in map(str, config):
        if key not in KEYS:
            yield f"{key}: is not for a strategy to set.{did_you_mean(key, KEYS)}"


def _forbidden_defaults(config: DictConfig) -> Iterator[str]:
    for entry in config.get("defaults", []):
        named = next(iter(entry)) if isinstance(entry, DictConfig) else str(entry)
        group = str(named).removeprefix("override ").lstrip("/").partition("@")[0]
        if group not in GROUPS and isinstance(entry, DictConfig):
            hint = did_you_mean(group, GROUPS)
            yield f"defaults: '{group}' is not for a strategy to choose.{hint}"


class StrategySearchPath(SearchPathPlugin):
    """Adds the source to every search path, so that ``--help`` lists strategies too."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the scheme ``strategies://``."""
        search_path.append(provider="framework", path=f"{StrategySource.scheme()}://.")


def register() -> None:
    """Make the scheme ``strategies://`` known to Hydra."""
    Plugins.instance().register(StrategySource)
    Plugins.instance().register(StrategySearchPath)
