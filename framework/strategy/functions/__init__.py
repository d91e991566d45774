"""Functions of the expression language, one idea per file, found by scanning this folder."""
