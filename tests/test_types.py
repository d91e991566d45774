import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.types import DAY_NS, Interval, format_time, parse_time

intervals = st.sampled_from(["1s", "1m", "7m", "15m", "1h", "4h", "1d", "3d", "1w", "2w"])
moments = st.integers(-(10**18), 4 * 10**18)


@given(intervals, moments)
def test_a_moment_lies_in_the_candle_its_floor_names(text, moment):
    interval = Interval.parse(text)
    opened = interval.floor(moment)
    assert opened <= moment < opened + interval.ns
    assert (opened - interval.offset_ns) % interval.ns == 0


@given(intervals, moments)
def test_the_ceiling_is_the_first_open_at_or_after_a_moment(text, moment):
    interval = Interval.parse(text)
    opened = interval.ceil(moment)
    assert opened - interval.ns < moment <= opened
    assert interval.floor(opened) == opened


def test_weeks_open_on_mondays():
    assert format_time(Interval.parse("1w").floor(parse_time("2024-02-29"))) == (
        "2024-02-26T00:00:00Z"
    )


@given(intervals)
def test_an_interval_reads_back_what_it_prints(text):
    assert Interval.parse(str(Interval.parse(text))) == Interval.parse(text)


@pytest.mark.parametrize("text", ["", "15", "m", "0m", "-1h", "1.5h", "15 min", "1M", "1y", "٣m"])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(ValueError, match="is no interval"):
        Interval.parse(text)


@pytest.mark.parametrize(
    ("fine", "coarse", "answer"),
    [("15m", "1h", True), ("15m", "1w", True), ("7m", "1h", False), ("1d", "1w", True),
     ("2d", "1w", False), ("1h", "15m", False), ("1h", "1h", True)],
)  # fmt: skip
def test_an_interval_divides_another_when_whole_candles_fill_it(fine, coarse, answer):
    assert Interval.parse(fine).divides(Interval.parse(coarse)) is answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("1970-01-02T00:00:00", DAY_NS),
        ("1970-01-02T10:00:00+10:00", DAY_NS),
        ("1970-01-01T00:00:00.000001Z", 1_000),
        ("1969-12-31", -DAY_NS),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "2024-02-30", "1/2/2024", None])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="is no UTC date or time"):
        parse_time(text)


@given(st.integers(0, 4 * 10**9))
def test_whole_seconds_read_back(seconds):
    assert parse_time(format_time(seconds * 10**9)) == seconds * 10**9
