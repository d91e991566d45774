"""Each kind of fault in hand-made rows, under each policy."""

import numpy as np
import pytest
from market_rows import MINUTE, as_dict, plain, rows_of, seeded
from pydantic import ValidationError

from framework.errors import UserError
from framework.market.quality import FaultPolicy, clean, inspect
from framework.types import Interval

GOOD = (10, 12, 9, 11, 5)

# kind: rows at fault, the slots of the fault, the slots left by a repair
CASES = {
    "unordered": ([(0, *GOOD), (2, *GOOD), (1, *GOOD), (3, *GOOD)], [1], [0, 1, 2, 3]),
    "not_finite": ([(0, *GOOD), (1, 10, 12, 9, np.nan, 5), (2, *GOOD)], [1], [0, 2]),
    "non_positive": ([(0, *GOOD), (1, 10, 12, 0, 11, 5), (2, *GOOD)], [1], [0, 2]),
    "high_below_low": ([(0, *GOOD), (1, 10, 9, 12, 10, 5), (2, *GOOD)], [1], [0, 2]),
    "outside_range": ([(0, *GOOD), (1, 13, 12, 9, 8, 5), (2, *GOOD)], [1], [0, 1, 2]),
    "spacing": ([(0, *GOOD), (1.5, *GOOD), (2, *GOOD)], [1.5], [0, 2]),
    "duplicates": ([(0, *GOOD), (1, *GOOD), (1, *GOOD), (2, *GOOD)], [1], [0, 1, 2]),
    "conflicts": ([(0, *GOOD), (1, *GOOD), (1, 10, 12, 9, 10, 7)], [1], [0, 1]),
    "jump": ([(0, *GOOD), (1, 90, 91, 89, 90, 5), (2, *GOOD)], [1], [0, 2]),
}
KEPT = ("high_below_low", "outside_range", "jump")


def slots(rows):
    return (rows.time / MINUTE.ns).tolist()


@pytest.mark.parametrize("kind", CASES)
def test_refused_fault_names_pair_kind_count_first_time_and_value(kind):
    rows = rows_of(*CASES[kind][0])
    first = {1: "1970-01-01T00:01:00Z", 1.5: "1970-01-01T00:01:30Z"}[CASES[kind][1][0]]
    with pytest.raises(UserError) as caught:
        clean(rows, MINUTE, FaultPolicy(**{kind: "refuse"}))
    (line,) = caught.value.faults
    count = 2 if kind == "jump" else 1
    assert line.startswith(f"market BTC-AUD 1m: {count} ")
    assert f"first {first} (" in line
    assert f"exchange.faults.{kind}=repair " in line
    assert "\n" not in line


@pytest.mark.parametrize("kind", CASES)
def test_repaired_fault_is_recorded_and_gone(kind):
    at_fault, times, left = CASES[kind]
    kept, quality = clean(rows_of(*at_fault), MINUTE, FaultPolicy(**{kind: "repair"}))
    (fault,) = (fault for fault in quality.faults if fault.kind == kind)
    assert fault.count == 1
    assert [time / MINUTE.ns for time in fault.times] == times
    assert fault.done not in ("kept", "refused")
    assert quality.repaired == 1
    assert slots(kept) == left
    assert (quality.rows_in, quality.rows_out) == (len(at_fault), len(left))
    assert inspect(kept, MINUTE).count(kind) == 0


@pytest.mark.parametrize("kind", KEPT)
def test_kept_fault_is_marked_and_its_values_stay(kind):
    rows = rows_of(*CASES[kind][0])
    kept, quality = clean(rows, MINUTE, FaultPolicy(**{kind: "keep"}))
    assert as_dict(kept) == as_dict(rows)
    (fault,) = (fault for fault in quality.faults if fault.kind == kind)
    assert fault.done == "kept"
    assert quality.repaired == 0


@pytest.mark.parametrize("kind", sorted(set(CASES) - set(KEPT)))
def test_faults_that_candles_cannot_hold_cannot_be_kept(kind):
    with pytest.raises(ValidationError, match=kind):
        FaultPolicy(**{kind: "keep"})


def test_conflicting_rows_are_refused_unless_said_otherwise():
    with pytest.raises(UserError, match=r"close 11\.0, then 10\.0"):
        clean(rows_of(*CASES["conflicts"][0]), MINUTE)


def test_last_of_conflicting_rows_is_kept():
    kept, _ = clean(rows_of(*CASES["conflicts"][0]), MINUTE, FaultPolicy(conflicts="repair"))
    assert as_dict(kept)[MINUTE.ns] == (10, 12, 9, 10, 7)


def test_row_older_than_its_copy_is_a_conflict_decided_by_the_order_of_the_source():
    rows = rows_of((1, *GOOD), (0, *GOOD), (1, 10, 12, 9, 10, 7))
    kept, quality = clean(rows, MINUTE, FaultPolicy(conflicts="repair"))
    assert quality.count("unordered") == 1
    assert as_dict(kept)[MINUTE.ns] == (10, 12, 9, 10, 7)


