"""Which part of a range is judged: all of it, chronological shares, or folds that walk forward.

On each of them a tail can be sealed: it is not loaded before it is opened, on purpose and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from framework.config.component import component
from framework.errors import UserError
from framework.exchange.candle_source import day
from framework.exchange.load import Scope
from framework.records import Part
from framework.types import Interval

_ROUNDING = 1e-9  # of shares that are meant to add up to 1


@component
class Evaluation:
    """What all choices share: the sealed tail."""

    name: str
    """Of this choice."""

    sealed: Interval | None = None
    """Length of the tail that is neither loaded nor traded, in whole bars; null: none."""

    open_sealed: bool = False
    """Whether the sealed tail is traded, and only that; each opening is counted."""

    @model_validator(mode="after")
    def _has_a_tail(self) -> Self:
        if self.open_sealed and self.sealed is None:
            raise ValueError(
                "open_sealed needs sealed, the length of the tail that it opens (was null)"
            )
        return self

    @property
    def holds_tests(self) -> bool:
        """Whether there are parts that a sweep does not see."""
        return False

    def parts(self, start_ns: int, end_ns: int, interval: Interval) -> tuple[Part, ...]:
        """Return the parts that are judged by themselves, of the bars in [start, end)."""
        return ()

    def scope(self, start_ns: int, end_ns: int, interval: Interval, *, sweeping: bool) -> Scope:
        """Return what of a range is loaded and traded.

        Parameters
        ----------
        start_ns, end_ns : int
            Open times asked for, UTC, on the grid of `interval`; the end is exclusive.
        interval : Interval
            Of the strategy.
        sweeping : bool
            Whether the run is one of a sweep, which ends where the first test part begins.

        Raises
        ------
        UserError
            The tail, or a part, does not fit into the range.
        """
        seal_ns = end_ns if self.sealed is None else interval.floor(end_ns - self.sealed.ns)
        if seal_ns <= start_ns:
            raise UserError(
                f"evaluation.sealed: must be shorter than the range, {day(start_ns)} to "
                f"{day(end_ns)} (was {self.sealed})."
            )
        sealed = None if self.sealed is None else (seal_ns, end_ns)
        if self.open_sealed:
            return Scope(seal_ns, end_ns, sealed)
        parts = self.parts(start_ns, seal_ns, interval)
        bars = (seal_ns - start_ns) // interval.ns
        if not self._trades_tests(sweeping):
            bars = min(part.start for part in parts if part.name == "test")
            parts = tuple(part for part in parts if part.end <= bars)
        return Scope(start_ns, start_ns + bars * interval.ns, sealed, parts)

    def _trades_tests(self, sweeping: bool) -> bool:
        return True


@component
class Whole(Evaluation):
    """Judge over the whole range at once."""

    name: Literal["whole"] = "whole"
    """Of this choice."""


@component
class WithTests(Evaluation):
    """What the choices with test parts share."""

    open_test: bool | None = None
    """Whether the test parts are traded; null: not in a sweep."""

    @property
    def holds_tests(self) -> bool:
        """Whether there are parts that a sweep does not see."""
        return True

    def _trades_tests(self, sweeping: bool) -> bool:
        return not sweeping if self.open_test is None else self.open_test


@component
class Holdout(WithTests):
    """Judge apart over chronological shares of the range."""

    name: Literal["holdout"] = "holdout"
    """Of this choice."""

    train: float = Field(default=0.6, gt=0, lt=1)
    """Share of the bars, the first."""

    validation: float = Field(default=0.2, ge=0, lt=1)
    """Share of the bars after those."""

    test: float = Field(default=0.2, gt=0, lt=1)
    """Share of the bars after those; what is left over is not judged apart."""

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        shares = (self.train, self.validation, self.test)
        if sum(shares) > 1.0 + _ROUNDING:
            shown = ", ".join(f"{share:g}" for share in shares)
            raise ValueError(f"train, validation and test must add up to at most 1 (were {shown})")
        return self

    def parts(self, start_ns: int, end_ns: int, interval: Interval) -> tuple[Part, ...]:
        """Return one part for each share above 0; its edges are rounded to bars."""
        bars = (end_ns - start_ns) // interval.ns
        shares = {"train": self.train, "validation": self.validation, "test": self.test}
        edges = [0]
        covered = 0.0
        for share in shares.values():
            covered += share
            edges.append(min(round(bars * covered), bars))
        parts = []
        for (name, share), (first, last) in zip(shares.items(), pairwise(edges), strict=True):
            if share and first == last:
                raise UserError(
                    f"evaluation.{name}: is less than a bar of the {bars:,} bars from "
                    f"{day(start_ns)} to {day(end_ns)} (was {share:g})."
                )
            if share:
                parts.append(Part(1, name, first, last))
        return tuple(parts)


@component
class WalkForward(WithTests):
    """Judge apart over test parts that follow each other, each with the train part before it."""

    name: Literal["walk_forward"] = "walk_forward"
    """Of this choice."""

    kind: Literal["rolling", "expanding"] = "rolling"
    """Whether a train part is as long as the first one, or all before its test part."""

    folds: PositiveInt | None = 5
    """Cuts the range into one equal stretch more; null: `train` and `test` are given."""

    train: Interval | None = None
    """Length of the first train part, instead of `folds`."""

    test: Interval | None = None
    """Length of each test part, instead of `folds`; what makes no whole one is left over."""

    @model_validator(mode="after")
    def _folds_or_lengths(self) -> Self:
        given = [part is not None for part in (self.folds, self.train, self.test)]
        if given not in ([True, False, False], [False, True, True]):
            values = (self.folds, self.train, self.test)
            shown = ", ".join("null" if value is None else str(value) for value in values)
            raise ValueError(
                "either folds is given, or train and test with folds=null "
                f"(folds, train and test were {shown})"
            )
        return self

    def parts(self, start_ns: int, end_ns: int, interval: Interval) -> tuple[Part, ...]:
        """Return a train and a test part for each fold."""
        bars = (end_ns - start_ns) // interval.ns
        edges = self._edges(bars, interval, f"from {day(start_ns)} to {day(end_ns)}")
        parts = []
        for fold, (first, last) in enumerate(pairwise(edges), start=1):
            begin = 0 if self.kind == "expanding" else first - edges[0]
            parts += [Part(fold, "train", begin, first), Part(fold, "test", first, last)]
        return tuple(parts)

    def _edges(self, bars: int, interval: Interval, span: str) -> list[int]:
        """Return where each test part begins, and the last one ends."""
        if self.folds is not None:
            if self.folds >= bars:
                raise UserError(
                    f"evaluation.folds: must be less than the {bars:,} bars {span} "
                    f"(was {self.folds})."
                )
            return [fold * bars // (self.folds + 1) for fold in range(1, self.folds + 2)]
        lengths = {}
        for name, length in (("train", self.train), ("test", self.test)):
            assert length is not None  # noqa: S101 - the validator saw to it
            lengths[name], rest = divmod(length.ns, interval.ns)
            if rest:
                raise UserError(
                    f"evaluation.{name}: must be whole candles of {interval} (was {length})."
                )
        train, test = lengths["train"], lengths["test"]
        if train + test > bars:
            raise UserError(
                f"evaluation.train: {self.train} and a test part of {self.test} must fit into the "
                f"{bars:,} bars of {interval} {span}."
            )
        return list(range(train, bars + 1, test))


def require_closed(evaluation: Mapping[str, Any]) -> None:
    """Refuse a sweep that would see what is kept from it.

    Parameters
    ----------
    evaluation : mapping
        Of the composed configuration.

    Raises
    ------
    UserError
        It opens the sealed tail or the test parts.
    """
    faults = [
        f"evaluation.{name}: must be false in a sweep, which would choose by what is kept from it "
        "(was true)."
        for name in ("open_sealed", "open_test")
        if evaluation.get(name) is True
    ]
    if faults:
        raise UserError(*faults)
