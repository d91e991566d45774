"""Numbers as written and times to the nanosecond."""

from __future__ import annotations

import pytest

from framework.exchange.wire_values import Unreadable
from framework.exchange.written_values import (
    iso_time_of,
    read_written,
    unix_time_of,
    whole_of,
    written_price,
    written_units,
)


def test_numbers_stay_as_they_are_written() -> None:
    assert read_written('{"a":0.00100000,"b":123456789.12345678,"c":7}') == {
        "a": "0.00100000",
        "b": "123456789.12345678",
        "c": 7,
    }


@pytest.mark.parametrize("text", ["", "{", "[NaN]", "[Infinity]", "<html>", "[" * 100_000])
def test_what_is_no_json_cannot_be_read(text: str) -> None:
    with pytest.raises(Unreadable):
        read_written(text)


def test_an_exponent_is_written_out() -> None:
    assert written_units("5E-8") == "0.00000005"
    assert written_price("1.5e3") == "1500"
    assert written_price(45_000) == "45000"


@pytest.mark.parametrize(
    "value",
    [None, True, [], {}, "", "abc", "nan", "inf", "-1", "1_0", "1e99", "1e400", "٣", 10**400],
)
def test_what_is_no_price_cannot_be_read(value: object) -> None:
    with pytest.raises(Unreadable):
        written_price(value)


def test_a_price_is_above_zero_and_units_may_be_zero() -> None:
    assert written_units("0.00000000") == "0.00000000"
    with pytest.raises(Unreadable):
        written_price("0.0")


def test_times_are_exact_to_the_nanosecond() -> None:
    assert iso_time_of("2026-11-20T22:02:00Z") == 1_795_212_120_000_000_000
    assert iso_time_of("2026-11-20T22:02:00.000001Z") == 1_795_212_120_000_001_000
    assert iso_time_of("2026-11-20T22:02:00.123456789Z") == 1_795_212_120_123_456_789
    assert unix_time_of("1795212120.123456789") == 1_795_212_120_123_456_789


@pytest.mark.parametrize(
    "value",
    [
        None,
        1_795_212_120,
        "2026-11-20",
        "2026-11-20T22:02:00",
        "2026-11-20T22:02:00+01:00",
        "2026-11-20T22:02:00.1e3Z",
        "2026-11-20T25:02:00Z",
        "1970-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_cannot_be_read(value: object) -> None:
    with pytest.raises(Unreadable):
        iso_time_of(value)


@pytest.mark.parametrize("value", [None, "x", "0", "-5", "1e40", 10**30, True])
def test_what_is_no_unix_time_cannot_be_read(value: object) -> None:
    with pytest.raises(Unreadable):
        unix_time_of(value)


@pytest.mark.parametrize("value", [None, 5, "5.0", "-5", "", "٣", "9" * 31])
def test_what_is_no_whole_number_cannot_be_read(value: object) -> None:
    with pytest.raises(Unreadable):
        whole_of(value)
