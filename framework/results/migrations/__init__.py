"""The history of the database's schema, one file per step, run by Alembic."""
