"""Make the sweepers and launchers of this package known to Hydra."""

from __future__ import annotations

from hydra.core.plugins import Plugins

from framework.sweep.batch_launcher import BatchLauncher
from framework.sweep.grid_sweeper import GridSweeper
from framework.sweep.joblib_launcher import JoblibLauncher
from framework.sweep.optuna_sweeper import OptunaSweeper
from framework.sweep.ray_launcher import RayLauncher

PLUGINS = (BatchLauncher, JoblibLauncher, RayLauncher, GridSweeper, OptunaSweeper)

_PACKAGE = "hydra_plugins.framework"
"""Hydra only takes sweepers and launchers that are named as parts of `hydra_plugins`."""


def register() -> None:
    """Let ``hydra/sweeper=`` and ``hydra/launcher=`` name them."""
    plugins = Plugins.instance()
    for plugin in PLUGINS:
        plugins.register(plugin)
        plugins.class_name_to_class[f"{_PACKAGE}.{plugin.__name__}"] = plugin
