"""Compiled loops behind the functions: arrays in, arrays out."""
