"""Hydra sweeper ``grid``: every combination of the values that the command line gives."""

from __future__ import annotations

from typing import Any

from framework.sweep.sweeper import LaunchingSweeper


class GridSweeper(LaunchingSweeper):
    """Asks the launcher for all trials at once: none is composed or looked at before."""

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep that a command line names.

        Raises
        ------
        FrameworkError
            The user's mistake before anything is written, or what failed.
        """
        from framework.sweep.batch_launcher import BatchLauncher
        from framework.sweep.close import close
        from framework.sweep.open import open_sweep
        from framework.sweep.space import read_grid

        grid = read_grid(arguments, self._context.config_loader)
        jobs = [[*grid.fixed, *words] for words in grid.combinations()]
        with open_sweep(self._context, self._config, arguments, jobs[0], len(jobs)) as record:
            if isinstance(self._launcher, BatchLauncher):
                self._launcher.recorder = record
            else:
                record.begin()
            returns = self._launcher.launch(jobs, initial_job_idx=0)
            close(record, self._context, self._config, jobs, returns, self._launcher)
        return returns
