"""What holds for any market, signals and rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from engine_markets import terms_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engine_twin import random_case

from framework.engine.make_rules import make_rules
from framework.engine.simulate import simulate
from framework.records import Kind, OrderType, Reason

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def traded(seed):
    candles, signals, risk, execution, venue, cash = random_case(seed)
    rules = make_rules(risk, execution, venue, candles.pairs, terms_of(candles))
    return candles, signals, risk, execution, cash, simulate(candles, signals, rules, cash)


def holdings(candles, events):
    """Units held and cash flows per bar, added up from the fills."""
    fills = events[events["kind"] == Kind.FILLED]
    bars = np.searchsorted(candles.time, fills["time"])
    units = np.zeros(candles.close.shape)
    np.add.at(units, (bars, fills["pair"]), fills["side"] * fills["units"])
    flow = np.zeros(len(candles))
    np.add.at(flow, bars, -(fills["side"] * fills["quote"]) - fills["fee"])
    return np.cumsum(units, axis=0), np.cumsum(flow)


@few
@given(seeds)
def test_cash_and_positions_add_up_to_equity_at_every_bar(seed):
    candles, _, _, _, cash, result = traded(seed)
    units, flow = holdings(candles, result.events)
    np.testing.assert_allclose(
        cash + flow + (units * candles.close).sum(1), result.equity, rtol=1e-9
    )
    np.testing.assert_allclose(result.cash, cash + flow, rtol=1e-9, atol=1e-9 * cash)
    assert result.cash[-1] == result.account["wallet"]["cash"][0]  # to the last bit
    np.testing.assert_allclose(result.account["positions"]["units"][0], units[-1], atol=1e-9)
    assert result.account["wallet"]["bars"][0] == len(candles)


@few
@given(seeds)
def test_cash_and_positions_are_never_negative(seed):
    candles, _, _, _, _, result = traded(seed)
    assert (result.cash >= 0).all()
    assert (holdings(candles, result.events)[0] >= -1e-9).all()


@few
@given(seeds)
def test_no_fill_outside_the_bar_or_above_its_volume_share(seed):
    candles, _, _, execution, _, result = traded(seed)
    fills = result.events[result.events["kind"] == Kind.FILLED]
    bars = np.searchsorted(candles.time, fills["time"])
    at = (bars, fills["pair"])
    base = fills["price"] - fills["side"] * fills["slippage"] / fills["units"]
    assert (base >= candles.low[at] * (1 - 1e-9)).all()
    assert (base <= candles.high[at] * (1 + 1e-9)).all()
    assert np.isin(candles.standing[at], (0, 3)).all()
    if execution.max_participation:
        taken = np.zeros(candles.close.shape)
        np.add.at(taken, at, fills["units"])
        assert (taken <= execution.max_participation * candles.volume * (1 + 1e-9) + 1e-9).all()


@few
@given(seeds)
def test_every_fill_follows_its_decision_in_an_earlier_bar_or_a_level(seed):
    _, _, _, _, _, result = traded(seed)
    decided = {}
    for event in result.events:
        if event["kind"] == Kind.DECIDED:
            assert event["order"] not in decided
            decided[event["order"]] = event
        elif event["kind"] == Kind.FILLED:
            order = decided[event["order"]]
            assert (order["pair"], order["side"]) == (event["pair"], event["side"])
            inside = order["type"] != OrderType.MARKET
            assert order["time"] < event["time"] or (inside and order["time"] == event["time"])
    assert list(decided) == list(range(1, len(decided) + 1))
    assert (np.diff(result.events["time"]) >= 0).all()


@few
@given(seeds)
def test_decisions_stay_within_exposure_and_position_limits(seed):
    candles, _, risk, _, _, result = traded(seed)
    events, units = result.events, holdings(candles, result.events)[0]
    for t, time in enumerate(candles.time):
        buys = events[
            (events["time"] == time) & (events["kind"] == Kind.DECIDED) & (events["side"] > 0)
        ]
        if not len(buys):
            continue
        equity, held = result.equity[t], units[t] * candles.close[t]
        for buy in buys:
            value = max(held[buy["pair"]], 0.0) + buy["quote"]
            assert value <= (risk.max_pair_exposure or 9) * equity * (1 + 1e-9)
        assert buys["quote"].sum() <= (risk.max_exposure or 9) * equity * (1 + 1e-9)
        assert len(buys) <= (risk.max_positions or 9)


def halts(equity, risk):
    """Bars in which trading rests, from and to before, from equity alone."""
    found, peak, t = [], -np.inf, 0
    while t < len(equity):
        peak = max(peak, equity[t])
        if equity[t] <= peak * (1 - risk.max_drawdown):
            found.append((t, t + risk.halt_bars if risk.halt_bars else len(equity)))
            t = found[-1][1]
            peak = equity[t] if t < len(equity) else peak
        t += 1
    return found


@few
@given(seeds)
def test_nothing_is_held_beyond_the_time_stop_where_it_can_be_sold(seed):
    candles, signals, risk, execution, venue, cash = random_case(seed)
    risk = replace(risk, time_stop=risk.time_stop or 3)
    execution = replace(execution, max_participation=None)
    rules = make_rules(risk, execution, venue, candles.pairs, terms_of(candles))
    units = holdings(candles, simulate(candles, signals, rules, cash).events)[0]
    bars = np.zeros(units.shape[1])
    for held, standing in zip(units > 1e-9, candles.standing, strict=True):
        bars = np.where(held, bars + 1, 0)
        assert (bars[np.isin(standing, (0, 3))] <= risk.time_stop).all()


@few
@given(seeds)
def test_no_entry_is_decided_where_it_is_forbidden(seed):
    candles, _, risk, _, _, result = traded(seed)
    events = result.events
    buys = events[(events["kind"] == Kind.DECIDED) & (events["side"] > 0)]
    bars = np.searchsorted(candles.time, buys["time"])
    assert np.isin(candles.standing[bars, buys["pair"]], (0, 3)).all()
    if risk.max_drawdown:
        for start, stop in halts(result.equity, risk):
            assert not ((bars >= start) & (bars < stop)).any()
    stopped = events[
        (events["kind"] == Kind.DECIDED)
        & np.isin(events["reason"], (Reason.STOP_LOSS, Reason.TRAILING_STOP, Reason.BREAK_EVEN))
    ]
    for stop in stopped:
        since = bars[buys["pair"] == stop["pair"]] - np.searchsorted(candles.time, stop["time"])
        assert not ((since >= 0) & (since < risk.cool_down)).any()


@few
@given(seeds)
def test_inputs_are_left_as_they_were_and_a_second_run_is_equal(seed):
    candles, signals, risk, execution, venue, cash = random_case(seed)
    rules = make_rules(risk, execution, venue, candles.pairs, terms_of(candles))
    arrays = [a for a in vars_of(signals) if a is not None]
    before = candles.digest, [a.copy() for a in arrays], rules.scalars.copy(), rules.pairs.copy()
    one, two = (simulate(candles, signals, rules, cash) for _ in range(2))
    assert one.orders_hash == two.orders_hash
    vars(candles).pop("digest")
    assert candles.digest == before[0]
    for array, copy in zip(arrays, before[1], strict=True):
        np.testing.assert_array_equal(array, copy)
    assert rules.scalars == before[2] and (rules.pairs == before[3]).all()


def vars_of(signals):
    return [getattr(signals, name) for name in ("enter", "exit", "target", "confidence")]
