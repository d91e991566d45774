"""What the sweepers share: the launcher that runs their trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction


class LaunchingSweeper(Sweeper):
    """A sweeper that hands trials to the launcher of its configuration."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over, and make the launcher."""
        from hydra.core.plugins import Plugins

        self._context, self._config = hydra_context, config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
