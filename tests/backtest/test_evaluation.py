"""What of a range is traded and judged apart, with dates worked out by hand."""

import pytest

from framework.backtest.evaluation import Holdout, WalkForward, Whole, require_closed
from framework.errors import UserError
from framework.exchange.load import Scope
from framework.records import Part
from framework.types import Interval, parse_time

HOUR, DAY = Interval.parse("1h"), Interval.parse("1d")


def scope(evaluation, start, end, interval=DAY, sweeping=False):
    return evaluation.scope(parse_time(start), parse_time(end), interval, sweeping=sweeping)


def bars(parts):
    return [(part.fold, part.name, part.start, part.end) for part in parts]


def test_the_whole_range_is_one_piece():
    assert scope(Whole(), "2025-01-01", "2025-02-01") == Scope(
        parse_time("2025-01-01"), parse_time("2025-02-01")
    )


@pytest.mark.parametrize("sweeping", [False, True])
def test_a_sealed_tail_ends_the_range_before_it(sweeping):
    # 2024 is a leap year: 60 days before 30 March (exclusive) are 29 of March and February's 29,
    # and 2 of January
    found = scope(Whole(sealed="60d"), "2024-01-01", "2024-03-30", sweeping=sweeping)
    assert found.end_ns == parse_time("2024-01-30")
    assert found.sealed == (parse_time("2024-01-30"), parse_time("2024-03-30"))


def test_a_tail_that_is_no_whole_number_of_bars_grows_to_one():
    found = scope(Whole(sealed="36h"), "2025-01-01", "2025-01-11")
    assert found.end_ns == parse_time("2025-01-09")
    weeks = scope(Whole(sealed="3d"), "2025-01-06", "2025-01-20", Interval.parse("1w"))
    assert weeks.end_ns == parse_time("2025-01-13")


def test_an_opened_tail_is_all_that_is_traded():
    found = scope(Holdout(sealed="3d", open_sealed=True), "2025-01-01", "2025-01-11")
    seal = parse_time("2025-01-08"), parse_time("2025-01-11")
    assert found == Scope(*seal, sealed=seal, parts=())


def test_shares_follow_each_other_and_leave_the_sealed_tail_alone():
    # ten days, less two sealed ones: 8 days of 24 hours are 192 bars, 0.6 and 0.8 of that 115.2
    # and 153.6
    found = scope(Holdout(sealed="2d"), "2025-01-01", "2025-01-11", HOUR)
    assert bars(found.parts) == [
        (1, "train", 0, 115), (1, "validation", 115, 154), (1, "test", 154, 192),
    ]  # fmt: skip
    assert found.end_ns == parse_time("2025-01-09")


def test_shares_that_add_up_to_less_leave_the_rest_unjudged():
    holdout = Holdout(train=0.5, validation=0, test=0.25)
    found = scope(holdout, "2025-01-01", "2025-01-21")
    assert bars(found.parts) == [(1, "train", 0, 10), (1, "test", 10, 15)]
    assert found.end_ns == parse_time("2025-01-21")


def test_tenths_add_up_to_one_whatever_their_rounding():
    found = scope(Holdout(train=0.7, validation=0.2, test=0.1), "2025-01-01", "2025-01-31")
    assert bars(found.parts) == [
        (1, "train", 0, 21), (1, "validation", 21, 27), (1, "test", 27, 30),
    ]  # fmt: skip


def test_a_sweep_ends_where_the_test_part_begins():
    found = scope(Holdout(sealed="2d"), "2025-01-01", "2025-01-13", sweeping=True)
    assert found.end_ns == parse_time("2025-01-09")  # 0.8 of ten days
    assert bars(found.parts) == [(1, "train", 0, 6), (1, "validation", 6, 8)]
    assert found.sealed == (parse_time("2025-01-11"), parse_time("2025-01-13"))


