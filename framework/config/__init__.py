"""Composed configuration: components, building, faults, secrets."""
