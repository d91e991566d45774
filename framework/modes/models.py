"""Show the trained models that there are, what each reached and which passed its gate."""

from __future__ import annotations

from typing import ClassVar, Literal

from framework.config.component import component
from framework.modes.context import Context


@component
class Models:
    """List the registry of trained models."""

    recorded: ClassVar[bool] = False

    name: Literal["models"] = "models"
    """Of this mode."""

    def prepare(self, context: Context) -> None:
        """Need nothing beforehand."""

    def run(self, context: Context) -> None:
        """Print the table, or how it is filled."""
        from framework.results.connection import Url
        from framework.results.database import open_database
        from framework.results.model_table import model_table

        url = Url(context.settings.database)
        made = not url.lite or url.path.is_file()  # else only looking would make it
        rows = open_database(context.settings.database).models.rows() if made else []
        if rows:
            context.print(model_table(rows))
        else:
            context.logger.info(f"no model in {url.shown} yet: mode=train model=NAME trains one")
