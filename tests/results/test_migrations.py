"""Migrations: they end at what the tables say, and can be run by Alembic's own command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from framework.results import schema
from framework.results.connection import Url
from framework.results.database import open_database

ROOT = Path(__file__).parents[2]
TABLES = {
    *("run", "metric", "trade", "fill", "veto", "trial", "model", "checkpoint", "dataset"),
    *("holdout_seal", "holdout_opening", "market_rules"),
}


def script_directory() -> Any:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def test_the_head_kept_in_the_program_is_the_newest_migration() -> None:
    assert script_directory().get_heads() == [schema.HEAD]


def test_migrations_end_at_what_the_tables_say(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine, inspect
    from sqlmodel import SQLModel

    import framework.results.tables  # noqa: F401

    open_database(database_url)
    engine = create_engine(Url(database_url).sqlalchemy)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        assert set(inspect(connection).get_table_names()) == TABLES | {"alembic_version"}
    engine.dispose()


def test_alembic_migrates_up_and_down_from_its_command_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/framework.db"
    program = (
        "import sys; from alembic.config import Config, CommandLine;"
        "CommandLine().main(['-x', 'url=' + sys.argv[1], '-c', sys.argv[2], *sys.argv[3:]])"
    )
    settings = tmp_path / "alembic.ini"
    folder = ROOT / "framework" / "results" / "migrations"
    settings.write_text(f"[alembic]\nscript_location = {folder}\n")

    def alembic(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", program, url, str(settings), *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    alembic("upgrade", "head")
    assert open_database(url).runs() == []
    alembic("downgrade", "base")
    assert open_database(url).runs() == []


def test_importing_the_migrations_runs_nothing() -> None:
    import importlib

    assert importlib.import_module("framework.results.migrations.env")
