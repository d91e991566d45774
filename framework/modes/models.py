"""Show the trained models that there are, what each reached, and how far others are."""

from __future__ import annotations

from typing import ClassVar, Literal

from framework.config.component import component
from framework.modes.context import Context


@component
class Models:
    """List the registry of trained models, and the trainings that have not ended."""

    recorded: ClassVar[bool] = False

    name: Literal["models"] = "models"
    """Of this mode."""

    def prepare(self, context: Context) -> None:
        """Need nothing beforehand."""

    def run(self, context: Context) -> None:
        """Print the tables, or how they are filled."""
        from framework.results.connection import Url
        from framework.results.database import open_database
        from framework.results.model_table import model_table
        from framework.results.training_table import training_table

        url = Url(context.settings.database)
        made = not url.lite or url.path.is_file()  # else only looking would make it
        database = open_database(context.settings.database) if made else None
        rows = database.models.rows() if database else []
        unfinished = database.checkpoints.unfinished() if database else []
        if rows:
            context.print(model_table(rows))
        if unfinished:
            context.print(training_table(unfinished))
        if not rows and not unfinished:
            context.logger.info(f"no model in {url.shown} yet: mode=train model=NAME trains one")