def test_range_is_widened_to_hold_open_and_close():
    kept, _ = clean(
        rows_of(*CASES["outside_range"][0]), MINUTE, FaultPolicy(outside_range="repair")
    )
    assert as_dict(kept)[MINUTE.ns] == (13, 13, 8, 8, 5)


def test_negative_volume_is_refused():
    with pytest.raises(UserError, match=r"volume -1\.0"):
        clean(rows_of((0, *GOOD), (1, 10, 12, 9, 11, -1)), MINUTE)


def test_infinite_volume_is_refused():
    with pytest.raises(UserError, match="volume inf"):
        clean(rows_of((0, *GOOD), (1, 10, 12, 9, 11, np.inf)), MINUTE)


def test_all_faults_are_refused_at_once():
    rows = rows_of((0, *GOOD), (1, 10, 12, 9, np.nan, 5), (2, -1, 12, 9, 11, 5), (2.5, *GOOD))
    with pytest.raises(UserError) as caught:
        clean(rows, MINUTE)
    assert len(caught.value.faults) == 3


def test_nan_row_beside_a_good_one_for_the_same_time_is_no_conflict():
    rows = rows_of((0, *GOOD), (1, 10, 12, 9, np.nan, 5), (1, *GOOD))
    kept, quality = clean(rows, MINUTE, FaultPolicy(not_finite="repair"))
    assert quality.count("conflicts") == 0
    assert slots(kept) == [0, 1]


def test_repaired_jump_that_lasts_loses_its_first_row_only():
    rows = rows_of(*((slot, price, price, price, price, 1) for slot, price in
                     enumerate([10, 10, 100, 101, 102])))  # fmt: skip
    kept, quality = clean(rows, MINUTE, FaultPolicy(jump="repair"))
    assert slots(kept) == [0, 1, 3, 4]
    assert quality.count("jump") == 1


@pytest.mark.parametrize("cut", range(1, 12))
def test_repairing_jumps_of_a_prefix_is_a_prefix_of_repairing_all(cut):
    prices = [10, 100, 10, 10, 100, 100, 100, 10, 100, 10, 100, 100]
    rows = rows_of(*((slot, p, p, p, p, 1) for slot, p in enumerate(prices)))
    policy = FaultPolicy(jump="repair")
    whole, _ = clean(rows, MINUTE, policy)
    part, _ = clean(rows.take(np.arange(cut)), MINUTE, policy)
    assert slots(part) == [slot for slot in slots(whole) if slot < cut]


def test_jump_limit_is_a_log_return():
    rows = rows_of((0, 10, 10, 10, 10, 1), (1, 10, 25, 10, 25, 1))  # log return 0.916
    assert inspect(rows, MINUTE).count("jump") == 0
    assert inspect(rows, MINUTE, FaultPolicy(jump_limit=0.9)).count("jump") == 1


def test_gaps_are_counted_and_the_longest_is_named():
    quality = inspect(plain([0, 1, 4, 5, 10, 12]), MINUTE)
    assert (quality.gaps, quality.missing, quality.longest_gap) == (3, 7, 4)
    assert quality.longest_gap_after_ns == 5 * MINUTE.ns
    assert quality.count("gap") == 3


def test_gap_can_be_refused():
    with pytest.raises(UserError, match=r"2 gaps, first .*T00:01:00Z \(2 candles missing\)"):
        clean(plain([0, 1, 4, 6]), MINUTE, FaultPolicy(gap="refuse"))


def test_quiet_rows_and_unchanged_closes_are_counted():
    rows = rows_of(*((slot, 5, 9, 1, close, close == 7) for slot, close in
                     enumerate([6, 7, 7, 7, 8, 8, 9])))  # fmt: skip
    quality = inspect(rows, MINUTE)
    assert quality.longest_unchanged == 2
    assert quality.zero_volume == 4


def test_clean_rows_come_back_as_they_are():
    rows = seeded(500)
    kept, quality = clean(rows, MINUTE)
    assert kept is rows
    assert quality.faults == ()
    assert (quality.first_ns, quality.last_ns) == (0, 499 * MINUTE.ns)


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_rows_have_no_faults(count):
    quality = inspect(plain(range(count)), MINUTE)
    assert (quality.rows_out, quality.faults, quality.longest_unchanged) == (count, (), 0)
    assert quality.first_ns == (0 if count else None)


def test_input_is_not_changed():
    rows = rows_of(*CASES["outside_range"][0])
    before = as_dict(rows)
    clean(rows, MINUTE, FaultPolicy(outside_range="repair"))
    assert as_dict(rows) == before


def test_weekly_candles_open_on_mondays():
    week = Interval.parse("1w")
    monday = plain([0], interval=week)
    shifted = monday.time + 4 * 86_400 * 10**9
    rows = plain([0, 1], interval=week)
    assert inspect(rows, week).count("spacing") == 2
    rows.time[:] = [shifted[0], shifted[0] + week.ns]
    assert inspect(rows, week).faults == ()


def test_findings_are_one_line_each():
    (line,) = inspect(plain([0, 2]), MINUTE).findings()
    assert line == (
        "market BTC-AUD 1m: 1 gaps, first 1970-01-01T00:00:00Z (1 candles missing); kept"
    )
