"""Candles: rows, quality, the regular grid, resampling, store and certificate."""
