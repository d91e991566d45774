"""Exchanges, one per file, and how their candles are loaded."""
