"""Strategies: expressions, functions and their compilation to arrays."""
