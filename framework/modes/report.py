"""Show finished runs side by side: configuration, data and metrics."""

from __future__ import annotations

from typing import ClassVar, Literal

from framework.config.component import component
from framework.errors import UserError
from framework.modes.context import Context


@component
class Report:
    """Compare the runs named by ``runs=[A,B]``."""

    recorded: ClassVar[bool] = False

    name: Literal["report"] = "report"
    """Of this mode."""

    def prepare(self, context: Context) -> None:
        """Refuse an empty list."""
        if not context.settings.runs:
            raise UserError(
                "runs: name the runs to compare, each a directory or an id: 'runs=[A,B]'."
            )

    def run(self, context: Context) -> None:
        """Print the comparison."""
        from framework.results.compare import compare
        from framework.results.load import load_run

        settings = context.settings
        runs = [load_run(run, database=settings.database) for run in settings.runs]
        context.print(compare(runs).table())