def test_the_test_part_can_be_opened_and_closed_by_hand():
    for sweeping in (False, True):
        closed = scope(Holdout(open_test=False), "2025-01-01", "2025-01-11", sweeping=sweeping)
        opened = scope(Holdout(open_test=True), "2025-01-01", "2025-01-11", sweeping=sweeping)
        assert (closed.end_ns, opened.end_ns) == (
            parse_time("2025-01-09"),
            parse_time("2025-01-11"),
        )


def test_rolling_folds_train_on_the_stretch_before_their_test():
    found = scope(WalkForward(folds=3), "2025-01-01", "2025-01-13")
    assert bars(found.parts) == [
        (1, "train", 0, 3), (1, "test", 3, 6),
        (2, "train", 3, 6), (2, "test", 6, 9),
        (3, "train", 6, 9), (3, "test", 9, 12),
    ]  # fmt: skip


def test_expanding_folds_train_on_all_before_their_test():
    found = scope(WalkForward(kind="expanding", folds=2), "2025-01-01", "2025-01-12")
    # 11 bars in three stretches end at 11/3, 22/3 and 33/3
    assert bars(found.parts) == [
        (1, "train", 0, 3), (1, "test", 3, 7),
        (2, "train", 0, 7), (2, "test", 7, 11),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "begins"), [("rolling", 36), ("expanding", 0)])
def test_folds_by_length_are_as_many_as_fit(kind, begins):
    walk = WalkForward(kind=kind, folds=None, train="4d", test="36h")
    found = scope(walk, "2025-01-01", "2025-01-09", HOUR)
    # 96 hours, then 36 twice: 168 of 192
    assert bars(found.parts) == [
        (1, "train", 0, 96), (1, "test", 96, 132),
        (2, "train", begins, 132), (2, "test", 132, 168),
    ]  # fmt: skip


def test_a_sweep_sees_only_what_comes_before_the_first_test():
    walk = WalkForward(kind="expanding", folds=2)
    found = scope(walk, "2025-01-01", "2025-01-10", sweeping=True)
    assert found.end_ns == parse_time("2025-01-04")
    assert found.parts == (Part(1, "train", 0, 3),)


@pytest.mark.parametrize(
    ("evaluation", "said"),
    [
        (
            Whole(sealed="10d"),
            "evaluation.sealed: must be shorter than the range, 2025-01-01 to 2025-01-11 "
            "(was 10d).",
        ),
        (
            Holdout(validation=0.01),
            "evaluation.validation: is less than a bar of the 10 bars from 2025-01-01 to "
            "2025-01-11 (was 0.01).",
        ),
        (
            WalkForward(folds=10),
            "evaluation.folds: must be less than the 10 bars from 2025-01-01 to 2025-01-11 "
            "(was 10).",
        ),
        (
            WalkForward(folds=None, train="1w", test="4d"),
            "evaluation.train: 1w and a test part of 4d must fit into the 10 bars of 1d from "
            "2025-01-01 to 2025-01-11.",
        ),
        (
            WalkForward(folds=None, train="1w", test="36h"),
            "evaluation.test: must be whole candles of 1d (was 36h).",
        ),
    ],
)
def test_what_does_not_fit_is_refused(evaluation, said):
    with pytest.raises(UserError) as refused:
        scope(evaluation, "2025-01-01", "2025-01-11")
    assert refused.value.faults == (said,)


def test_folds_of_one_bar_are_the_most_there_can_be():
    found = scope(WalkForward(folds=9), "2025-01-01", "2025-01-11")
    assert bars(found.parts)[-2:] == [(9, "train", 8, 9), (9, "test", 9, 10)]


def test_a_sweep_opens_nothing():
    require_closed({"name": "whole", "open_sealed": False, "open_test": None})
    with pytest.raises(UserError) as refused:
        require_closed({"open_sealed": True, "open_test": True})
    assert [fault.partition(",")[0] for fault in refused.value.faults] == [
        "evaluation.open_sealed: must be false in a sweep",
        "evaluation.open_test: must be false in a sweep",
    ]
