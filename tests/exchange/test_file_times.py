"""Times as files write them."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from framework.exchange.file_times import times_ns
from framework.types import parse_time

NOON = parse_time("2021-02-03T12:00")
SECONDS = NOON // 10**9


def read(values, unit=None):
    return times_ns(pa.chunked_array([pa.array(values)]), unit).tolist()


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([SECONDS], None),
        ([SECONDS * 10**3], None),
        ([SECONDS * 10**6], None),
        ([SECONDS * 10**9], None),
        ([SECONDS], "s"),
        ([SECONDS * 10**3], "ms"),
        ([float(SECONDS)], None),
        ([SECONDS * 1e3], None),
        ([str(SECONDS)], None),
        ([f"{SECONDS}000"], None),
        ([f"{SECONDS}.0"], None),
        (["2021-02-03T12:00:00"], None),
        (["2021-02-03 12:00:00"], None),
        (["2021-02-03 12:00"], None),
        (["2021-02-03T12:00:00Z"], None),
        (["2021-02-03T12:00:00.000Z"], None),
        (["2021-02-03 12:00:00+00:00"], None),
        (["2021-02-03T23:00:00+11:00"], None),
        (["2021-02-03 12:00:00 UTC"], None),
        (["2021-02-03 12-PM"], None),
        (["2021-02-03 12:00 PM"], None),
        (["2021/02/03 12:00"], None),
        (["2021.02.03 12:00"], None),
        (["2021-2-3 12:00"], None),
        (["20210203T120000"], None),
        (["03.02.2021 12:00"], None),
    ],
    ids=str,
)
def test_one_moment_in_many_ways(values, unit):
    assert read(values, unit) == [NOON]


def test_midnight_and_noon_on_a_twelve_hour_clock():
    texts = ["2020-08-14 12-AM", "2020-08-14 01-AM", "2020-08-14 12-PM", "2020-08-14 01-PM"]
    day = parse_time("2020-08-14")
    assert read(texts) == [day + hour * 3_600 * 10**9 for hour in (0, 1, 12, 13)]


def test_seconds_and_milliseconds_in_one_column():
    assert read([SECONDS * 1_000, SECONDS - 60]) == [NOON, NOON - 60 * 10**9]


def test_two_formats_in_one_column():
    texts = ["2021-02-03 12-PM", "2021-02-03 13:00:00", str(SECONDS)]
    assert read(texts) == [NOON, NOON + 3_600 * 10**9, NOON]


def test_fractions_of_a_second_are_kept():
    assert read([SECONDS + 0.25]) == [NOON + 250_000_000]
    assert read(["2021-02-03 12:00:00.25"]) == [NOON + 250_000_000]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_timestamps(unit):
    moment = np.datetime64("2021-02-03T12:00", unit)
    assert read(np.array([moment])) == [NOON]
    zoned = pa.array(np.array([moment])).cast(pa.timestamp(unit, tz="Australia/Sydney"))
    assert read(zoned) == [NOON]


def test_typed_dates():
    assert read([date(2021, 2, 3)]) == [parse_time("2021-02-03")]


def test_order_of_day_and_month_is_taken_from_rows_that_show_it():
    assert read(["03/02/2021 12:00", "13/02/2021 12:00"])[0] == NOON
    assert read(["02/03/2021 12:00", "02/13/2021 12:00"])[0] == NOON


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["03/02/2021"], "dates such as '03/02/2021' can be read as day or month first"),
        (["2021-02-03", "soon"], "row 2 holds no time: 'soon'"),
        (["2021-02-03", ""], "row 2 holds no time: ''"),
        (["2021-02-30"], "row 1 holds no time: '2021-02-30'"),
        (["2021-02-03 13-PM"], "row 1 holds no time: '2021-02-03 13-PM'"),
        ([SECONDS, None], "row 2 has no time"),
        ([SECONDS, 0], "row 2 holds no time: 0"),
        ([SECONDS, -5], "row 2 holds no time: -5"),
        ([1.5, float("nan")], "row 2 has no time"),
    ],
    ids=str,
)
def test_what_is_no_time_is_named_with_its_row(values, message):
    with pytest.raises(ValueError, match=r"row|dates") as fault:
        read(values)
    assert str(fault.value).startswith(message)


def test_milliseconds_called_nanoseconds_stay_in_range_and_seconds_do_not():
    with pytest.raises(ValueError, match=f"row 1 is no time in s: {SECONDS * 1000}"):
        read([SECONDS * 1_000], "s")
