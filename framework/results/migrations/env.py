"""What Alembic runs to migrate, on a connection handed to it or on its command line's URL."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection


def migrate(connection: Connection) -> None:
    """Run the steps asked for, all in one transaction."""
    from sqlmodel import SQLModel

    import framework.results.tables  # noqa: F401  fills the metadata that --autogenerate compares

    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Migrate over the program's connection or, from the command line, over the URL configured."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    url = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option(
        "sqlalchemy.url"
    )
    if not url:
        raise SystemExit("alembic needs the database: -x url=sqlite:///runs/framework.db")
    engine = create_engine(url)
    with engine.begin() as opened:
        migrate(opened)
    engine.dispose()


if __name__ == "env_py":  # the name Alembic loads it under; an ordinary import runs nothing
    main()
