"""Values from the wire: right ones are read, all others refused."""

import math

import pytest

from framework.exchange import wire_values as wire
from framework.exchange.wire_values import Unreadable
from framework.types import Interval

HUGE = int("9" * 400)
NEVER_A_NUMBER = ("NaN", "inf", "1e400", "", "abc", "1_0", "-1", None, True, [], {}, math.nan)


@pytest.mark.parametrize("value", [*NEVER_A_NUMBER, math.inf, HUGE, 1e13, "1e13", -0.1])
def test_what_is_no_price_is_refused(value):
    with pytest.raises(Unreadable):
        wire.price_of(value)


@pytest.mark.parametrize(("value", "price"), [("0.00000013", 1.3e-7), (7, 7.0), (7.5, 7.5)])
def test_a_price_may_be_text_or_a_number(value, price):
    assert wire.price_of(value) == price


def test_zero_is_an_amount_but_neither_a_price_nor_an_amount_traded():
    assert wire.units_of("0") == 0.0
    for read in (wire.price_of, wire.traded_units_of):
        with pytest.raises(Unreadable):
            read("0.000")


@pytest.mark.parametrize("value", [True, "1702354080000", 1702354080000.0, 5, HUGE, None, -1])
def test_what_is_no_moment_is_refused(value):
    with pytest.raises(Unreadable):
        wire.moment_of(value)


def test_moments_are_milliseconds_and_candles_open_on_their_grid():
    assert wire.moment_of(1702354080123) == 1702354080123_000_000
    assert wire.open_time_of(1702354080000, Interval.parse("1m")) == 1702354080_000_000_000
    with pytest.raises(Unreadable):
        wire.open_time_of(1702354080000, Interval.parse("5m"))  # 04:08


@pytest.mark.parametrize("value", [True, "1", -1, 1.0, HUGE, None])
def test_what_is_no_number_of_a_frame_is_refused(value):
    with pytest.raises(Unreadable):
        wire.counter_of(value)


@pytest.mark.parametrize(
    "levels",
    [
        *(None, {}, "ab", [None], ["12"], [["1"]], [[1.0, "2"]], [["1", 2]], [["0", "1"]]),
        *([["1", "-1"]], [["NaN", "1"]], [["1", "NaN"]], [["1e400", "1"]], [["1", "9" * 400]]),
    ],
)
def test_what_are_no_levels_is_refused(levels):
    with pytest.raises(Unreadable):
        wire.levels_of(levels)


def test_levels_stay_as_written():
    assert wire.levels_of([["100.10", "0.00", 3]]) == [("100.10", "0.00")]


def test_a_candle_as_served_may_hold_what_is_no_price():
    served = wire.served_ohlcv_of(["1", "inf", -1, 0.0, "NaN"])
    assert served[:4] == (1.0, math.inf, -1.0, 0.0) and math.isnan(served[4])
    for value in ("soon", None, True, [], HUGE):
        with pytest.raises(Unreadable):
            wire.served_ohlcv_of(["1", "1", "1", value, "1"])


@pytest.mark.parametrize("row", [["1"] * 4, ["1"] * 6, ["1", "1", "1", "0", "1"]])
def test_what_is_no_candle_is_refused(row):
    with pytest.raises(Unreadable):
        wire.ohlcv_of(row)
