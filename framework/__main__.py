"""The command line: ``python -m framework [group=choice ...] [key=value ...]``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from framework import collector
from framework.config.signals import end_cleanly

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> None:
    """Run the command line and exit with the code that says how it ended."""
    from framework.config.command_line import exit_with_faults

    with exit_with_faults():
        if "--functions" in sys.argv[1:]:
            print_functions()
        else:
            compose()


def compose() -> None:
    """Let Hydra compose the configuration and hand it to the runner."""
    import hydra

    from framework.config.command_line import exit_with_faults, quoted_expressions
    from framework.config.search_path import project_root, register

    def job(config: DictConfig) -> None:
        from framework.run import run

        # Inside Hydra's job too, which would otherwise print a line of its own.
        with exit_with_faults():
            run(config)

    register()
    if {"-m", "--multirun"} & set(sys.argv[1:]):
        from framework.sweep.plugins import register as register_sweeps

        register_sweeps()
    sys.argv[1:] = quoted_expressions(sys.argv[1:])
    conf = str(project_root() / "conf")
    hydra.main(version_base="1.3", config_path=conf, config_name="config")(job)()


def print_functions() -> None:
    """Print every function of the expression language."""
    from framework.strategy.document import function_lines

    for line in function_lines():
        print(line)


if __name__ == "__main__":
    collector.begin()
    # Everything heavy is imported inside, where a signal already finds its handler.
    end_cleanly(main)
