"""The whole step once more in plain Python, slowly and one pair after the other: the judge.

It is written from the rules, with objects and lists, and shares no code with the engine.
"""

from twin.bar import Twin

__all__ = ["Twin"]
